"""Exported key images: from pictures and a table to the store."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.cohort.store import Cohort
from hepafed.client.ingest.from_dicom import IngestReport, only_one
from hepafed.client.ingest.from_images import ingest_images
from hepafed.common.errors import CohortError, LabelsError
from PIL import Image


def ingest(home: Path, folder: Path, **other: object) -> IngestReport:
    usual: dict[str, Any] = {
        "sequence": "t2",
        "label_map": {},
        "where": {},
        "group_column": "patient_id",
        "file_column": "file",
        "label_column": "label",
        "progress": lambda *_: None,
    }
    return ingest_images(home, folder, folder / "labels.csv", **usual | other)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of two patients' pictures and their labels.csv."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for n in (1, 2):
        grey = rng.integers(0, 255, (200, 180), np.uint8)
        Image.fromarray(grey).save(folder / f"{n}.png")
    rows = ["patient_id,file,label", "p1,1.png,benign", "p2,2.png,metastatic"]
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


def test_pictures_do_not_go_in_while_another_ingest_runs(tmp_path: Path, pictures: Path) -> None:
    """Their commit would sweep the crops that the other one has not committed yet."""
    home = tmp_path / "home"
    with only_one(home), pytest.raises(CohortError, match="another ingest"):
        ingest(home, pictures)
    assert not (home / "cohort").exists()
    assert ingest(home, pictures).taken == len(Cohort.open(home).rows()) == 2


def test_spaces_round_an_id_make_no_other_patient(tmp_path: Path, pictures: Path) -> None:
    rows = ["patient_id,file,label", "p1 ,1.png,benign", " p1,2.png,benign"]
    (pictures / "labels.csv").write_text("\n".join(rows))
    ingest(tmp_path / "home", pictures)
    assert len(Cohort.open(tmp_path / "home").splits()) == 1


def test_a_table_as_a_spreadsheet_writes_it_is_read(tmp_path: Path, pictures: Path) -> None:
    rows = ["patient_id;file;label", "p1;1.png;benign", ";;", "p2;2.png;metastatic"]
    (pictures / "labels.csv").write_text("\r\n".join(rows), encoding="utf-16")
    assert ingest(tmp_path / "home", pictures).taken == 2


def test_a_picture_that_cannot_be_read_is_known_to_be_left_out(
    tmp_path: Path, pictures: Path
) -> None:
    rows = ["patient_id,file,label", "p1,1.png,benign", "p2,2.png,benign", "p3,none.png,benign"]
    (pictures / "labels.csv").write_text("\n".join(rows))
    assert ingest(tmp_path / "home", pictures).taken == 2
    store = Cohort.open(tmp_path / "home")
    found = store.facts(store.lesions(), "external")
    assert found.sources == ("key-images",)
    assert found.left_out["unreadable"] == (1, 1)


def test_labels_without_a_class_are_named_by_row_unless_the_map_gives_them_one(
    tmp_path: Path, pictures: Path
) -> None:
    rows = ["patient_id,file,label", "p1,1.png,FNH", "p2,2.png,benign", "p3,1.png,Secret^Name"]
    (pictures / "labels.csv").write_text("\n".join(rows))
    with pytest.raises(LabelsError, match=r"the label of row 2, 4 has no class$"):
        ingest(tmp_path / "home", pictures)
    with pytest.raises(LabelsError, match=r"the label of row 4 has no class$"):
        ingest(tmp_path / "home", pictures, label_map={"FNH": "benign"})
    with pytest.raises(LabelsError, match="--label-map: tumour is no class"):
        ingest(tmp_path / "home", pictures, label_map={"FNH": "tumour"})
    assert not (tmp_path / "home/cohort").exists()
    known = {"FNH": "benign", "Secret^Name": "metastatic"}
    assert ingest(tmp_path / "home", pictures, label_map=known).taken == 3
    assert sorted(r.label for r in Cohort.open(tmp_path / "home").rows()) == [0, 0, 2]


def test_only_rows_with_the_wanted_values_go_in(tmp_path: Path, pictures: Path) -> None:
    rows = ["patient_id,file,label,site", "p1,1.png,benign,a", "p2,2.png,metastatic,b"]
    (pictures / "labels.csv").write_text("\n".join(rows))
    assert ingest(tmp_path / "home", pictures, where={"site": "b"}).taken == 1
    assert [r.label for r in Cohort.open(tmp_path / "home").rows()] == [2]
    with pytest.raises(LabelsError, match=r"no row of .* matches"):
        ingest(tmp_path / "home", pictures, where={"site": "c"})


def test_each_picture_that_is_left_out_has_its_row_and_reason(
    tmp_path: Path, pictures: Path
) -> None:
    Image.new("L", (190, 170), 7).save(pictures / "flat.png")
    Image.new("L", (9, 9), 7).save(tmp_path / "outside.png")
    (pictures / "text.png").write_text("hello")
    files = ["1.png", "flat.png", "../outside.png", "text.png", "none.png"]
    rows = ["patient_id,file,label", *(f"p{n},{f},benign" for n, f in enumerate(files))]
    (pictures / "labels.csv").write_text("\n".join(rows))
    told: list[tuple[int, int]] = []
    report = ingest(tmp_path / "home", pictures, progress=lambda *at: told.append(at))
    assert report.taken == 1
    assert report.left == [
        ("row 3", "all pixels of the picture are equal"),
        ("row 4", "the picture lies outside the folder"),
        ("row 5", "not a readable picture"),
        ("row 6", "not a readable picture"),
    ]
    assert told == [(n, 5) for n in range(1, 6)]
