"""FedAvgM, FedAdam and FedYogi are their papers' formulas; statistics of BatchNorm are averaged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.network.weights import Flat, Layout
from hepafed.server.training.aggregation import aggregation_for
from hepafed.server.training.strategies import Past

from .folded import folded, wired
from .plans import plan_of

LAYOUT = Layout(
    ("stem.weight", "bn.weight", "bn.running_mean", "bn.running_var", "head.weight"),
    ((7, 3), (5,), (5,), (5,), (3, 11)),
)
MEAN, VARIANCE = slice(26, 31), slice(31, 36)
EXAMPLES = (5, 11, 2)


def updates_of(round_: int, size: int = LAYOUT.size) -> list[np.ndarray]:
    rng = np.random.default_rng(round_)
    return [wired(rng.normal(scale=0.1 * (n + 1), size=size)) for n in range(len(EXAMPLES))]


def paper(word: str, keys: dict[str, float], rounds: int, start: np.ndarray) -> list[np.ndarray]:
    """Give the weights after each round: Hsu et al. 2019, and Reddi et al. 2021, algorithm 2."""
    eta, beta = keys["server_rate"], keys["server_momentum"]
    decay, tau = keys.get("server_decay", 0.0), keys.get("server_epsilon", 0.0)
    x, m, v, found = start.astype(float), np.zeros(start.size), np.full(start.size, tau**2), []
    for t in range(1, rounds + 1):
        delta = np.average(np.array(updates_of(t), float), axis=0, weights=EXAMPLES)
        if word == "fedavgm":
            m = beta * m + delta
            step = eta * m
        else:
            m = beta * m + (1 - beta) * delta
            square = delta**2
            if word == "fedadam":
                v = decay * v + (1 - decay) * square
            else:
                v = v - (1 - decay) * square * np.sign(v - square)
            step = eta * m / (np.sqrt(v) + tau)
        for here in (MEAN, VARIANCE):
            step[here] = delta[here]
        x = x + step
        found.append(x)
    return found


SETTINGS: list[tuple[str, dict[str, float]]] = [
    ("fedavgm", {"server_rate": 0.7, "server_momentum": 0.8}),
    ("fedavgm", {"server_rate": 1.0, "server_momentum": 0.0}),
    *(
        (word, {"server_rate": r, "server_momentum": m, "server_decay": d, "server_epsilon": e})
        for word in ("fedadam", "fedyogi")
        for r, m, d, e in ((0.05, 0.9, 0.99, 1e-3), (0.3, 0.0, 0.5, 0.2), (0.02, 0.6, 0.0, 1e-2))
    ),
]


@pytest.mark.parametrize(("word", "keys"), SETTINGS)
@pytest.mark.parametrize("piece", [1 << 20, 13])
def test_a_step_is_that_of_the_paper_over_several_rounds(
    tmp_path: Path, word: str, keys: dict[str, Any], piece: int
) -> None:
    start = np.random.default_rng(0).normal(size=LAYOUT.size).astype(np.float32)
    weights: Flat = start
    kept: dict[str, Flat] = {}
    for number, expected in enumerate(paper(word, keys, 5, start), 1):
        made = aggregation_for(plan_of(word, **keys), LAYOUT, Past(kept.get, 3))
        weights = folded(made, tmp_path, updates_of(number), weights, EXAMPLES, piece=piece)
        kept = dict(made.vectors)
        np.testing.assert_allclose(weights, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("word", "rate"), [("fedavgm", 1.0), ("fedadam", 0.01), ("fedyogi", 0.01)])
def test_a_rate_that_is_not_stated_is_the_strategy_s_usual_one(
    tmp_path: Path, word: str, rate: float
) -> None:
    def after(**keys: float) -> bytes:
        made = aggregation_for(plan_of(word, **keys), LAYOUT)
        zeros = np.zeros(LAYOUT.size, np.float32)
        return folded(made, tmp_path, updates_of(1), zeros, EXAMPLES).tobytes()

    assert after() == after(server_rate=rate)
    assert after() != after(server_rate=rate * 1.5)


@pytest.mark.parametrize("word", ["fedavgm", "fedadam", "fedyogi"])
def test_no_variance_becomes_negative_however_the_steps_go_beyond_the_mean(
    tmp_path: Path, word: str
) -> None:
    weights = np.ones(LAYOUT.size, np.float32)
    kept: dict[str, Flat] = {}
    lowest = 1.0
    for _ in range(8):  # each site's variances go down to a quarter
        made = aggregation_for(plan_of(word, server_rate=5.0), LAYOUT, Past(kept.get, 1))
        weights = folded(made, tmp_path, [-0.75 * weights], weights)
        kept = dict(made.vectors)
        assert (weights[VARIANCE] > 0).all()
        lowest = min(lowest, float(weights[:21].min()))
    assert lowest < 0, "the weights themselves went further"


@pytest.mark.parametrize("word", ["fedavgm", "fedadam", "fedyogi"])
def test_a_vector_of_several_pieces_is_as_its_parts(tmp_path: Path, word: str) -> None:
    """Statistics lie across the borders of the blocks in which files are read."""
    edge = 1 << 18
    names = ("a.weight", "bn.running_var", "b.weight")
    layout = Layout(names, ((edge - 3,), (edge + 7,), (5,)))
    update = wired(np.random.default_rng(3).normal(size=layout.size))
    made = aggregation_for(plan_of(word), layout)
    weights = folded(made, tmp_path, [update], np.zeros(layout.size, np.float32), piece=100_003)
    np.testing.assert_array_equal(weights[edge - 3 : -5], update[edge - 3 : -5])
    some = [*range(0, edge - 3, 997), edge - 4, *range(layout.size - 5, layout.size)]
    small = aggregation_for(plan_of(word), Layout(("w",), ((len(some),),)))
    alone = folded(small, tmp_path, [update[some]], np.zeros(len(some), np.float32))
    np.testing.assert_array_equal(weights[some], alone)
