"""The coordinator's sum of control variates is that of the sites, which send none of them."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.network.weights import Flat, Layout
from hepafed.server.training.aggregation import aggregation_for
from hepafed.server.training.pace import LocalWork
from hepafed.server.training.strategies import Past, control_parts

from .folded import folded, wired
from .plans import plan_of

LAYOUT = Layout(("w", "bn.running_mean", "b"), ((30,), (4,), (6,)))
STATISTICS = slice(30, 34)
ROUNDS: list[dict[str, float]] = [
    {"a": 12.0, "b": 3.0},
    {"b": 3.5, "c": 0.25},
    {"a": 11.0},
    {"a": 10.0, "b": 2.0, "c": 0.5},
]
"""The sites of each round, with their steps at the peak rate, which is 0.1."""


def control_of(past: Past, size: int) -> np.ndarray:
    content = b"".join(bytes(p) for p in control_parts(past))
    if not content:
        return np.zeros(size, np.float32)
    return (np.frombuffer(content, "<u2").astype(np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize("size", [40, (1 << 20) + 5])
def test_c_is_the_mean_of_what_the_sites_have(tmp_path: Path, size: int) -> None:
    layout = LAYOUT if size == 40 else Layout(("w",), ((size,),))
    kept: dict[str, Flat] = {}
    own: dict[str, np.ndarray] = {}
    for number, sites in enumerate(ROUNDS):
        past = Past(kept.get, len(own))
        c = control_of(past, size)
        if own:
            np.testing.assert_array_equal(c, wired(kept["control"] / np.float32(len(own))))
        rng = np.random.default_rng(number)
        updates = [wired(rng.normal(size=size)) for _ in sites]
        work = [LocalWork(steps, steps, steps) for steps in sites.values()]
        made = aggregation_for(plan_of("scaffold"), layout, past)
        weights = folded(made, tmp_path, updates, np.zeros(size, np.float32), work=work)
        np.testing.assert_allclose(weights, np.mean(updates, axis=0), rtol=1e-5, atol=1e-6)
        for site, update in zip(sites, updates, strict=True):  # the paper's option II
            own[site] = own.get(site, 0.0) - c - update.astype(float) / (sites[site] * 0.1)
            if size == 40:
                own[site][STATISTICS] = 0.0
        kept = dict(made.vectors)
        assert list(kept) == ["control"]
        np.testing.assert_allclose(kept["control"], sum(own.values()), rtol=1e-4, atol=1e-4)
        if size == 40:
            assert not kept["control"][STATISTICS].any()


def test_before_the_first_round_there_is_no_c() -> None:
    assert list(control_parts(Past())) == []
