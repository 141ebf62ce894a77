"""A protocol's lesions: its sequences in its order, slices lesion by lesion, of one split."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.client.cohort.counts import count
from hepafed.client.cohort.records import Lesion, Selection
from hepafed.client.cohort.selection import certain, select
from numpy.typing import NDArray

from tests.client.stores import acquisition

LESIONS = [
    Lesion("c", "p3", "e3", 2, "dwi,adc,t2", 3, "x", "f3"),
    Lesion("a", "p1", "e1", 1, "t2,dwi", 1, "x", "f1"),
    Lesion("d", "p1", "e4", 0, "t2", 2, "x", "f4"),
    Lesion("b", "p2", "", 1, "t2,portal,dwi", 2, "x", "f2"),
    Lesion("e", "p4", "e5", 0, "adc", 2, "x", "f5"),
]
SPLITS = {"p1": "train", "p2": "tune", "p3": "train", "p4": "train"}
CODE = {"t2": 10, "dwi": 20, "adc": 30, "portal": 40}


def voxels(row: Lesion) -> NDArray[np.float16]:
    """A crop whose values say lesion (hundreds), sequence (tens) and slice (ones)."""
    base = 100 * (ord(row.lesion) - ord("a") + 1)
    made = np.zeros((len(row.sequences.split(",")), row.slices, 160, 160), np.float16)
    for n, sequence in enumerate(row.sequences.split(",")):
        for k in range(row.slices):
            made[n, k] = base + CODE[sequence] + k
    return made


def chosen(split: str, missing: str = "drop", protocol: str = "t2-dwi") -> Selection:
    return select(LESIONS, SPLITS, voxels, protocol=protocol, split=split, missing=missing)


def test_channels_are_the_protocol_s_sequences_wherever_they_lie_in_a_crop() -> None:
    found = chosen("train")
    assert found.lesions == ["c", "a"]
    assert found.images[:, :, 5, 7].tolist() == [
        [310, 320], [311, 321], [312, 322],
        [110, 120],
    ]  # fmt: skip
    assert found.owner.tolist() == [0, 0, 0, 1]
    assert found.labels.tolist() == [2, 1]
    assert found.patients == ["p3", "p1"]
    assert found.facts == ["f3", "f1"]
    assert found.examinations == ["e3", "e1"]


def test_a_missing_channel_is_zero_and_a_lesion_without_any_is_dropped_all_the_same() -> None:
    found = chosen("train", "zero")
    assert found.lesions == ["c", "a", "d"]
    assert found.images[4:, :, 5, 7].tolist() == [[410, 0], [411, 0]]
    assert found.owner.tolist() == [0, 0, 0, 1, 2, 2]


@pytest.mark.parametrize(
    ("split", "lesions"),
    [("tune", ["b"]), ("test", []), ("external", ["c", "a", "b"])],
)
def test_a_split_holds_its_patients_alone_and_external_all(split: str, lesions: list[str]) -> None:
    found = chosen(split)
    assert found.lesions == lesions
    assert found.images.shape == (sum({"c": 3, "a": 1, "b": 2}[x] for x in lesions), 2, 160, 160)


def test_counts_are_of_patients_examinations_lesions_and_scanners() -> None:
    acquired = [
        acquisition("e1", "p1", "t2"),
        acquisition("e1", "p1", "dwi"),
        acquisition("e3", "p3", "t2", manufacturer="ge"),
        acquisition("e4", "p1", "t2", manufacturer="ge"),
    ]
    found = count(LESIONS, acquired, SPLITS)
    assert (found["patients"], found["examinations"], found["lesions"]) == (4, 4, 5)
    assert found["class"] == {"benign": 2, "primary-malignant": 2, "metastatic": 1}
    assert found["split"] == {"train": 4, "tune": 1, "test": 0}
    assert (found["protocol"]["t2"], found["protocol"]["t2-dwi"]) == (4, 3)
    assert list(found["sequence"].items()) == [("adc", 2), ("dwi", 3), ("portal", 1), ("t2", 4)]
    assert list(found["scanner"].items()) == [("ge", 2), ("siemens", 1)]


CERTAINTIES = {("e3", "dwi"): 0.45, ("e3", "portal"): 0.1, ("e1", "t2"): 0.5, ("e1", "dwi"): None}


@pytest.mark.parametrize(
    ("least", "wanted", "kept"),
    [
        (0.0, ("t2", "dwi"), "cadbe"),
        (0.45, ("t2", "dwi"), "cadbe"),
        (0.46, ("t2", "dwi"), "adbe"),
        (0.46, ("t2",), "cadbe"),
        (0.5, ("t2", "dwi"), "adbe"),
        (0.51, ("t2", "dwi"), "dbe"),
        (1.0, ("portal",), "cadbe"),
    ],
)
def test_a_lesion_goes_where_a_wanted_sequence_of_it_is_less_certain(
    least: float, wanted: tuple[str, ...], kept: str
) -> None:
    acquired = [acquisition(e, "p", s, certainty=c) for (e, s), c in CERTAINTIES.items()]
    assert "".join(r.lesion for r in certain(LESIONS, acquired, wanted, least)) == kept


def test_a_lesion_s_content_is_another_once_its_images_label_or_facts_changed() -> None:
    first = Lesion("c", "p3", "e3", 2, "t2", 3, "x", "f3")
    others = [replace(first, **change) for change in ({"label": 1}, {"crop": "y"}, {"facts": "f"})]
    assert len({first.content, *(r.content for r in others)}) == 4
    assert replace(first, lesion="d", patient="p4").content == first.content


def test_a_selection_holds_the_content_of_its_lesions_in_their_order() -> None:
    of = {r.lesion: r.content for r in LESIONS}
    found = chosen("train")
    assert found.contents == [of["c"], of["a"]]
