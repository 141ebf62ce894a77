"""An excluded lesion is out of every count and selection, and comes back as it was."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hepafed.client.cohort import Cohort, Crop, stamp_of
from hepafed.client.cohort.exclusions import Exclusion, Exclusions, without
from hepafed.client.cohort.index import Index
from hepafed.client.cohort.records import Lesion
from hepafed.common.errors import ConfigError

from tests.client.stores import acquisition

Make = Callable[..., Cohort]
LESIONS = (
    Lesion("a", "p1", "e1", 1, "t2", 1, "x"),
    Lesion("b", "p1", "e1", 0, "t2", 1, "x"),
    Lesion("c", "p1", "e2", 2, "t2", 1, "x"),
    Lesion("d", "p2", "e3", 2, "t2", 1, "x"),
)
ACQUIRED = tuple(
    acquisition(e, p, s)
    for e, p in (("e1", "p1"), ("e2", "p1"), ("e3", "p2"))
    for s in ("t2", "dwi")
)
INDEX = Index(splits={"p1": "train", "p2": "test"}, acquisitions=ACQUIRED, lesions=LESIONS)


@pytest.mark.parametrize(
    ("excluded", "lesions", "examinations", "patients"),
    [
        ("", "abcd", {"e1", "e2", "e3"}, {"p1", "p2"}),
        ("a", "bcd", {"e1", "e2", "e3"}, {"p1", "p2"}),
        ("ab", "cd", {"e2", "e3"}, {"p1", "p2"}),
        ("d", "abc", {"e1", "e2"}, {"p1"}),
        ("abcd", "", set(), set()),
        ("z", "abcd", {"e1", "e2", "e3"}, {"p1", "p2"}),
    ],
)
def test_an_examination_and_a_patient_go_with_their_last_lesion(
    excluded: str, lesions: str, examinations: set[str], patients: set[str]
) -> None:
    found = without(INDEX, set(excluded))
    assert "".join(r.lesion for r in found.lesions) == lesions
    assert {a.examination for a in found.acquisitions} == examinations
    assert set(found.splits) == patients
    assert found.about == INDEX.about


def test_no_reader_of_the_store_sees_an_excluded_lesion(tmp_path: Path, cohort: Make) -> None:
    store = cohort(7)
    before = store.counts()
    out = {"0002", "0005"}
    assert store.exclude({"0002": "wrong place", "0005": ""}) == 2
    assert out.isdisjoint(store.lesions())
    assert {r.lesion for r in store.rows()} == store.lesions()
    assert out.isdisjoint(store.select("t2-dwi", "external").lesions)
    assert {"e2", "e5"}.isdisjoint(a.examination for a in store.acquisitions())
    assert len(store.splits()) == 5
    found = store.counts()
    assert (found["patients"], found["lesions"], found["excluded"]) == (5, 5, 2)
    assert sum(found["class"].values()) == sum(found["split"].values()) == 5
    assert found["scanner"] == {"siemens": 5}
    assert [(r.lesion, why) for r, why in store.excluded()] == [
        ("0002", "wrong place"),
        ("0005", ""),
    ]
    assert store.voxels(store.excluded()[0][0]).any()
    assert store.include(out) == 2
    assert Cohort.open(tmp_path).counts() == before


def test_a_later_ingest_of_the_same_lesion_leaves_it_excluded(tmp_path: Path, cohort: Make) -> None:
    store = cohort(3)
    (row,) = (r for r in store.rows() if r.lesion == "0001")
    store.exclude({"0001": ""})
    store.commit([replace(row, label=2)], [], [row.examination])
    assert store.lesions() == {"0000", "0002"}
    assert [r.label for r, _ in store.excluded()] == [2]
    shutil.rmtree(tmp_path / "cohort")  # what the hint of a damaged store says
    assert cohort(3).lesions() == {"0000", "0002"}


def test_an_exclusion_moves_no_patient_to_another_split(tmp_path: Path, cohort: Make) -> None:
    store = cohort(20)
    before = store.splits()
    everyone = store.lesions()
    store.exclude(dict.fromkeys([f"{k:04x}" for k in range(0, 20, 3)], ""))
    store.add([Crop("new", "newcomer", 1, ("t2", "dwi"), store.voxels(store.rows()[0]))])
    store.include(everyone)
    after = store.splits()
    after.pop("newcomer")
    assert after == before


def test_the_cohort_s_stamp_changes_with_an_exclusion_and_back(
    tmp_path: Path, cohort: Make
) -> None:
    store = cohort(2)
    store.exclude({"0001": ""})
    store.include({"0001"})
    first = stamp_of(tmp_path)
    store.exclude({"0001": ""})
    assert stamp_of(tmp_path) != first
    store.include({"0001"})
    assert stamp_of(tmp_path) == first


def test_a_removed_patient_leaves_no_exclusion_behind(tmp_path: Path, cohort: Make) -> None:
    store = cohort(4, patients={0: "p", 1: "p", 2: "q", 3: "r"})
    store.exclude({"0000": "wrong place", "0002": ""})
    gone, lesions = store.remove({"p"})
    assert (gone, lesions) == ({"p"}, 2)
    assert [r.lesion for r, _ in store.excluded()] == ["0002"]
    assert "0000" not in (tmp_path / "excluded.json").read_text()


def test_a_removal_that_was_cut_off_is_finished_by_the_next(tmp_path: Path, cohort: Make) -> None:
    store = cohort(2)
    Exclusions(tmp_path).add([Exclusion(lesion="z", patient="gone-before", reason="")])
    assert store.remove({"gone-before"}) == ({"gone-before"}, 0)
    assert Exclusions(tmp_path).all() == {}


def test_excluding_again_changes_nothing_and_keeps_the_reason(tmp_path: Path, cohort: Make) -> None:
    store = cohort(3)
    assert store.exclude({"0001": "wrong phase"}) == 1
    file = tmp_path / "excluded.json"
    before = file.read_bytes(), file.stat().st_mtime_ns
    assert store.exclude({"0001": ""}) == 0
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert store.exclude({"0001": "no lesion", "0000": ""}) == 1
    assert [why for _, why in store.excluded()] == ["", "no lesion"]


def test_the_same_exclusions_in_another_order_give_the_same_bytes(
    tmp_path: Path, cohort: Make
) -> None:
    store = cohort(4)
    store.exclude({"0002": "", "0000": "", "0003": ""})
    before = (tmp_path / "excluded.json").read_bytes()
    store.include({"0000", "0002", "0003"})
    store.exclude({"0003": "", "0002": "", "0000": ""})
    assert (tmp_path / "excluded.json").read_bytes() == before


def test_only_the_owner_can_read_the_exclusions(tmp_path: Path, cohort: Make) -> None:
    cohort(1).exclude({"0000": ""})
    assert (tmp_path / "excluded.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "{", '{"excluded": 1}', '{"excluded": [{"lesion": "a"}]}'])
def test_a_damaged_list_of_exclusions_is_an_error_and_not_an_empty_list(
    tmp_path: Path, cohort: Make, content: str
) -> None:
    store = cohort(2)
    store.exclude({"0001": ""})
    (tmp_path / "excluded.json").write_text(content)
    for read in (store.rows, store.counts, store.splits, store.acquisitions, store.excluded):
        with pytest.raises(ConfigError, match=r"excluded\.json is damaged"):
            read()
    with pytest.raises(ConfigError, match=r"excluded\.json is damaged"):
        store.select("t2-dwi", "external")


def test_a_lesion_that_the_labels_no_longer_have_can_still_be_included(
    tmp_path: Path, cohort: Make
) -> None:
    store = cohort(2)
    store.exclude({"0001": ""})
    store.commit([], [], ["e1"])
    assert store.excluded() == []
    assert json.loads((tmp_path / "excluded.json").read_text())["excluded"]
    assert "0001" in store.patients_of()
    assert store.include({"0001"}) == 1
