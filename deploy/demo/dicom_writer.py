"""Write one phantom series as classic MR Image Storage files, in a manufacturer's dialect."""

from pathlib import Path

import numpy as np
from hepafed.deploy.demo.dialects import DIALECTS, Dialect
from hepafed.deploy.demo.series import Series, Study, series_uid, uid
from hepafed.deploy.demo.slices import SliceRecord, slices_of
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

__all__ = ["VENDORS", "Series", "Study", "data_set", "stored_values", "uid", "write_series"]

IMPLEMENTATION = UID("2.25.292371861720419276154380174925611830457")
VENDORS = DIALECTS


def write_series(folder: Path, dialect: Dialect, study: Study, series: Series) -> str:
    """Write every slice under `folder` and return the SeriesInstanceUID."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = stored_values(dialect, series)
    for record in slices_of(dialect, study, series):
        data = data_set(record, stored[record.image][record.place])
        target = folder / dialect.file_name.format(record.number)
        dcmwrite(target, data, enforce_file_format=True)
    return series_uid(study, series)


def stored_values(dialect: Dialect, series: Series) -> list[NDArray[np.uint16]]:
    """Return the pixels of each image as they are stored: <u2 [slices, rows, columns]."""
    slope = dialect.slope or 1.0
    return [np.clip(np.rint(image / slope), 0, 4095).astype("<u2") for _, image in series.images]


def data_set(record: SliceRecord, pixels: NDArray[np.uint16]) -> Dataset:
    """Return a slice as a data set, with its file meta information."""
    data, meta = Dataset(), FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = UID(str(record.attributes["SOPInstanceUID"]))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = "HEPAFED_PHANTOM"
    data.file_meta = meta
    # int16 or uint16 (US or SS) follows PixelRepresentation, so that one comes first.
    data.PixelRepresentation = record.attributes["PixelRepresentation"]
    for keyword, value in record.attributes.items():
        setattr(data, keyword, value)
    for group, creator, low, vr, value in record.private:
        data.private_block(group, creator, create=True).add_new(low, vr, value)
    data.PixelData = pixels.tobytes()
    data.SmallestImagePixelValue = int(pixels.min())
    data.LargestImagePixelValue = int(pixels.max())
    return data
