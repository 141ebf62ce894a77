"""Masks and boxes of every kind go through the whole ingest, and facts come with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.cohort.measurements import Measurements, measurements_from
from hepafed.client.cohort.store import Cohort
from hepafed.client.ingest.from_dicom import ingest_dicom
from hepafed.client.lesions.labels import BOX
from hepafed.common.errors import LabelsError

Make = Callable[..., Any]
ROW = {"patient_id": "P1", "lesion_id": "L1", "label": "metastatic"}


@pytest.fixture
def taken(tmp_path: Path, write_table: Make) -> Callable[..., list[Measurements]]:
    def ingest(folder: Path, *rows: dict[str, Any], own: str = "") -> list[Measurements]:
        home = tmp_path / "home"
        home.mkdir()
        (home / "sequences.toml").write_text(own, encoding="utf-8")
        table = write_table(tmp_path / "labels.csv", *rows)
        ingest_dicom(home, folder, table, lambda *_: None, workers=1)
        return [measurements_from(r.facts) for r in Cohort.open(home).rows()]

    return ingest


def test_a_seg_of_the_export_and_a_box_give_two_lesions_with_their_facts(
    examination: Make, write_seg: Make, taken: Callable[..., list[Measurements]]
) -> None:
    far = (-40.0, 20.0, -6.0)
    exam = examination(
        sequences=("t2", "dwi", "t1-pre", "portal"), balls=(((20.0, -11.0, 6.0), 17.0), (far, 14.0))
    )
    write_seg(exam.folder / "seg", exam.volume("t2"), {"L1": exam.inside("t2")})
    boxed = dict(zip(BOX, exam.box("t2", 1), strict=True))
    facts = taken(exam.folder, ROW | {"reader_ann": 1}, ROW | boxed | {"lesion_id": "L2"})
    by_source = {f.source: f for f in facts}
    assert set(by_source) == {"mask", "box"}
    assert by_source["mask"].size == pytest.approx((34, 34, 34), abs=8)
    assert by_source["box"].size == pytest.approx((28, 28, 28), abs=8)
    assert by_source["mask"].readers == {"ann": 1}
    for f in facts:
        assert f.in_body == 1.0
        assert f.in_field == 1.0
        assert f.phases_in_order is True


def test_phases_acquired_out_of_order_are_a_fact_of_the_lesion(
    examination: Make, taken: Callable[..., list[Measurements]]
) -> None:
    exam = examination(sequences=("t2", "portal", "t1-pre"))  # acquired in this order
    own = "".join(
        f'[[series]]\nsequence = "{phase}"\nmatch = {{description = "{words}", echo_time = 2}}\n'
        for phase, words in (("portal", "*_pv"), ("t1-pre", "*"))
    )
    (facts,) = taken(exam.folder, ROW | dict(zip(BOX, exam.box("t2"), strict=True)), own=own)
    assert facts.phases_in_order is False


def test_a_lesion_in_the_air_is_outside_the_body(
    examination: Make, taken: Callable[..., list[Measurements]]
) -> None:
    exam = examination()
    (facts,) = taken(exam.folder, ROW | dict(zip(BOX, (0, 0, 5, 5, 5, 7), strict=True)))
    assert facts.in_body == 0.0


def test_an_overlap_found_by_the_whole_ingest_stores_nothing(
    examination: Make, taken: Callable[..., list[Measurements]], tmp_path: Path
) -> None:
    exam = examination()
    boxed = dict(zip(BOX, exam.box("t2"), strict=True))
    with pytest.raises(LabelsError, match="row 3: overlaps the lesion of row 2"):
        taken(exam.folder, ROW | boxed, ROW | boxed | {"lesion_id": "L2"})
    assert not list((tmp_path / "home").glob("cohort/crops/*"))


def test_the_crop_of_a_masked_lesion_is_centred_on_it(
    examination: Make, write_seg: Make, taken: Callable[..., list[Measurements]], tmp_path: Path
) -> None:
    exam = examination()
    write_seg(exam.folder / "seg", exam.volume("t2"), {"L1": exam.inside("t2")})
    (facts,) = taken(exam.folder, ROW)
    store = Cohort.open(tmp_path / "home")
    (row,) = store.rows()
    for channel in store.voxels(row)[:, row.slices // 2].astype(np.float32):
        y, x = np.nonzero(channel > (channel.max() + channel.min()) / 2)
        mm = 1.6 * max(facts.size[:2]) / 160
        assert np.hypot(y.mean() - 79.5, x.mean() - 79.5) * mm < 4.0
