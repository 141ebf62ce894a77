"""One Orthanc for all tests of the room, filled once, never changed afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom.uid import JPEGLSLossless, RLELossless

from .orthanc import SHARED, Orthanc, add_other_kinds, compress, examination

REAL = SHARED / "dcm_qa_philips_enh/pcasl-enhanced"
"""One examination as an enhanced multi-frame file (BSD-2-Clause)."""
PATIENTS = ("PAT-001", "PAT-002", "PAT-003", "PAT-004")


@dataclass(frozen=True)
class Filled:
    orthanc: Orthanc
    export: Path
    """The same examinations as a folder of files, a subfolder per patient."""
    studies: dict[str, str]


@pytest.fixture(scope="session")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("pacs")
    orthanc = Orthanc(folder / "orthanc").start()
    try:
        export = folder / "export"
        vendors = ("siemens", "ge", "philips", "siemens")
        studies = {
            p: examination(export, p, v).study_uid for p, v in zip(PATIENTS, vendors, strict=True)
        }
        for series, syntax in (("t2", RLELossless), ("dwi", JPEGLSLossless)):
            compress(export / PATIENTS[-1] / series, syntax)
        orthanc.store(export)
        others = folder / "others"
        examination(others, "PAT-001")  # the same identities: only the two files more are new
        add_other_kinds(others, "PAT-001")
        for series in ("t2", "dwi"):
            for file in (others / "PAT-001" / series).iterdir():
                file.unlink()
        orthanc.store(others)
        if REAL.exists():
            orthanc.store(REAL)
        yield Filled(orthanc, export, studies)
    finally:
        orthanc.stop()
