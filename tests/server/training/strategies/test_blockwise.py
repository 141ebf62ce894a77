"""Median, trimmed mean and Krum read all updates block by block, and no single site moves them."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hepafed.common.network.weights import Layout
from hepafed.server.training.aggregation import aggregation_for
from hepafed.server.training.strategies import BlockwiseRule, Krum, median, trimmed_mean
from hypothesis import given, settings
from hypothesis import strategies as st

from .folded import folded, wired
from .plans import plan_of

SIZE = 5 * 1024 + 321
"""More than one block of the smallest size, and a rest."""


def drawn(count: int, size: int = SIZE, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=size)
    return [wired(common + rng.normal(scale=0.3, size=size)) for _ in range(count)]


def trimmed(updates: list[np.ndarray], faulty: int) -> np.ndarray:
    return np.sort(np.array(updates, float), axis=0)[faulty : len(updates) - faulty].mean(axis=0)


def krum_of(updates: list[np.ndarray], faulty: int) -> int:
    """Give which update Krum takes, by the definition of Blanchard et al. 2017."""
    scores = []
    for i, own in enumerate(updates):
        others = [
            float(((own.astype(float) - o) ** 2).sum()) for j, o in enumerate(updates) if j != i
        ]
        scores.append(sum(sorted(others)[: len(updates) - faulty - 2]))
    return int(np.argmin(scores))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("block", [1, 5000, 1 << 18])
def test_the_median_is_numpy_s(tmp_path: Path, count: int, block: int) -> None:
    updates, weights = drawn(count), np.linspace(-1, 1, SIZE).astype(np.float32)
    made = folded(BlockwiseRule(SIZE, median, block), tmp_path, updates, weights, piece=700)
    expected = weights + np.median(updates, axis=0).astype(np.float32)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize(("count", "faulty"), [(3, 1), (4, 1), (5, 1), (5, 2), (7, 2), (9, 4)])
@pytest.mark.parametrize("block", [1, 1 << 18])
def test_the_trimmed_mean_leaves_out_as_many_at_each_end(
    tmp_path: Path, count: int, faulty: int, block: int
) -> None:
    updates = drawn(count)
    rule = BlockwiseRule(SIZE, trimmed_mean(faulty), block)
    made = folded(rule, tmp_path, updates, np.zeros(SIZE, np.float32))
    np.testing.assert_allclose(made, trimmed(updates, faulty), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("count", "faulty"), [(5, 1), (6, 1), (7, 2), (9, 3)])
@pytest.mark.parametrize("block", [1, 1 << 18])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_krum_takes_the_update_of_its_definition_alone(
    tmp_path: Path, count: int, faulty: int, block: int, seed: int
) -> None:
    updates = drawn(count, seed=seed)
    rule = Krum(SIZE, faulty, block)
    made = folded(rule, tmp_path, updates, np.zeros(SIZE, np.float32))
    assert rule.chosen == krum_of(updates, faulty)
    np.testing.assert_array_equal(made, updates[rule.chosen])


def test_of_equal_scores_krum_takes_the_first(tmp_path: Path) -> None:
    rule = Krum(4, 1)
    folded(rule, tmp_path, [np.ones(4)] * 5, np.zeros(4, np.float32))
    assert rule.chosen == 0


@pytest.mark.parametrize("word", ["median", "trimmed-mean", "krum"])
@pytest.mark.parametrize("hostile", range(5))
@pytest.mark.parametrize("attack", ["far", "against", "statistics"])
def test_one_hostile_site_of_five_moves_nothing_out_of_what_the_honest_ones_say(
    tmp_path: Path, word: str, hostile: int, attack: str
) -> None:
    updates = drawn(5)
    honest = np.array([u for n, u in enumerate(updates) if n != hostile])
    updates[hostile] = {
        "far": np.full(SIZE, 1e30, np.float32),
        "against": wired(-50 * honest.mean(axis=0)),
        "statistics": np.where(np.arange(SIZE) < 10, np.float32(-300), honest.mean(axis=0)),
    }[attack]
    rule = aggregation_for(plan_of(word), Layout(("bn.running_var",), ((SIZE,),)))
    made = folded(rule, tmp_path, updates, np.zeros(SIZE, np.float32))
    assert (made >= honest.min(axis=0) - 1e-6).all()
    assert (made <= honest.max(axis=0) + 1e-6).all()
    assert rule.chosen != hostile


@pytest.mark.parametrize("word", ["median", "trimmed-mean", "krum"])
def test_the_files_are_kept_until_the_weights_are_made_and_go_then(
    tmp_path: Path, word: str
) -> None:
    rule = aggregation_for(plan_of(word), Layout(("w",), ((9,),)))
    assert rule.keeps_files
    folded(rule, tmp_path, drawn(5, 9), np.zeros(9, np.float32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rule", "count", "words"),
    [
        (BlockwiseRule(9, median), 0, "no update"),
        (BlockwiseRule(9, trimmed_mean(1)), 2, "2 updates, of which 2"),
        (BlockwiseRule(9, trimmed_mean(2)), 4, "4 updates, of which 4"),
        (Krum(9, 1), 4, "4 updates, of which 1 may be faulty"),
        (Krum(9, 2), 6, "6 updates, of which 2 may be faulty"),
    ],
)
def test_too_few_updates_are_refused(
    tmp_path: Path, rule: BlockwiseRule, count: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        folded(rule, tmp_path, drawn(count, 9), np.zeros(9, np.float32))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(-40, 40), min_size=3, max_size=3), min_size=5, max_size=9),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_sites_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[int]], random: Random
) -> None:
    updates, folder = [np.array(r, float) for r in rows], tmp_path_factory.mktemp("u")
    turned = list(updates)
    random.shuffle(turned)
    for make in (
        lambda: BlockwiseRule(3, median),
        lambda: BlockwiseRule(3, trimmed_mean(2)),
        lambda: BlockwiseRule(3, trimmed_mean(1)),
    ):
        one = folded(make(), folder, updates, np.zeros(3, np.float32))
        other = folded(make(), folder, turned, np.zeros(3, np.float32))
        np.testing.assert_array_equal(one, other)
        assert (one >= np.min(updates, axis=0)).all()
        assert (one <= np.max(updates, axis=0)).all()
