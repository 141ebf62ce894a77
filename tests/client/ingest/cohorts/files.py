"""The slices of an export as DICOM files, with the labels of one lesion."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hepafed.deploy.demo.dialects import DIALECTS
from hepafed.deploy.demo.dicom_writer import data_set
from numpy.typing import NDArray
from pydicom.filewriter import dcmwrite

from tests.client.ingest.cohorts.plan import Plan, Slice, study_of

RADIUS = 8.0
"""mm of the lesion, which lies in the middle of the body."""
COLUMNS = (
    "patient_id", "lesion_id", "label", "study_uid", "series_uid", "box_space",
    "x_min", "y_min", "z_min", "x_max", "y_max", "z_max",
)  # fmt: skip


def stored(s: Slice) -> NDArray[np.uint16]:
    """Return a slice's pixels as its file holds them."""
    slope = DIALECTS[s.vendor].slope or 1.0
    return np.clip(np.rint(s.pixels / slope), 0, 4095).astype("<u2")


def write_export(folder: Path, slices: Sequence[Slice], plan: Plan) -> None:
    """Write the files, named by their order, and labels.csv."""
    folder.mkdir(parents=True)
    for n, s in enumerate(slices):
        dcmwrite(folder / f"{n:06d}", data_set(s.record, stored(s)), enforce_file_format=True)
    t2 = next(s.record.attributes for s in slices if s.stack == "T2")
    middle = study_of(plan).offset
    corners = [*(middle - RADIUS).tolist(), *(middle + RADIUS).tolist()]
    series = t2["SeriesInstanceUID"] if plan.named else ""
    values = ["P1", "L1", "metastatic", t2["StudyInstanceUID"], series, "patient", *corners]
    lines = [",".join(COLUMNS), ",".join(map(str, values))]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
