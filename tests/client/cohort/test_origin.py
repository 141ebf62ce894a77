"""What a site says of its cohort is what its store holds: sources, and what was not scored."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.cohort.index import Index
from hepafed.client.cohort.origin import facts_of
from hepafed.client.cohort.records import Lesion

from tests.client.stores import acquisition, picture

Make = Callable[..., Cohort]
VOLUME = Lesion("a", "p1", "e1", 1, "t2,dwi", 5, "x")
PICTURE = Lesion("b", "p2", "", 0, "t2", 1, "x")
LLD = Lesion("c", "p3", "e3", 2, "t2", 9, "x")
OLD = Lesion("d", "p4", "", 2, "t2", 4, "x")
ACQUIRED = (
    acquisition("e1", "p1", "t2"),
    acquisition("e3", "p3", "t2", rule="lld-mmri-phase"),
)


@pytest.mark.parametrize(
    ("lesions", "sources"),
    [
        ((VOLUME,), ("dicom",)),
        ((PICTURE,), ("key-images",)),
        ((LLD,), ("lld-mmri",)),
        ((PICTURE, LLD, VOLUME), ("dicom", "lld-mmri", "key-images")),
        ((OLD,), ()),
        ((OLD, VOLUME), ()),
        ((), ()),
    ],
)
def test_sources_are_those_of_the_scored_lesions_or_not_known(
    lesions: tuple[Lesion, ...], sources: tuple[str, ...]
) -> None:
    index = Index(acquisitions=ACQUIRED, lesions=(VOLUME, PICTURE, LLD, OLD))
    found = facts_of(index, {r.lesion for r in lesions}, {}, {}, "external")
    assert found.sources == sources


def test_each_lesion_has_one_reason_and_a_patient_with_a_scored_lesion_is_not_left_out() -> None:
    lesions = tuple(
        Lesion(name, patient, f"e-{patient}", 0, "t2", 3, "x")
        for name, patient in (("s", "p1"), ("x", "p1"), ("y", "p2"), ("z", "p2"), ("w", "p3"))
    )
    unreadable = {"u": "p2", "v": "p4", "v2": "p4", "u1": "p1"}
    excluded = {"x": "p1", "y": "p2", "gone": "p9"}
    found = facts_of(Index(lesions=lesions), {"s"}, excluded, unreadable, "external")
    # p2 (unreadable before excluded) and p4; no patient for excluded alone; p3 lacks a sequence
    assert found.left_out == {"unreadable": (2, 4), "excluded": (0, 2), "no_sequence": (1, 2)}


def test_of_an_internal_split_only_its_own_patients_are_left_out() -> None:
    lesions = tuple(Lesion(n, f"p-{n}", "e", 0, "t2", 3, "x") for n in "abc")
    index = Index(splits={"p-a": "test", "p-b": "test", "p-c": "train"}, lesions=lesions)
    found = facts_of(index, {"a"}, {}, {"q": "nobody", "r": "p-b"}, "test")
    assert found.left_out == {"unreadable": (1, 1), "excluded": (0, 0), "no_sequence": (0, 1)}


def test_a_store_says_what_it_excluded_and_could_not_store(cohort: Make) -> None:
    store = cohort(n=6)
    store.exclude({"0001": "artefact"})
    store.note_unreadable({"0000": f"{0:020x}", "ffff": "another"})
    found = store.facts({"0000", "0002", "0003", "0004"}, "external")
    assert found.sources == ("dicom",)
    assert found.left_out == {"unreadable": (1, 1), "excluded": (1, 1), "no_sequence": (1, 1)}


def test_pictures_are_stored_as_key_images(tmp_path: Path) -> None:
    store = Cohort.create(tmp_path)
    store.add([Crop("00", "aa", 0, ("t2",), picture(1)[None, None].astype(np.float16))])
    assert store.facts({"00"}, "external").sources == ("key-images",)


def test_a_removed_patient_is_forgotten_among_the_unreadable(cohort: Make) -> None:
    store = cohort(n=3)
    store.note_unreadable({"ffff": "withdrawn", "eeee": "stays"})
    there, _ = store.remove({"withdrawn"})
    assert "withdrawn" in there
    assert store.facts(set(), "external").left_out["unreadable"] == (1, 1)
