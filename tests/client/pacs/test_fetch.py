"""Each protocol brings the same instances from a real PACS, those asked for and no others."""

import time
from pathlib import Path

import pydicom
import pytest
from hepafed.client.pacs.association import FIND, GET, offer
from hepafed.client.pacs.config import PacsConfig, read_config
from hepafed.client.pacs.connection import ASKING, READING, FetchProgress
from hepafed.client.pacs.fetch import FetchReport, fetch
from hepafed.client.pacs.request_list import read_wanted
from hepafed.client.pacs.spool import Spool
from hepafed.common.errors import DataError
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless, RLELossless

from .conftest import PATIENTS, REAL, Filled
from .orthanc import write_pacs

PROTOCOLS = ("dicomweb", "dimse", "move")
SLICES = 8
"""Instances of one examination: two series of four."""


def run(home: Path, pacs: Filled, protocol: str, text: str, **keys: object) -> FetchReport:
    """Fetch what a list of accession numbers (or patients, if the keys say so) names."""
    home.mkdir(exist_ok=True)
    (home / "list.txt").write_text(text)
    keys = {"accessions": "list.txt"} | keys
    config = read_config(write_pacs(home / "pacs.toml", pacs.orthanc, protocol, **keys))
    spool = Spool(home)
    try:
        return fetch(config, read_wanted(config), spool, lambda step: None)
    finally:
        spool.close()


def read(folder: Path) -> dict[str, Dataset]:
    found = [pydicom.dcmread(p) for p in folder.rglob("*") if p.is_file()]
    made = {str(d.SOPInstanceUID): d for d in found}
    assert len(made) == len(found)
    return made


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_fetched_equals_what_the_hospital_has(
    tmp_path: Path, pacs: Filled, protocol: str
) -> None:
    report = run(tmp_path / "home", pacs, protocol, "APAT-001\nAPAT-002\nAPAT-003\n")
    fetched = read(tmp_path / "home/spool/images")
    stored = {}
    for patient in PATIENTS[:3]:
        stored |= read(pacs.export / patient)
    assert fetched.keys() == stored.keys()
    assert len(fetched) == 3 * SLICES == report.brought.instances
    for uid, data in fetched.items():
        assert data == stored[uid]
        assert data.PixelData == stored[uid].PixelData
        assert data.file_meta.TransferSyntaxUID == stored[uid].file_meta.TransferSyntaxUID


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_compressed_instances_come_as_they_are_stored(
    tmp_path: Path, pacs: Filled, protocol: str
) -> None:
    run(tmp_path / "home", pacs, protocol, "APAT-004\n")
    fetched, stored = read(tmp_path / "home/spool/images"), read(pacs.export / "PAT-004")
    assert fetched.keys() == stored.keys()
    assert {d.file_meta.TransferSyntaxUID for d in stored.values()} == {RLELossless, JPEGLSLossless}
    for uid, data in fetched.items():
        assert data.file_meta.TransferSyntaxUID == stored[uid].file_meta.TransferSyntaxUID
        assert data.PixelData == stored[uid].PixelData
        assert (data.pixel_array == stored[uid].pixel_array).all()


@pytest.mark.skipif(not REAL.exists(), reason="the shared real DICOM files are not here")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_real_enhanced_multi_frame_file_comes_as_it_is(
    tmp_path: Path, pacs: Filled, protocol: str
) -> None:
    stored = read(REAL)
    (patient,) = {str(d.PatientID) for d in stored.values()}
    run(tmp_path / "home", pacs, protocol, patient, accessions=None, patients="list.txt")
    fetched = read(tmp_path / "home/spool/images")
    assert fetched == stored


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_only_the_patients_of_the_list_are_asked_for_and_fetched(
    tmp_path: Path, pacs: Filled, protocol: str
) -> None:
    before = len(pacs.orthanc.lines())
    csv = "patient_id,lesion_id\nPAT-002,1\nPAT-002,2\n"
    keys = {"accessions": None, "patients": "list.csv"}
    home = tmp_path / "home"
    home.mkdir()
    (home / "list.csv").write_text(csv)
    run(home, pacs, protocol, "", **keys)
    assert {d.PatientID for d in read(home / "spool/images").values()} == {"PAT-002"}
    log = pacs.orthanc.lines(before)
    for patient, study in pacs.studies.items():
        if patient != "PAT-002":
            assert patient not in log
            assert study not in log
        elif protocol == "dicomweb":  # of DIMSE, Orthanc logs no identifier
            assert study in log


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_modalities_and_kinds_stay_in_the_pacs(
    tmp_path: Path, pacs: Filled, protocol: str
) -> None:
    report = run(tmp_path / "home", pacs, protocol, "APAT-001")
    assert pacs.orthanc.count("PAT-001") == SLICES + 2  # a secondary capture and a CT
    assert report.brought.instances == SLICES
    assert report.brought.left == 1
    assert {d.Modality for d in read(tmp_path / "home/spool/images").values()} == {"MR"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_written_to_the_pacs(tmp_path: Path, pacs: Filled, protocol: str) -> None:
    statistics, last = pacs.orthanc.get("/statistics"), pacs.orthanc.get("/changes?last")
    before = len(pacs.orthanc.lines())
    run(tmp_path / "home", pacs, protocol, "APAT-001\nAPAT-002\n")
    log = pacs.orthanc.lines(before)
    assert pacs.orthanc.get("/statistics") == statistics
    assert pacs.orthanc.get("/changes?last") == last
    assert not [w for w in ("POST /", "PUT /", "DELETE /", "New instance") if w in log]
    assert ("GET /dicom-web/" if protocol == "dicomweb" else "C-FIND") in log


def test_our_association_cannot_send_anything_to_be_stored() -> None:
    config = PacsConfig(
        protocol="dimse",
        host="127.0.0.1",
        called_ae_title="PACS",
        accessions="x",
        also=("SEG", "RTSTRUCT"),
    )
    ae, roles = offer(config)
    services = {c.abstract_syntax for c in ae.requested_contexts} - {FIND, GET}
    assert {r.sop_class_uid for r in roles} == services
    assert all(r.scp_role and not r.scu_role for r in roles)
    assert len(ae.requested_contexts) <= 128


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_pace_is_kept_over_all_connections(tmp_path: Path, pacs: Filled, protocol: str) -> None:
    start = time.monotonic()
    report = run(
        tmp_path / "home", pacs, protocol, "APAT-001\nAPAT-002\n", per_second=20.0, parallel=4
    )
    questions = 2 * 2 + 4  # studies and series of each row, instances of each series
    assert time.monotonic() - start >= (questions + report.brought.instances - 1) / 20


def test_a_file_name_of_the_spool_holds_no_identity_and_nobody_else_may_read(
    tmp_path: Path, pacs: Filled
) -> None:
    run(tmp_path / "home", pacs, "dicomweb", "APAT-001")
    spool = tmp_path / "home/spool"
    names = "\n".join(str(p.relative_to(spool)) for p in spool.rglob("*"))
    for data in read(spool / "images").values():
        for keyword in (
            "PatientID",
            "PatientName",
            "AccessionNumber",
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "SOPInstanceUID",
            "StudyDate",
        ):
            assert str(data[keyword].value) not in names
    assert all(p.stat().st_mode & 0o077 == 0 for p in (spool, *spool.rglob("*")))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rows_that_the_pacs_does_not_know_are_named_by_number_and_the_others_kept(
    tmp_path: Path, pacs: Filled, protocol: str
) -> None:
    with pytest.raises(DataError) as e:
        run(tmp_path / "home", pacs, protocol, "# wanted\nUNKNOWN7\nAPAT-003\n\nUNKNOWN9\n")
    assert "row 2: not in the PACS; row 5: not in the PACS" in e.value.message
    assert "UNKNOWN" not in e.value.message + e.value.hint
    assert len(read(tmp_path / "home/spool/images")) == SLICES


def test_a_second_fetch_of_a_kept_spool_reads_nothing_again(tmp_path: Path, pacs: Filled) -> None:
    run(tmp_path / "home", pacs, "dicomweb", "APAT-001")
    before = len(pacs.orthanc.lines())
    report = run(tmp_path / "home", pacs, "dicomweb", "APAT-001\nAPAT-002")
    assert (report.brought.already, report.brought.instances) == (2, SLICES)
    assert pacs.orthanc.retrieved(before) == SLICES


def test_the_progress_counts_rows_then_series_and_bytes(tmp_path: Path, pacs: Filled) -> None:
    (tmp_path / "list.txt").write_text("APAT-001\nAPAT-002")
    keys = {"accessions": "list.txt"}
    config = read_config(write_pacs(tmp_path / "p.toml", pacs.orthanc, "dicomweb", **keys))
    steps: list[FetchProgress] = []
    spool = Spool(tmp_path / "home")
    fetch(config, read_wanted(config), spool, steps.append)
    spool.close()
    assert [(s.done, s.total) for s in steps if s.what == ASKING] == [(0, 2), (1, 2), (2, 2)]
    assert (steps[-1].what, steps[-1].done, steps[-1].total) == (READING, 4, 4)
    files = (tmp_path / "home/spool/images").glob("*/*")
    assert steps[-1].bytes == sum(p.stat().st_size for p in files)


def test_two_fetches_at_a_time_are_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(DataError, match="under way"):
        Spool(tmp_path)
    spool.close()
    Spool(tmp_path).close()
