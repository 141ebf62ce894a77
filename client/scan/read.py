"""Read the headers of some files; runs in a process of its own where there are many."""

from dataclasses import dataclass
from pathlib import Path

from hepafed.client.dicom.encoding import (
    BrokenFileError,
    Raw,
    SetAsideError,
    is_archive,
    members_of,
    opened,
    read_headers,
    text_of,
)
from hepafed.client.scan.records import Listing, Reading, Source
from hepafed.common.errors import DicomError

OWNER_TAGS = (0x00100020, 0x0020000D)
"""PatientID and StudyInstanceUID."""


@dataclass(frozen=True)
class Batch:
    """Files that are read together."""

    folder: Path
    sources: list[Source]


def read_batch(batch: Batch) -> list[Reading | Listing]:
    """Return what each file of a batch is, in their order."""
    return [_read(batch.folder, source) for source in batch.sources]


def _read(folder: Path, source: Source) -> Reading | Listing:
    path, member = source.place(folder)
    try:
        headers = read_headers(path, source.name, member)
    except SetAsideError as e:
        return _looked_at_twice(path, member, source, e.message)
    except DicomError as e:
        return Reading(source, outcome="refused", reason=e.message)
    first = headers[0]
    if not first.study:
        return Reading(source, outcome="refused", reason="the study identifier is missing")
    return Reading(
        source,
        kind="image",
        patient=first.patient_id,
        study=first.study,
        headers="\n".join(h.to_json() for h in headers),
    )


def _looked_at_twice(path: Path, member: str, source: Source, reason: str) -> Reading | Listing:
    """Look twice at what is no image: an archive has files, a segmentation labels a study."""
    if reason.endswith("a label, not an image"):
        patient, study = _owner(path, member)
        return Reading(source, "mask", "set-aside", reason, patient, study)
    if reason == "not a DICOM file":
        try:
            if is_archive(_head(path, member)):
                return _listed(path, member, source)
        except DicomError as e:
            return Reading(source, outcome="refused", reason=e.message)
    return Reading(source, outcome="set-aside", reason=reason)


def _listed(path: Path, member: str, source: Source) -> Reading | Listing:
    if member:
        raise BrokenFileError("an archive inside an archive")
    members = members_of(path)
    if not members:
        return Reading(source, outcome="set-aside", reason="a zip archive without files")
    return Listing(source, members)


def _head(path: Path, member: str) -> bytes:
    with opened(path, member) as (stream, _):
        return stream.read(4)


def _owner(path: Path, member: str) -> tuple[str, str]:
    """Return patient and study of an object that is no image, read as headers are."""
    import pydicom

    try:
        with opened(path, member) as (stream, _):
            ds = pydicom.dcmread(stream, specific_tags=list(OWNER_TAGS), stop_before_pixels=True)
        patient, study = (
            text_of(Raw("", bytes(ds.get_item(tag).value or b""))) if tag in ds else ""
            for tag in OWNER_TAGS
        )
    except Exception:  # a broken one labels nothing, whatever is wrong with it
        return "", ""
    return patient, study
