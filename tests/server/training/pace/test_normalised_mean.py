"""FedNova against a calculation by hand, and on a problem whose solution is known."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.network.weights import Layout, to_bf16
from hepafed.server.training.pace import LocalWork, NormalisedMean
from hepafed.server.training.weighted_mean import WeightedMean
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def layout_of(size: int) -> Layout:
    return Layout(("w",), ((size,),))


def rounded(update: Vector) -> Vector:
    """Give an update as bf16 keeps it."""
    kept = np.asarray(to_bf16(update.astype(np.float32))).view(np.uint16).astype(np.uint32)
    return (kept << 16).view(np.float32).astype(np.float64)


def written(folder: Path, update: Vector) -> Path:
    path = folder / "update"
    path.write_bytes(to_bf16(update.astype(np.float32)))
    return path


def work(steps: float, counted: float | None = None) -> LocalWork:
    return LocalWork(steps, steps, steps if counted is None else counted)


def by_hand(
    start: Vector, updates: list[Vector], examples: list[int], steps: list[float]
) -> Vector:
    """Wang et al. 2020: x + (sum of p t)(sum of p d / t)."""
    p = np.array(examples) / sum(examples)
    effective = float(p @ steps)
    direction = sum(share * rounded(u) / t for share, u, t in zip(p, updates, steps, strict=True))
    return start + effective * direction


SITES = st.lists(
    st.tuples(st.integers(1, 10**6), st.floats(0.01, 1e5), st.integers(0, 10**6)),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)
@given(SITES)
def test_it_is_fednova_whatever_the_examples_and_steps(
    tmp_path_factory: pytest.TempPathFactory, sites: list[tuple[int, float, int]]
) -> None:
    folder = tmp_path_factory.mktemp("f")
    updates = [np.random.default_rng(seed).normal(size=37) for _, _, seed in sites]
    start = np.linspace(-1, 1, 37).astype(np.float32).astype(np.float64)
    mean = NormalisedMean(layout_of(37))
    for (n, t, _), update in zip(sites, updates, strict=True):
        mean.fold(written(folder, update), n, work(t))
    made = mean.onto([start[:20].astype(np.float32), start[20:].astype(np.float32)])
    wanted = by_hand(start, updates, [n for n, _, _ in sites], [t for _, t, _ in sites])
    assert made == pytest.approx(wanted, rel=1e-4, abs=1e-5 * (1 + np.abs(wanted - start).max()))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 99)), min_size=1, max_size=6),
    st.floats(1e-6, 1e6),
)
def test_where_all_took_as_many_steps_it_is_the_plain_mean_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, sites: list[tuple[int, int]], steps: float
) -> None:
    folder = tmp_path_factory.mktemp("f")
    layout = Layout(("a.weight", "b.running_var", "c"), ((30,), (5,), (2, 3)))
    normalised, plain = NormalisedMean(layout), WeightedMean(layout.size)
    for n, seed in sites:
        path = written(folder, np.random.default_rng(seed).normal(size=layout.size))
        normalised.fold(path, n, work(steps))
        plain.fold(path, n)
    start = np.random.default_rng(7).normal(size=layout.size).astype(np.float32)
    assert normalised.onto([start]).tobytes() == plain.onto([start]).tobytes()


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_unequal_steps_lead_to_the_solution_to_which_the_plain_mean_does_not(
    tmp_path: Path, momentum: float
) -> None:
    """Three quadratics of other centres; one site takes 2 steps a round, the others 40."""
    centres = [np.array([0.0, 3.0]), np.array([4.0, -1.0]), np.array([1.0, 1.0])]
    examples, steps, rate = [500, 300, 200], [2, 40, 40], 0.002
    solution = sum(n * c for n, c in zip(examples, centres, strict=True)) / sum(examples)

    def local(x: Vector, centre: Vector, count: int) -> tuple[Vector, float]:
        at, buffer, weight, norm = x.copy(), np.zeros(2), 0.0, 0.0
        for _ in range(count):
            buffer = momentum * buffer + (at - centre)
            weight = momentum * weight + 1
            at = at - rate * buffer
            norm += weight
        return at - x, norm

    found = {}
    for kind in ("normalised", "plain"):
        x = np.zeros(2)
        for _ in range(400 if momentum == 0 else 100):
            mean = NormalisedMean(layout_of(2)) if kind == "normalised" else WeightedMean(2)
            for n, count, centre in zip(examples, steps, centres, strict=True):
                update, norm = local(x, centre, count)
                mean.fold(written(tmp_path, update), n, work(norm))
            x = mean.onto([x.astype(np.float32)]).astype(np.float64)
        found[kind] = float(np.abs(x - solution).max())
    assert found["normalised"] < 0.15
    assert found["plain"] > 1.0


def test_the_statistics_of_batchnorm_are_averaged_as_they_are(tmp_path: Path) -> None:
    """The slow site's variance goes down by 0.5; 20 times that would leave it below 0."""
    layout = Layout(("w", "n.running_mean", "n.running_var", "v"), ((3,), (2,), (2,), (1,)))
    slow, fast = np.full(8, -0.5), np.full(8, 1.0)
    mean = NormalisedMean(layout)
    mean.fold(written(tmp_path, slow), 300, work(1.0))
    mean.fold(written(tmp_path, fast), 100, work(21.0))
    start = np.ones(8, np.float32)
    made = mean.onto([start[:4], start[4:6], start[6:]])  # the pieces cut both statistics
    learnt = 1 + 6.0 * (0.75 * -0.5 / 1 + 0.25 * 1.0 / 21)
    averaged = 1 + 0.75 * -0.5 + 0.25 * 1.0
    assert made == pytest.approx([learnt] * 3 + [averaged] * 4 + [learnt], rel=1e-6)
    assert made[5] > 0


def test_statistics_are_known_in_every_piece_of_a_long_update(tmp_path: Path) -> None:
    """Pieces of 2 to the 18: one begins, one ends and one lies within a statistic."""
    sizes = ((1 << 18) - 3, 7, 1000, (1 << 19) + 1, 5)
    names = ("a", "b.running_mean", "c", "running_var", "d.running_variance")
    layout = Layout(names, tuple((n,) for n in sizes))
    mean = NormalisedMean(layout)
    for value, steps in ((1.0, 1.0), (2.0, 4.0)):
        mean.fold(written(tmp_path, np.full(layout.size, value)), 1, work(steps))
    made = mean.onto([np.zeros(layout.size, np.float32)])
    learnt, averaged = 2.5 * (0.5 * 1 / 1 + 0.5 * 2 / 4), 1.5
    wanted = np.repeat([learnt, averaged, learnt, averaged, learnt], sizes)
    assert np.array_equal(made, wanted.astype(np.float32))


def test_steps_that_do_not_count_make_no_update_larger(tmp_path: Path) -> None:
    mean = NormalisedMean(layout_of(1))
    mean.fold(written(tmp_path, np.array([1.0])), 1, work(2.0))
    mean.fold(written(tmp_path, np.array([0.0])), 1, work(1000.0, counted=4.0))
    assert mean.onto([np.zeros(1, np.float32)])[0] == pytest.approx(3.0 * 0.5 * 1.0 / 2.0)


def test_without_an_update_or_with_other_weights_there_is_no_mean(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no update"):
        NormalisedMean(layout_of(3)).onto([np.ones(3, np.float32)])
    mean = NormalisedMean(layout_of(3))
    mean.fold(written(tmp_path, np.zeros(3)), 1)
    with pytest.raises(ValueError, match="2 weights, not 3"):
        mean.onto([np.ones(2, np.float32)])
    with pytest.raises(PayloadError, match="must have 0 bytes"):
        mean.fold(written(tmp_path, np.zeros(3)), 1)
