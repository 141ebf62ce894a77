"""A model is frozen from the chosen round, with the figures of that round alone."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.figures import Cells, TuningFigures
from hepafed.common.contract.plan import OperatingPointPlan
from hepafed.common.errors import RunError
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.network.weights import Flat
from hepafed.common.records import write_record
from hepafed.server.models import INTENDED_USE, LIMITS
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.training import checkpoints
from hepafed.server.training.checkpoints import TrainingState
from hepafed.server.training.freezing import freeze

from .answering import LAYOUT, Answering, training, tuning

OF_ONE = 0x8000 + 0x3C00
"""The bin of a logit of 1: float16's bits of 1.0 above the middle."""


@pytest.fixture
def live(tmp_path: Path) -> LiveRun:
    make_authority(tmp_path / "keys", datetime.now(UTC))
    return training(tmp_path, Answering({}))


def numbers(round_: int) -> Flat:
    return np.full(LAYOUT.size, round_ / 8, np.float32)


def after(live: LiveRun, rounds: int, **values: object) -> TrainingState:
    """Give the state after so many rounds, the last two of them kept."""
    state = checkpoints.from_initial(live.folder / "initial.safetensors")
    for number in range(1, rounds + 1):
        state.round = number
        checkpoints.save(live.folder, state, numbers(number))
    return replace(state, **values)


def with_cells(positives: tuple[int, int], negatives: tuple[int, int]) -> TuningFigures:
    figures = tuning(0.8, sum(positives) + sum(negatives))
    cells = Cells(edges=(0, OF_ONE, 1 << 16), positives=positives, negatives=negatives)
    counts = {"positives": sum(positives), "negatives": sum(negatives)}
    return replace(figures, tasks=(replace(figures.tasks[0], cells=cells, **counts),))


def frozen(live: LiveRun, model: str) -> Flat:
    path = live.stores.registry.folder(model) / "weights.safetensors"
    return np.concatenate(list(checkpoints.read_parts(path, LAYOUT.size)))


def test_where_no_round_could_be_judged_the_last_one_is_frozen(live: LiveRun) -> None:
    model = freeze(live, after(live, 3))
    card = live.stores.registry.card(model)
    assert (card.round, card.tuning_auc, card.tuning_scores) == (3, None, None)
    assert card.operating_point.threshold == 0.5
    assert card.operating_point.chosen_on == "tuning data of 0 sites"
    assert card.operating_point.positives is None
    assert (frozen(live, model) == 3 / 8).all()


def test_the_operating_point_and_the_scores_are_of_the_best_rounds_cells(live: LiveRun) -> None:
    """At a logit of 1 are 16 of 20 malignant patients and 21 of 24 benign ones on their side."""
    figures = {
        2: {
            "b": write_record(with_cells((1, 9), (18, 2))),
            "a": write_record(with_cells((3, 7), (3, 1))),
        },
        3: {"a": write_record(with_cells((9, 1), (1, 3)))},
    }
    state = after(live, 3, best=2, figures=figures, scores={1: 0.5, 2: 0.75, 3: 0.25})
    model = freeze(live, state)
    card = live.stores.registry.card(model)
    assert (card.round, card.tuning_auc) == (2, 0.75)
    point = card.operating_point
    assert point.threshold == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-3)
    assert point.rule.startswith("largest sum of sensitivity and specificity")
    assert (point.positives, point.negatives, point.sites, point.cuts) == (20, 24, 2, 1)
    assert point.low is not None
    assert point.high is not None
    assert point.low < point.threshold < point.high
    assert card.operating_point.chosen_on == "tuning data of 2 sites"
    assert card.tuning_scores is not None
    assert card.tuning_scores.positives == (4, 16)
    assert card.tuning_scores.negatives == (21, 3)
    (line,) = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "frozen"]
    assert (line["model"], line["round"]) == (model, 2)
    assert line["threshold"] == card.operating_point.threshold
    assert (line["positives"], line["negatives"]) == (20, 24)


def test_a_card_says_of_which_run_it_is_when_and_what_for(live: LiveRun) -> None:
    before = datetime.now(UTC)
    card = live.stores.registry.card(freeze(live, after(live, 1, examples={"b": 3, "a": 1000})))
    assert card.id.startswith("a-")
    assert (card.run, card.protocol, card.strategy) == (live.run.id, "t2", "fedavg")
    created = datetime.fromisoformat(card.created)
    assert before - timedelta(seconds=1) <= created <= datetime.now(UTC)
    assert created.utcoffset() == timedelta(0)
    assert len(card.created) == len("2026-01-01T00:00:00+00:00")
    assert card.training_examples == {"b": 3, "a": 1000}
    assert (card.intended_use, card.limits) == (INTENDED_USE, LIMITS)
    assert card.parameters == 700


@pytest.mark.parametrize(
    "bad",
    [
        {"lesions": "many", "macro_auc": 0.5},
        {"lesions": 10**400, "macro_auc": 0.5},
        {"lesions": 20, "macro_auc": 1.5},
        "descending",
    ],
)
def test_figures_that_cannot_be_cost_their_site_alone_and_name_it(
    live: LiveRun, bad: dict[str, object] | str
) -> None:
    good = with_cells((1, 9), (18, 2))
    if bad == "descending":
        cells = Cells(edges=(1 << 16, OF_ONE, 0), positives=(1, 9), negatives=(18, 2))
        bad = write_record(replace(good, tasks=(replace(good.tasks[0], cells=cells),)))
    state = after(live, 1, best=1, figures={1: {"evil": bad, "good": write_record(good)}})
    card = live.stores.registry.card(freeze(live, state))
    assert (card.operating_point.positives, card.operating_point.sites) == (10, 1)
    (line,) = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "missing"]
    assert (line["site"], line["round"]) == ("evil", 1)


def aiming(live: LiveRun, rule: str) -> LiveRun:
    plan = replace(live.run.plan, operating_point=OperatingPointPlan(rule=rule))
    return LiveRun(live.stores.runs.create("train", plan), live.stores, live.sites)


def ready(live: LiveRun) -> TrainingState:
    initial = live.folder.parent / "initial.safetensors"
    save_safetensors(initial, LAYOUT, numbers(0))
    state = checkpoints.from_initial(initial)
    for state.round in (1, 2):
        checkpoints.save(live.folder, state, numbers(state.round))
    figures = {1: {"a": write_record(with_cells((1, 9), (18, 2)))}}
    return replace(state, best=1, figures=figures)


def test_a_stated_aim_chooses_the_operating_point_and_stands_on_the_card(live: LiveRun) -> None:
    aimed = aiming(live, "sensitivity >= 0.9")
    card = live.stores.registry.card(freeze(aimed, ready(aimed)))
    assert "sensitivity >= 0.9" in card.operating_point.rule
    assert card.operating_point.threshold == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-3)
    assert card.plan["operating_point"] == {"rule": "sensitivity >= 0.9"}


def test_an_aim_that_is_not_reached_saves_no_model_and_says_how_to_go_on(live: LiveRun) -> None:
    aimed = aiming(live, "sensitivity >= 0.91")
    with pytest.raises(RunError, match=r"no sensitivity >= 0\.91 .* is 0\.900") as refused:
        freeze(aimed, ready(aimed))
    assert live.stores.registry.all() == []
    assert refused.value.hint.endswith(f"server resume {aimed.run.id} --operating-point RULE")
    assert (aimed.folder / "round-00001.safetensors").exists()
