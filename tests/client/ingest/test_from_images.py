"""Exported key images: from pictures and a table to the store."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort.store import Cohort
from hepafed.client.ingest.from_dicom import IngestReport, only_one
from hepafed.client.ingest.from_images import ingest_images
from hepafed.common.errors import CohortError
from PIL import Image


def ingest(home: Path, folder: Path) -> IngestReport:
    return ingest_images(
        home,
        folder,
        folder / "labels.csv",
        sequence="t2",
        label_map={},
        where={},
        group_column="patient_id",
        file_column="file",
        label_column="label",
        progress=lambda *_: None,
    )


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
