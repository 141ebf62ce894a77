"""Each split of each plan has its own images, with the label of the lesion that owns them."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.images import Images, SplitCache
from hepafed.common.contract import SiteConfig, write_toml
from hepafed.common.contract.plan import DataPlan, ModelPlan, Plan
from hepafed.common.errors import EmptySplitError

from tests.client.stores import acquisition

PLAN = Plan(name="a", protocol="t2", model=ModelPlan(size=75))
CPU = torch.device("cpu")
SLICES = {"l0": 3, "l1": 1, "l2": 5, "l3": 2}
LABELS = {"l0": 2, "l1": 0, "l2": 1, "l3": 0}


def crop(name: str, sequences: tuple[str, ...], value: float = 1.0) -> Crop:
    voxels = np.full((len(sequences), SLICES[name], 160, 160), value, np.float16)
    return Crop(name, f"p-{name}", LABELS[name], sequences, voxels)


@pytest.fixture
def splits(tmp_path: Path) -> SplitCache:
    names = {"l2": ("t2", "dwi"), "l0": ("t2",), "l3": ("dwi", "t2"), "l1": ("t2", "dwi")}
    Cohort.create(tmp_path).add(crop(n, s) for n, s in names.items())
    return SplitCache(tmp_path)


def owned(images: Images) -> list[tuple[str, int]]:
    """Give the lesion and the label of each image."""
    owners = [images.selection.lesions[i] for i in images.selection.owner]
    return list(zip(owners, images.labels.tolist(), strict=True))


def test_each_slice_has_the_label_of_its_lesion(splits: SplitCache) -> None:
    images = splits.images(PLAN, "external")
    wanted = [(n, LABELS[n]) for n in images.selection.lesions for _ in range(SLICES[n])]
    assert owned(images) == wanted
    assert len(wanted) == 11
    assert images.labels.dtype == torch.int64


def test_protocol_split_missing_and_size_each_make_other_images(splits: SplitCache) -> None:
    """Each is read once; the plan's other fields change nothing."""
    plans = [
        PLAN,
        replace(PLAN, protocol="t2-dwi"),
        replace(PLAN, protocol="t2-dwi", data=DataPlan(missing="zero")),
        replace(PLAN, model=ModelPlan(size=80)),
    ]
    first = [splits.images(plan, "external") for plan in plans]
    again = [splits.images(replace(plan, name="b", seed=5), "external") for plan in plans]
    assert [a is b for a, b in zip(first, again, strict=True)] == [True] * 4
    assert [len(i.labels) for i in first] == [11, 8, 11, 11]
    shapes = [tuple(i.pixels(slice(0, 2), CPU).shape) for i in first]
    assert shapes == [(2, 1, 75, 75), (2, 2, 75, 75), (2, 2, 75, 75), (2, 1, 80, 80)]


def test_an_excluded_lesion_is_out_of_images_that_were_read_before(
    splits: SplitCache, tmp_path: Path
) -> None:
    before = owned(splits.images(PLAN, "external"))
    Cohort.open(tmp_path).exclude({"l2": "wrong place"})
    after = owned(splits.images(PLAN, "external"))
    assert after == [pair for pair in before if pair[0] != "l2"]
    assert len(after) == 6
    Cohort.open(tmp_path).include({"l2"})
    assert owned(splits.images(PLAN, "external")) == before


def test_splits_part_the_patients(splits: SplitCache) -> None:
    parts: list[str] = []
    for split in ("train", "tune", "test"):
        with suppress(EmptySplitError):
            parts += splits.images(PLAN, split).selection.lesions
    assert sorted(parts) == sorted(SLICES)


def test_a_split_without_a_lesion_of_the_protocol_is_named(splits: SplitCache) -> None:
    with pytest.raises(
        EmptySplitError, match="the external split has the sequences of enhanced"
    ) as e:
        splits.images(replace(PLAN, protocol="enhanced"), "external")
    assert e.value.hint == "see client cohort"


def test_pixels_are_float32_of_the_chosen_images_in_their_order(tmp_path: Path) -> None:
    Cohort.create(tmp_path).add(
        crop(n, ("t2",), value) for n, value in (("l0", 0.5), ("l1", 2.0), ("l3", -3.0))
    )
    images = SplitCache(tmp_path).images(PLAN, "external")
    values = {"l0": 0.5, "l1": 2.0, "l3": -3.0}
    each = [values[name] for name, _ in owned(images)]
    chosen = torch.tensor([5, 0, 3, 3])
    made = images.pixels(chosen, CPU)
    assert made.dtype == torch.float32
    assert made.mean((1, 2, 3)).tolist() == [each[i] for i in (5, 0, 3, 3)]


def test_shrinking_takes_the_mean_and_not_one_pixel_in_four(tmp_path: Path) -> None:
    """A chessboard of ones and minus ones is grey when it is shrunk to half."""
    board = (np.indices((160, 160)).sum(0) % 2 * 2 - 1).astype(np.float16)
    Cohort.create(tmp_path).add([Crop("l", "p", 0, ("t2",), board[None, None])])
    plan = replace(PLAN, model=ModelPlan(size=80))
    made = SplitCache(tmp_path).images(plan, "external").pixels(slice(0, 1), CPU)
    assert made[0, 0, 2:-2, 2:-2].abs().max() < 0.01


@pytest.mark.parametrize(
    ("least", "kept"), [(None, 4), (0.0, 4), (0.5, 4), (0.51, 3)], ids=["none", "0", "at", "above"]
)
def test_what_is_less_certain_than_the_site_wants_is_not_learned_from(
    tmp_path: Path, splits: SplitCache, least: float | None, kept: int
) -> None:
    """It is still validated: an evaluation that leaves out what is doubtful would flatter."""
    store = Cohort.open(tmp_path)
    lesions = [replace(r, examination=f"e-{r.lesion}") for r in store.rows()]
    acquired = [acquisition(r.examination, r.patient, "t2", certainty=0.9) for r in lesions]
    acquired[2] = replace(acquired[2], certainty=0.5)
    store.commit(lesions, acquired, ())
    if least is not None:
        config = SiteConfig(site="s", role="train", address="127.0.0.1:1", least_certainty=least)
        write_toml(config, tmp_path / "site.toml")

    def found(split: str) -> list[str]:
        with suppress(EmptySplitError):
            return splits.images(PLAN, split).selection.lesions
        return []

    learned = {*found("train"), *found("tune")}
    doubted = lesions[2].lesion
    assert len(found("external")) == 4
    expected = {r.lesion for r in lesions if store.splits()[r.patient] in ("train", "tune")}
    assert learned == (expected if kept == 4 else expected - {doubted})
