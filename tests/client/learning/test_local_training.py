"""What FedProx, FedBN, SiloBN and SCAFFOLD change in a round, with the real trainer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.local_training import ControlVariate, Proximal
from hepafed.client.learning.trainer import Trainer
from hepafed.client.strategy_state import StrategyState
from hepafed.common.contract.plan import ModelPlan, Plan, TrainingPlan
from hepafed.common.contract.rounds import RoundsPlan
from hepafed.common.errors import DataError, RefusedError
from hepafed.common.network import from_bf16, norm_names, to_bf16
from hepafed.common.network.weights import Flat, flatten
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

PLAN = Plan(
    name="small",
    protocol="t2",
    model=ModelPlan(size=75),
    rounds=RoundsPlan(count=4),
    training=TrainingPlan(batch=5, epochs=2, optimiser="sgd", rate=0.1, momentum=0.0),
)
pytestmark = pytest.mark.usefixtures("small")


def by(word: str, **rounds: object) -> Plan:
    equal = {"weights": "equal"} if word == "scaffold" else {}
    return replace(PLAN, rounds=replace(PLAN.rounds, strategy=word, **equal, **rounds))  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path, crops: Callable[..., list[Crop]]) -> Path:
    Cohort.create(tmp_path).add(crops(40))
    return tmp_path


def made(home: Path) -> Trainer:
    return Trainer(home, 0, "cpu")


def start(trainer: Trainer) -> Flat:
    network = trainer.network(PLAN)
    return flatten(network.module, network.layout)


def entries(trainer: Trainer, names: tuple[str, ...]) -> np.ndarray:
    """Give which numbers of the weights belong to some entries."""
    layout = trainer.network(PLAN).layout
    parts = [
        np.full(int(np.prod(shape)), name in names)
        for name, shape in zip(layout.names, layout.shapes, strict=True)
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_fedprox_with_mu_0_is_fedavg_bit_for_bit(home: Path, optimiser: str) -> None:
    updates = []
    for plan in (by("fedavg"), by("fedprox", mu=0.0), by("fedprox", mu=0.5)):
        trainer = made(home)
        chosen = replace(plan, training=replace(plan.training, optimiser=optimiser))
        weights = start(trainer)
        updates.append([trainer.train(chosen, weights, "r", n).update.tobytes() for n in (1, 2)])
    assert updates[0] == updates[1]
    assert updates[0][0] != updates[2][0]


def test_fedprox_adds_the_distance_to_the_round_s_weights_to_each_gradient(home: Path) -> None:
    """Beside an optimiser that does not move, the gradient is that of fedavg."""
    trainer, seen = made(home), list[float]()
    weights = start(trainer)
    parameters = dict(trainer.network(PLAN).module.named_parameters())
    before: list[torch.Tensor] = []

    def note(optimiser: torch.optim.Optimizer, *_: object) -> None:
        (group,) = optimiser.param_groups
        away = [p.detach() - a for p, a in zip(group["params"], before, strict=True)]
        seen.append(float(sum((x**2).sum() for x in away)))

    class Doubled(Proximal):
        """Looks at what is added."""

        def before_step(self) -> None:
            plain = [p.grad.clone() for p in parameters.values() if p.grad is not None]
            super().before_step()
            for p, g, a in zip(parameters.values(), plain, before, strict=True):
                assert p.grad is not None
                torch.testing.assert_close(p.grad, g + 0.5 * (p.detach() - a))

    rule = Doubled(0.5)
    network = trainer.network(PLAN)
    network.loaded(weights)
    before += [p.detach().clone() for p in parameters.values()]
    rule.begin(network, "r", 1)
    optimiser = torch.optim.SGD(network.module.parameters(), 0.1)
    handle = register_optimizer_step_post_hook(note)
    try:
        for _ in range(3):
            optimiser.zero_grad()
            network.module(torch.ones(3, 1, 75, 75)).square().sum().backward()
            rule.before_step()
            optimiser.step()
    finally:
        handle.remove()
    assert seen[0] > 0
    assert len(seen) == 3


@pytest.mark.parametrize("word", ["fedbn", "silobn"])
def test_batchnorm_goes_on_from_the_site_s_own_round_before(home: Path, word: str) -> None:
    trainer, plan = made(home), by(word)
    weights = start(trainer)
    names = norm_names(trainer.network(PLAN).layout)
    own = tuple(n for n in names if word == "fedbn" or "running_" in n)
    here = entries(trainer, own)
    after = weights + trainer.train(plan, weights, "r", 1).update
    mean = weights + 0.25  # what came of the other sites, BatchNorm too
    state: dict[str, torch.Tensor] = {}

    def note(*_: object) -> None:
        if not state:
            module = trainer.network(PLAN).module
            state.update({k: v.detach().clone() for k, v in module.named_parameters()})

    handle = register_optimizer_step_pre_hook(note)
    try:
        second = trainer.train(plan, mean, "r", 2).update
    finally:
        handle.remove()
    expected = made(home)
    begun = np.where(here, after, mean).astype(np.float32)
    layout, at = trainer.network(PLAN).layout, 0
    for name, shape in zip(layout.names, layout.shapes, strict=True):
        size = int(np.prod(shape))
        if name in state:
            np.testing.assert_allclose(
                state[name].numpy().ravel(), begun[at : at + size], rtol=1e-6, atol=1e-6
            )
        at += size
    plain = expected.train(by("fedavg"), begun, "other", 2).update
    np.testing.assert_allclose(mean + second, begun + plain, rtol=1e-4, atol=1e-5)


def test_silobn_keeps_statistics_alone_and_fedbn_scale_and_shift_too(home: Path) -> None:
    kept = {}
    for word in ("fedbn", "silobn"):
        trainer = made(home)
        trainer.train(by(word), start(trainer), "r", 1)
        found = StrategyState(home).read("r", 1, word)
        assert found is not None
        kept[word] = sorted(name.rpartition(".")[2] for name in found)
    assert kept == {
        "fedbn": ["bias", "running_mean", "running_var", "weight"],
        "silobn": ["running_mean", "running_var"],
    }


def controls(trainer: Trainer, seed: int) -> Flat:
    rng = np.random.default_rng(seed)
    flat = rng.normal(scale=0.05, size=start(trainer).size).astype(np.float32)
    return from_bf16(to_bf16(flat), trainer.network(PLAN).layout)


def test_scaffold_without_a_c_is_fedavg_and_leaves_the_mean_gradient(home: Path) -> None:
    plain, trainer = made(home), made(home)
    weights = start(trainer)
    expected = plain.train(by("fedavg"), weights, "r", 1)
    zero = ControlVariate(np.zeros(weights.size, np.float32))
    update = trainer.train(by("scaffold"), weights, "r", 1, control=zero).update
    assert update.tobytes() == expected.update.tobytes()
    found = StrategyState(home).read("r", 1, "scaffold")
    assert found is not None
    rates = []
    handle = register_optimizer_step_pre_hook(
        lambda optimiser, *_: rates.append(optimiser.param_groups[0]["lr"])
    )
    try:
        made(home).train(by("fedavg"), weights, "other", 1)
    finally:
        handle.remove()
    sent = from_bf16(to_bf16(update), trainer.network(PLAN).layout)
    statistics = entries(trainer, ("1.running_mean", "1.running_var"))
    expected_own = np.where(statistics, 0, -sent / sum(rates))
    np.testing.assert_allclose(found["own"], expected_own, rtol=1e-5, atol=1e-8)


def test_scaffold_adds_c_less_its_own_to_every_gradient(home: Path) -> None:
    """With c = own the corrections are nothing; without, the update changes by their sum."""
    trainer = made(home)
    weights = start(trainer)
    zero = ControlVariate(np.zeros(weights.size, np.float32))
    trainer.train(by("scaffold"), weights, "r", 1, control=zero)
    found = StrategyState(home).read("r", 1, "scaffold")
    assert found is not None
    same = trainer.train(
        by("scaffold"), weights, "r", 2, control=ControlVariate(found["own"], 1)
    ).update
    plain = made(home).train(by("fedavg"), weights, "other", 2).update
    np.testing.assert_allclose(same, plain, atol=1e-6)
    one = replace(by("scaffold"), training=replace(PLAN.training, batch=0, epochs=1))
    fedavg = replace(one, rounds=by("fedavg").rounds)
    c = controls(trainer, 5)
    moved = trainer.train(one, weights, "r", 2, control=ControlVariate(c, 1)).update
    still = made(home).train(fedavg, weights, "other", 2).update
    statistics = entries(trainer, ("1.running_mean", "1.running_var"))
    rate = -(moved - still)[~statistics] / (c - found["own"])[~statistics]
    assert np.median(rate) == pytest.approx(np.median(rate[:50]), rel=1e-3)
    assert np.median(rate) > 0.01
    np.testing.assert_allclose(rate, np.median(rate), rtol=0.05)


@pytest.mark.parametrize("word", ["fedbn", "silobn", "scaffold"])
def test_a_worker_that_ended_and_a_round_asked_for_again_give_the_same_bits(
    home: Path, word: str
) -> None:
    def rounds(trainers: Callable[[], Trainer], *numbers: int) -> list[bytes]:
        found, counted = [], 0
        for at, number in enumerate(numbers):
            trainer = trainers()
            control = (
                ControlVariate(controls(trainer, number), counted) if word == "scaffold" else None
            )
            weights = start(made(home)) + np.float32(0.01 * number)
            done = trainer.train(by(word), weights, "r", number, control=control)
            found.append(done.update.tobytes())
            counted = number if number not in numbers[at + 1 :] else counted
        return found

    one = made(home)
    whole = rounds(lambda: one, 1, 2, 3)
    assert rounds(lambda: made(home), 1, 2, 3) == whole
    again = rounds(lambda: made(home), 1, 2, 2, 3)
    assert [again[0], again[1], again[3]] == whole
    assert again[2] == whole[1]


def test_a_site_whose_update_was_not_counted_goes_on_from_the_round_that_was(home: Path) -> None:
    def third(*between: int) -> bytes:
        trainer = made(home)
        weights = start(trainer)
        zero = ControlVariate(np.zeros(weights.size, np.float32))
        trainer.train(by("scaffold"), weights, "r", 1, control=zero)
        for number in between:
            late = ControlVariate(controls(trainer, number), 1)
            trainer.train(by("scaffold"), weights, "r", number, control=late)
        last = ControlVariate(controls(trainer, 9), 1)
        return trainer.train(by("scaffold"), weights, "r", 4, control=last).update.tobytes()

    assert third() == third(2) == third(2, 3)


def test_a_control_variate_that_is_gone_is_refused_and_a_damaged_one_named(home: Path) -> None:
    trainer = made(home)
    weights = start(trainer)
    zero = ControlVariate(np.zeros(weights.size, np.float32))
    trainer.train(by("scaffold"), weights, "r", 1, control=zero)
    with pytest.raises(RefusedError, match="control variate of round 3 is not here"):
        trainer.train(by("scaffold"), weights, "r", 4, control=ControlVariate(weights, 3))
    (path,) = (home / "strategy").glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"strategy/.*-00001\.safetensors is damaged"):
        made(home).train(by("scaffold"), weights, "r", 2, control=ControlVariate(weights, 1))


def test_a_request_of_scaffold_without_its_control_variate_is_refused(home: Path) -> None:
    trainer = made(home)
    with pytest.raises(RefusedError, match="no control variate"):
        trainer.train(by("scaffold"), start(trainer), "r", 1)


@pytest.mark.parametrize("word", ["fedprox", "fedbn", "silobn", "scaffold"])
def test_a_rehearsal_keeps_nothing(home: Path, word: str) -> None:
    trainer = made(home)
    plan = replace(by(word), training=replace(PLAN.training, epochs=0))
    assert not trainer.train(plan, start(trainer), "r", 1).update.any()
    assert not (home / "strategy").exists()


@pytest.mark.parametrize("word", ["fedavg", "fednova", "fedprox"])
def test_strategies_without_a_state_keep_none(home: Path, word: str) -> None:
    trainer = made(home)
    trainer.train(by(word), start(trainer), "r", 1)
    assert not (home / "strategy").exists()
