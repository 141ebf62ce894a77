"""A whole training over unequal sites: what is averaged, judged, kept and frozen."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import TuneRequest
from hepafed.common.contract.plan import TrainingPlan
from hepafed.common.errors import RunError
from hepafed.common.network.weights import from_bf16, to_bf16
from hepafed.common.records import write_record
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.training import checkpoints
from hepafed.server.training.checkpoints import TrainingState
from hepafed.server.training.rounds import REHEARSED, conduct_round, resume, train
from hepafed.server.training.weighted_mean import WeightedMean
from numpy.typing import NDArray

from .answering import LAYOUT, Answering, training, tuning, update_of

UNEQUAL = {"a": 1000, "b": 3, "c": 250}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_authority(tmp_path / "keys", datetime.now(UTC))
    return tmp_path


def sent(site: str, round_: int) -> NDArray[np.float64]:
    """Give an update as it crosses the wire."""
    return from_bf16(memoryview(to_bf16(update_of(site, round_))), LAYOUT).astype(np.float64)


def weights_after(live: LiveRun, round_: int) -> NDArray[np.float32]:
    state = checkpoints.load(live.folder)
    assert state is not None
    return checkpoints.weights_of_round(live.folder, state, round_)


def events(live: LiveRun, kind: str) -> list[dict[str, object]]:
    return [e for e in live.stores.runs.events(live.run.id) if e["event"] == kind]


def test_each_round_adds_the_updates_weighted_by_examples(home: Path) -> None:
    live = training(home, Answering(UNEQUAL), rounds=2)
    train(live)
    total = sum(UNEQUAL.values())
    wanted = np.full(LAYOUT.size, 0.25)
    for number in (1, 2):
        wanted += sum(n * sent(s, number) for s, n in UNEQUAL.items()) / total
    assert weights_after(live, 2) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_who_answers_first_changes_not_a_bit(home: Path, order: str) -> None:
    live = training(home, Answering(UNEQUAL, order=tuple(order)), rounds=1)
    train(live)
    mean = WeightedMean(LAYOUT.size)
    for site in sorted(UNEQUAL, key=lambda s: (s == max(UNEQUAL, key=UNEQUAL.__getitem__), s)):
        path = home / site
        path.write_bytes(to_bf16(update_of(site, 1)))
        mean.fold(path, UNEQUAL[site])
    largest_last = mean.onto([np.full(LAYOUT.size, 0.25, np.float32)])
    assert weights_after(live, 1).tobytes() == largest_last.tobytes()


@pytest.mark.parametrize("examples", [0, -5, 10**9 + 1])
def test_a_site_with_an_impossible_number_of_examples_is_left_out(
    home: Path, examples: int
) -> None:
    live = training(home, Answering({"a": 10, "b": examples}), rounds=1)
    train(live)
    assert weights_after(live, 1) == pytest.approx(0.25 + sent("a", 1), abs=1e-5)
    (missing,) = events(live, "missing")
    assert (missing["site"], missing["round"]) == ("b", 1)
    assert "impossible number of examples" in str(missing["reason"])


@pytest.mark.parametrize("examples", [1, 10**9])
def test_one_example_and_a_thousand_million_are_possible(home: Path, examples: int) -> None:
    live = training(home, Answering({"a": examples}), rounds=1)
    train(live)
    assert events(live, "missing") == []


def by_round(aucs: dict[str, list[float]], lesions: dict[str, int]) -> Answering:
    """Make sites whose tuning AUC after each round is in `aucs`, from the first round on."""

    def figures(site: str, number: int) -> TuningFigures:
        return tuning(aucs[site][number - 1] if number else 0.5, lesions[site])

    return Answering(dict.fromkeys(aucs, 10), tunings=figures)


def test_the_best_round_is_frozen_with_its_own_figures(home: Path) -> None:
    sites = by_round({"a": [0.7, 0.9, 0.8, 0.6], "b": [0.7, 0.9, 0.8, 0.6]}, {"a": 20, "b": 30})
    live = training(home, sites, rounds=4)
    model = train(live)
    card = live.stores.registry.card(model)
    assert (card.round, card.tuning_auc) == (2, pytest.approx(0.9))
    path = live.stores.registry.folder(model) / "weights.safetensors"
    frozen = np.concatenate(list(checkpoints.read_parts(path, LAYOUT.size)))
    assert frozen.tobytes() == weights_after(live, 2).tobytes()


def test_the_last_round_is_judged_like_the_others(home: Path) -> None:
    live = training(home, by_round({"a": [0.7, 0.6, 0.9]}, {"a": 20}), rounds=3)
    assert live.stores.registry.card(train(live)).round == 3


def test_a_site_of_many_lesions_weighs_more_in_the_choice(home: Path) -> None:
    """By lesions the first round is at 0.855, the second at 0.725; site by site it is reversed."""
    sites = by_round(
        {"a": [0.9, 0.7], "b": [0.45, 0.95], "c": [0.45, 0.95]}, {"a": 90} | dict.fromkeys("bc", 5)
    )
    live = training(home, sites, rounds=2)
    card = live.stores.registry.card(train(live))
    assert (card.round, card.tuning_auc) == (1, pytest.approx(0.855))


def test_a_card_names_the_examples_of_each_site(home: Path) -> None:
    live = training(home, Answering(UNEQUAL), rounds=1)
    assert live.stores.registry.card(train(live)).training_examples == UNEQUAL


def test_the_loss_of_a_round_is_weighted_by_examples(home: Path) -> None:
    live = training(home, Answering(UNEQUAL, losses={"a": 1.0, "b": 5.0, "c": 3.0}), rounds=1)
    train(live)
    (done,) = events(live, "done")
    assert done["loss"] == pytest.approx((1000 * 1.0 + 3 * 5.0 + 250 * 3.0) / 1253)


def test_a_mean_loss_is_of_all_sites_or_there_is_none(home: Path) -> None:
    live = training(home, Answering(UNEQUAL, losses={"a": 1.0, "b": None, "c": 3.0}), rounds=1)
    train(live)
    assert events(live, "done")[0]["loss"] is None


def rehearsal(home: Path, sites: Answering, rounds: int) -> LiveRun:
    live = training(home, sites, rounds=rounds)
    plan = replace(live.run.plan, training=TrainingPlan(epochs=0))
    return replace(live, run=live.stores.runs.change(live.run.id, plan=plan))


def test_a_rehearsal_makes_no_model_and_keeps_what_it_measured(home: Path) -> None:
    sites = Answering({"a": 2, "b": 3}, losses={"a": None, "b": None}, away={"b": 2})
    live = rehearsal(home, sites, rounds=3)
    assert train(live) == REHEARSED
    assert live.stores.registry.all() == []
    assert not (home / "models").exists()
    assert [e["loss"] for e in events(live, "done")] == [None] * 3
    assert events(live, "frozen") == []
    kept = live.stores.runs.get(live.run.id).rehearsal
    assert kept is not None
    assert (kept.rounds, [*kept.sites], kept.payload) == (3, ["a", "b"], 2 * LAYOUT.size)
    (said,) = events(live, "rehearsed")
    assert said["measured"] == write_record(kept)
    assert isinstance(sites.asked[-1], TuneRequest), "the last question is rehearsed as well"
    assert list((home / "blobs").iterdir()) == []


def test_a_training_keeps_no_figures_of_a_rehearsal(home: Path) -> None:
    live = training(home, Answering(UNEQUAL), rounds=1)
    train(live)
    assert live.stores.runs.get(live.run.id).rehearsal is None
    assert events(live, "rehearsed") == []


def test_a_rehearsal_that_was_stopped_has_measured_nothing(home: Path) -> None:
    live = rehearsal(home, Answering({"a": 2}), rounds=1)
    live.stores.runs.ask_to_stop(live.run.id)
    assert train(live) == ""
    assert live.stores.runs.get(live.run.id).rehearsal is None


@pytest.mark.parametrize(("quorum", "goes_on"), [(2, True), (3, False)])
def test_a_round_needs_the_plans_quorum_of_updates(home: Path, quorum: int, goes_on: bool) -> None:
    live = training(home, Answering(UNEQUAL, away={"b": 2}), rounds=3, quorum=quorum)
    if goes_on:
        train(live)
        assert [(e["site"], e["reason"]) for e in events(live, "missing")] == [("b", "no answer")]
    else:
        with pytest.raises(RunError, match="round 2: 2 usable updates, the plan's quorum is 3"):
            train(live)
        kept = checkpoints.load(live.folder)
        assert kept is not None
        assert kept.round == 1


def test_an_absent_site_neither_adds_nor_weighs(home: Path) -> None:
    live = training(home, Answering(UNEQUAL, away={"a": 1}, order="cab"), rounds=1)
    train(live)
    wanted = 0.25 + (3 * sent("b", 1) + 250 * sent("c", 1)) / 253
    assert weights_after(live, 1) == pytest.approx(wanted, abs=1e-5)


def test_a_training_goes_on_from_its_newest_round(home: Path) -> None:
    """Twelve rounds: after the ninth the names of files are no longer in the order of strings."""
    whole = training(home / "whole", Answering(UNEQUAL), rounds=12)
    make_authority(home / "whole/keys", datetime.now(UTC))
    train(whole)
    parts = training(home, Answering(UNEQUAL), rounds=12)
    state: TrainingState | None = checkpoints.from_initial(parts.folder / "initial.safetensors")
    for number in range(1, 11):
        assert state is not None
        digest = parts.stores.blobs.publish(to_bf16(p) for p in checkpoints.parts(state))
        weights = conduct_round(parts, state, digest)
        assert weights is not None
        checkpoints.save(parts.folder, state, weights)
        state = checkpoints.load(parts.folder)
        assert state is not None
        assert state.round == number
    train(parts)
    assert [e["round"] for e in events(parts, "round")] == list(range(1, 13))
    assert [e["round"] for e in events(parts, "done")] == [10, 11, 12]
    assert weights_after(parts, 12).tobytes() == weights_after(whole, 12).tobytes()


def test_a_round_is_said_to_be_done_once_and_after_its_checkpoint(home: Path) -> None:
    live = training(home, Answering(UNEQUAL), rounds=1)
    state = resume(live)
    digest = live.stores.blobs.publish(to_bf16(p) for p in checkpoints.parts(state))
    weights = conduct_round(live, state, digest)
    assert weights is not None
    assert events(live, "done") == []
    checkpoints.save(live.folder, state, weights)
    for _ in range(2):  # started again twice
        assert resume(live).round == 1
    (done,) = events(live, "done")
    assert (done["round"], done["loss"] is None, done["seconds"] > 0) == (1, False, True)
    train(live)
    assert len(events(live, "done")) == 1


def test_a_stopped_training_keeps_its_rounds_and_freezes_nothing(home: Path) -> None:
    live = training(home, Answering(UNEQUAL), rounds=3)
    live.stores.runs.ask_to_stop(live.run.id)
    assert train(live) == ""
    assert checkpoints.load(live.folder) is None


def test_no_weights_stay_published_after_a_training(home: Path) -> None:
    live = training(home, Answering(UNEQUAL), rounds=2)
    train(live)
    assert list((home / "blobs").iterdir()) == []
