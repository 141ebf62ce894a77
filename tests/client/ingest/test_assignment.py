"""Which examination a row belongs to, and what is said where there is none."""

from pathlib import Path

import pytest
from hepafed.client.ingest.assignment import Assignment
from hepafed.client.lesions import Label
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import Reading, ScanIndex, Source


def problems(folder: Path, export: list[tuple[str, str]], *rows: Label) -> list[str]:
    """Assign rows to an export of one file for each (patient, study)."""
    names = Pseudonyms(folder)
    index = ScanIndex(folder, folder, names)
    sources = [Source(f"{k}".encode(), f"key{k}", 1, 1) for k in range(len(export))]
    index.note(sources)
    index.keep(
        Reading(source, "image", patient=patient, study=study)
        for source, (patient, study) in zip(sources, export, strict=True)
    )
    index.gather()
    try:
        return Assignment(index, names, folder, folder).assigned(rows)[1]
    finally:
        index.close()


def row(patient: str, study: str = "") -> Label:
    return Label(7, patient, "L", 0, study)


@pytest.mark.parametrize(
    ("written", "real"),
    [("123", "00123"), ("123.0", "00123"), ("0123", "00123"), ("00123", "123"), ("p7", "P7")],
)
def test_an_id_that_a_spreadsheet_changed_is_not_matched_but_explained(
    tmp_path: Path, written: str, real: str
) -> None:
    (said,) = problems(tmp_path, [(real, "1.2")], row(written))
    assert said.startswith("row 7: no examination for this patient, but for a patient id that")
    assert "leading zeros" in said
    assert written not in said
    assert real not in said


def test_an_id_of_somebody_else_is_no_likeness(tmp_path: Path) -> None:
    export = [("1230", "1.2"), ("0124", "1.3")]
    assert problems(tmp_path, export, row("123")) == ["row 7: no examination for this patient"]


def test_two_examinations_need_a_study_uid_and_with_one_they_do_not(tmp_path: Path) -> None:
    export = [("P1", "1.2"), ("P1", "1.3")]
    (said,) = problems(tmp_path, export, row("P1"))
    assert said == "row 7: several examinations, and no study_uid for this patient"
    assert problems(tmp_path, export, row("P1", "1.3")) == []
    (said,) = problems(tmp_path, export, row("P1", "1.4"))
    assert said == "row 7: no examination of this patient has its study_uid"


def test_an_examination_under_two_patient_ids_is_refused_for_both(tmp_path: Path) -> None:
    export = [("P1", "1.2"), ("P2", "1.2"), ("P3", "1.3")]
    found = problems(tmp_path, export, row("P1"), row("P2"), row("P3"))
    assert [s.partition(":")[2][:15] for s in found] == [" an examination"] * 2
