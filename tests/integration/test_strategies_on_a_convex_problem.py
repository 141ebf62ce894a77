"""Sites and coordinator together are the papers' algorithms, on a small convex problem.

The sites' rules, the wire's format, the aggregation and the checkpoints are the product's; only the
network is a quadratic. The coordinator starts anew before each round, from its checkpoint. The
reference is written from the papers in float64. It rounds what goes over the wire as the wire does.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hepafed.client.learning.local_training import ControlVariate, local_training_for
from hepafed.client.learning.network import Network
from hepafed.client.strategy_state import StrategyState
from hepafed.common.contract.plan import Plan
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.network.weights import (
    Flat,
    Layout,
    difference,
    flatten,
    from_bf16,
    load,
    to_bf16,
)
from hepafed.server.training import checkpoints
from hepafed.server.training.aggregation import aggregation_for
from hepafed.server.training.pace import LocalWork
from hepafed.server.training.strategies import Past, control_parts
from torch import nn

from tests.server.training.strategies.plans import plan_of

SIZE, RATE, ROUNDS = 23, 0.1, 6
EXAMPLES = {"a": 30, "b": 5, "c": 12}
STEPS = {"a": 4, "b": 9, "c": 2}
AWAY = {("b", 3), ("c", 2)}
"""Sites that miss a round."""


def wired(values: np.ndarray) -> np.ndarray:
    """Give the numbers as they are after the wire: bf16."""
    layout = Layout(("w",), ((values.size,),))
    return from_bf16(to_bf16(values.astype(np.float32)), layout).astype(float)


def gradient(site: str, w: np.ndarray) -> np.ndarray:
    curve, target = problem(site)
    return curve @ (w - target)


def problem(site: str) -> tuple[np.ndarray, np.ndarray]:
    """Give a site's quadratic: its curvature [size, size] and where its minimum is [size]."""
    rng = np.random.default_rng(ord(site))
    root = rng.normal(size=(SIZE, SIZE)) / np.sqrt(SIZE)
    return root @ root.T + 0.3 * np.eye(SIZE), rng.normal(size=SIZE) * 2


class Quadratic(nn.Module):
    """The loss of a site in its weights."""

    def __init__(self, site: str) -> None:
        super().__init__()
        curve, target = problem(site)
        self.w = nn.Parameter(torch.zeros(SIZE))
        self.curve, self.target = torch.tensor(curve).float(), torch.tensor(target).float()

    def loss(self) -> torch.Tensor:
        away = self.w - self.target
        return 0.5 * away @ self.curve @ away


@dataclass
class RealSite:
    """A site that trains by the product's rules."""

    name: str
    home: Path

    def train(self, plan: Plan, weights: Flat, round_: int, control: ControlVariate | None) -> Flat:
        module = Quadratic(self.name)
        network = Network(
            plan.model, plan.protocol, module, Layout.of(module), module, compiled=False
        )
        load(module, network.layout, weights)
        local = local_training_for(plan, StrategyState(self.home / self.name), control)
        local.begin(network, "run", round_)
        optimiser = torch.optim.SGD(module.parameters(), RATE)
        for _ in range(STEPS[self.name]):
            optimiser.zero_grad()
            module.loss().backward()  # type: ignore[no-untyped-call]
            local.before_step()
            optimiser.step()
            local.after_step(RATE)
        update = difference(module, network.layout, weights)
        local.finish(update)
        return update


def real(home: Path, plan: Plan, away: set[tuple[str, int]]) -> list[Flat]:
    """Give the weights after each round of the product."""
    layout = Layout(("w",), ((SIZE,),))
    folder = home / "run"
    start = flatten(Quadratic("a"), layout)
    for site in EXAMPLES:
        (home / site).mkdir(parents=True)
    save_safetensors(folder / "initial.safetensors", layout, start)
    made = []
    for number in range(1, plan.rounds.count + 1):
        state = checkpoints.resumed(folder)
        given = state.taken.last_rounds(state.round)
        past = Past(lambda n, s=state: checkpoints.vector(folder, s, n), len(given))  # type: ignore[misc]
        aggregation = aggregation_for(plan, layout, past)
        weights = np.concatenate([*checkpoints.parts(state)])
        sent = from_bf16(b"".join(bytes(to_bf16(p)) for p in [weights]), layout)
        c = b"".join(bytes(p) for p in control_parts(past))
        for site in sorted(EXAMPLES):
            if (site, number) in away:
                continue
            values = from_bf16(c, layout) if c else np.zeros(SIZE, np.float32)
            control = ControlVariate(values, given.get(site, 0))
            path = home / f"{site}.update"
            update = RealSite(site, home).train(plan, sent, number, control)
            path.write_bytes(to_bf16(update))
            steps = float(STEPS[site])
            weight = EXAMPLES[site] if plan.rounds.weights == "examples" else 1
            aggregation.fold(path, weight, LocalWork(steps, steps, steps))
        made.append(aggregation.onto([weights]))
        state.round, state.made = number, dict(aggregation.vectors)
        took = {s: n for s, n in EXAMPLES.items() if (s, number) not in away}
        state.taken.note(number, took, {})
        checkpoints.save(folder, state, made[-1])
    return made


class Paper:
    """The algorithms in numpy, from the papers."""

    def __init__(self, plan: Plan) -> None:
        self.rounds = plan.rounds
        self.x = np.zeros(SIZE)
        self.m, self.c = np.zeros(SIZE), np.zeros(SIZE)
        self.v = np.full(SIZE, plan.rounds.server_epsilon**2)
        self.own: dict[str, np.ndarray] = {}

    def local(self, site: str, start: np.ndarray, c: np.ndarray) -> np.ndarray:
        w = start.copy()
        for _ in range(STEPS[site]):
            g = gradient(site, w)
            if self.rounds.strategy == "fedprox":
                g = g + self.rounds.mu * (w - start)
            if self.rounds.strategy == "scaffold":
                g = g - self.own.get(site, 0.0) + c
            w = w - RATE * g
        return w

    def round(self, sites: list[str]) -> np.ndarray:
        r, start = self.rounds, wired(self.x)
        c = wired(self.c)
        deltas = {s: wired(self.local(s, start, c) - start) for s in sites}
        weights = [EXAMPLES[s] if r.weights == "examples" else 1 for s in sites]
        delta = np.average([deltas[s] for s in sites], axis=0, weights=weights)
        if r.strategy == "scaffold":
            for s in sites:  # option II: cᵢ - c + (x - yᵢ) / (K·η)
                self.own[s] = self.own.get(s, 0.0) - c - deltas[s] / (STEPS[s] * RATE)
            self.c = np.mean([*self.own.values()], axis=0)
        if r.strategy == "fedavgm":
            self.m = r.server_momentum * self.m + delta
            delta = r.server_rate * self.m
        if r.strategy in ("fedadam", "fedyogi"):
            self.m = r.server_momentum * self.m + (1 - r.server_momentum) * delta
            square = delta**2
            if r.strategy == "fedadam":
                self.v = r.server_decay * self.v + (1 - r.server_decay) * square
            else:
                self.v = self.v - (1 - r.server_decay) * square * np.sign(self.v - square)
            delta = r.server_rate * self.m / (np.sqrt(self.v) + r.server_epsilon)
        self.x = self.x + delta
        return self.x


PLANS: dict[str, dict[str, Any]] = {
    "fedavg": {},
    "fedprox": {"mu": 0.7},
    "fedavgm": {"server_rate": 0.6, "server_momentum": 0.5},
    "fedadam": {"server_rate": 0.2, "server_momentum": 0.7, "server_decay": 0.9},
    "fedyogi": {"server_rate": 0.2, "server_momentum": 0.7, "server_decay": 0.9},
    "scaffold": {},
}


@pytest.mark.parametrize("word", PLANS)
@pytest.mark.parametrize("away", [set(), AWAY], ids=["all", "some away"])
def test_sites_and_coordinator_together_are_the_paper(
    tmp_path: Path, word: str, away: set[tuple[str, int]]
) -> None:
    plan = plan_of(word, count=ROUNDS, **PLANS[word])
    paper = Paper(plan)
    for number, weights in enumerate(real(tmp_path, plan, away), 1):
        expected = paper.round([s for s in sorted(EXAMPLES) if (s, number) not in away])
        # a number that is nearly halfway between two bf16 numbers may be rounded otherwise
        assert np.abs(weights - expected).max() < 2e-3 * np.abs(expected).max()
        assert np.median(np.abs(weights - expected)) < 2e-5


def optimum() -> np.ndarray:
    """Give where the mean of the sites' losses has its minimum."""
    curves, targets = zip(*(problem(s) for s in EXAMPLES), strict=True)
    pulls = [c @ t for c, t in zip(curves, targets, strict=True)]
    return np.linalg.solve(np.sum(curves, axis=0), np.sum(pulls, axis=0))


def test_scaffold_goes_where_all_data_point_and_the_plain_mean_does_not(
    tmp_path: Path,
) -> None:
    """With unequal steps and data the mean of local trainings has another fixed point."""
    apart = {}
    for word in ("scaffold", "fedavg"):
        plan = plan_of(word, count=60, weights="equal")
        apart[word] = float(np.abs(real(tmp_path / word, plan, set())[-1] - optimum()).max())
    assert apart["scaffold"] < 0.02
    assert apart["fedavg"] > 0.2
