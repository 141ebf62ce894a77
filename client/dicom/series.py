"""From a folder of files to volumes: grouped by series, split by what varies in it, stacked."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from hepafed.client.dicom.geometry import stack
from hepafed.client.dicom.header import Header, read_header
from hepafed.client.dicom.sequences import sequence_of
from hepafed.common.errors import DicomError
from numpy.typing import NDArray

LARGEST_VOXELS = 1 << 29
MR_CLASSES = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1")


@dataclass(frozen=True)
class FileOutcome:
    """What became of one input file; `path` is relative to the folder."""

    path: str
    outcome: str
    """`taken`, `set-aside` or `refused`."""
    reason: str = ""


@dataclass(frozen=True)
class Volume:
    """One stack of slices of one series. Identities stay in memory."""

    headers: tuple[Header, ...]
    affine: NDArray[np.float64]
    """4×4: voxel [column, row, slice, 1] → patient LPS, mm."""
    spacing: tuple[float, ...]
    """Between slices, rows, columns, mm."""
    sequence: str

    @property
    def b_value(self) -> float | None:
        """The b-value, s/mm²."""
        return self.headers[0].b_value

    @property
    def patient_id(self) -> str:
        """Identity as the hospital writes it."""
        return self.headers[0].patient_id

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""
        return self.headers[0].study

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID."""
        return self.headers[0].series

    def load(self) -> NDArray[np.float32]:
        """Decode the voxels, float32 [slices, rows, columns], after rescale slope and intercept.

        Raises
        ------
        DicomError
            A slice cannot be decoded.
        """
        return np.stack([pixels_of(h) for h in self.headers]).astype(np.float32)


@dataclass(frozen=True)
class Reading:
    """What a folder holds."""

    files: list[FileOutcome]
    volumes: list[Volume]


def pixels_of(h: Header) -> NDArray[np.float64]:
    """Decode one slice, rescaled, float64 [rows, columns]; DicomError when it cannot be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings may quote values
            ds = pydicom.dcmread(h.path)
            stored = ds.pixel_array
            slope = float(ds.get("RescaleSlope", 1) or 1)
            intercept = float(ds.get("RescaleIntercept", 0) or 0)
    except Exception as e:  # decoders fail in many ways; the reason holds the kind alone
        raise DicomError(f"the pixels cannot be decoded ({type(e).__name__})") from e
    if stored.shape != (h.rows, h.columns):
        raise DicomError("the pixels do not have the size that the header says")
    return stored.astype(np.float64) * slope + intercept


def read_folder(folder: Path, progress: Callable[[int, int], None] | None = None) -> Reading:
    """Read every file under a folder by its content; each file gets an outcome.

    Headers alone are read; voxels when a volume's `load` is called.
    """
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    outcomes: dict[Path, FileOutcome] = {}
    series: dict[str, list[Header]] = defaultdict(list)
    for done, path in enumerate(paths, 1):
        name = path.relative_to(folder).as_posix()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header = read_header(path)
        except DicomError as e:
            kind = "set-aside" if e.message == "not a DICOM file" else "refused"
            outcomes[path] = FileOutcome(name, kind, e.message)
        else:
            if reason := _no_use(header):
                outcomes[path] = FileOutcome(name, "set-aside", reason)
            else:
                series[header.series].append(header)
        if progress:
            progress(done, len(paths))
    volumes = []
    for headers in series.values():
        for group in _groups(headers):
            made, reasons = _volume(group)
            volumes += [made] if made else []
            for h in group:
                kind, reason = reasons.get(h.path, ("taken", ""))
                name = h.path.relative_to(folder).as_posix()
                outcomes[h.path] = FileOutcome(name, kind, reason)
    return Reading([outcomes[p] for p in paths], volumes)


def _no_use(h: Header) -> str:
    """Say why a readable file is of no use here; "" when it may be."""
    if h.modality != "MR":
        return "not an MR image"
    if h.sop_class not in MR_CLASSES or not h.has_pixels:
        return "no MR image (a report, a secondary capture or another object)"
    if h.frames > 1 or h.sop_class == MR_CLASSES[1]:
        return "a multi-frame image"
    if h.samples != 1:
        return "a colour image"
    if "LOCALIZER" in h.image_type:
        return "a localizer"
    return ""


def _groups(headers: Iterable[Header]) -> list[list[Header]]:
    """Split a series by geometry, b-value, echo and temporal position."""
    groups: dict[tuple[object, ...], list[Header]] = defaultdict(list)
    for h in headers:
        orientation = tuple(round(x, 3) for x in h.orientation or ())
        key = (
            orientation, h.spacing, h.rows, h.columns, h.b_value, h.echo_time, h.temporal,
            h.image_type[2:],
        )  # fmt: skip
        groups[key].append(h)
    return list(groups.values())


def _volume(group: list[Header]) -> tuple[Volume | None, dict[Path, tuple[str, str]]]:
    """Stack a group; gives the volume, or why its files are not taken."""
    seen: dict[str, Header] = {}
    reasons: dict[Path, tuple[str, str]] = {}
    for h in group:
        if h.instance in seen:
            reasons[h.path] = ("set-aside", "the same instance twice")
        else:
            seen[h.instance] = h
    unique = list(seen.values())
    if len(unique) * group[0].rows * group[0].columns > LARGEST_VOXELS:
        return None, {h.path: ("refused", "the volume is too large") for h in group}
    try:
        ordered, affine, spacing = stack(unique)
    except DicomError as e:
        return None, reasons | {h.path: ("refused", e.message) for h in unique}
    return Volume(tuple(ordered), affine, spacing, sequence_of(ordered[0])), reasons
