"""Updates are folded in the order of the sites' names, each as soon as it is its turn."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import TrainReply
from hepafed.common.contract.plan import TrainingPlan
from hepafed.common.errors import PayloadError
from hepafed.common.network import Flat, UpdateForm, encode, to_bf16
from hepafed.common.releases import RELEASE
from hepafed.server.runs.inbox import Expected
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.training.pace import WHOLE, LocalWork
from hepafed.server.training.round_updates import RoundUpdates

from .answering import Answering, training

SITES = ["a", "b", "c", "d"]
FORM = UpdateForm("bf16", 3)


@dataclass
class Folded:
    """In place of an aggregation: what was folded, in order."""

    seen: list[tuple[str, int, bool]] = field(default_factory=list)
    work: list[LocalWork] = field(default_factory=list)
    keeps_files: bool = False
    chosen: int | None = None
    vectors: dict[str, Flat] = field(default_factory=dict)

    def fold(self, path: Path, examples: int, work: LocalWork = WHOLE) -> None:
        self.work.append(work)
        self.seen.append((path.stem, examples, path.exists()))

    def onto(self, weights: Iterable[Flat]) -> Flat:
        raise NotImplementedError

    @property
    def sites(self) -> str:
        return "".join(site for site, _, _ in self.seen)


@pytest.fixture
def folded() -> Folded:
    return Folded()


@pytest.fixture
def live(tmp_path: Path) -> LiveRun:
    live = training(tmp_path, Answering({}))
    live.stores.inbox.open_round(Expected(live.run.id, 1, frozenset(SITES), 6))
    return live


@pytest.fixture
def updates(live: LiveRun, folded: Folded) -> RoundUpdates:
    return RoundUpdates(live, SITES, folded, FORM)


def reply(
    live: LiveRun, site: str, examples: int = 1, loss: float | None = 0.5, size: int = 3
) -> TrainReply:
    """Upload an update of some ones and make the reply that announces it."""
    content = bytes(to_bf16(np.ones(size, np.float32)))
    path = live.stores.inbox.folder / "part"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    live.stores.inbox.arrived(site, live.run.id, 1, digest, path)
    tuning = TuningFigures(lesions=min(examples, 10**8), macro_auc=0.75)
    return TrainReply(
        run=live.run.id, round=1, release=RELEASE, update=digest, examples=examples, loss=loss,
        seconds=2.5, tuning=tuning,
    )  # fmt: skip


def test_an_update_waits_for_those_before_it(
    live: LiveRun, updates: RoundUpdates, folded: Folded
) -> None:
    steps = []
    for site in "cbad":
        updates.take(site, reply(live, site))
        steps.append((folded.sites, len(updates)))
    assert steps == [("", 0), ("", 0), ("bc", 3), ("bcd", 4)]
    updates.fold_ready(rest=True)
    assert (folded.sites, len(updates)) == ("bcda", 4)


def test_the_largest_so_far_is_held_back(
    live: LiveRun, updates: RoundUpdates, folded: Folded
) -> None:
    steps = []
    for site, examples in zip(SITES, (2, 5, 5, 4), strict=True):
        updates.take(site, reply(live, site, examples))
        steps.append(folded.sites)
    assert steps == ["", "a", "ac", "acd"]
    updates.fold_ready(rest=True)
    assert folded.seen[-1] == ("b", 5, True)


@pytest.mark.parametrize(("examples", "counted"), [(14, 14), (15, 15), (16, 15), (10**9, 15)])
def test_no_site_weighs_more_than_its_share(
    tmp_path: Path, folded: Folded, examples: int, counted: int
) -> None:
    """Beside 3 + 2 + 5 examples 15 are a share of 0.6."""
    live = training(tmp_path, Answering({}), max_share=0.6)
    live.stores.inbox.open_round(Expected(live.run.id, 1, frozenset(SITES), 6))
    updates = RoundUpdates(live, SITES, folded, FORM)
    for site, n in zip(SITES, (3, examples, 2, 5), strict=True):
        updates.take(site, reply(live, site, n, {"b": 9.0}.get(site, 1.0)))
    updates.fold_ready(rest=True)
    assert {site: n for site, n, _ in folded.seen} == {"a": 3, "b": counted, "c": 2, "d": 5}
    assert updates.examples()["b"] == examples, "what it stated stays on record"
    assert updates.mean_loss() == pytest.approx((10 + 9 * counted) / (10 + counted))
    capped = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "capped"]
    assert [(e["site"], e["examples"], e["counted"]) for e in capped] == (
        [("b", examples, counted)] if counted < examples else []
    )


def test_the_only_site_of_a_round_has_all_of_it(tmp_path: Path, folded: Folded) -> None:
    live = training(tmp_path, Answering({}), max_share=0.6)
    live.stores.inbox.open_round(Expected(live.run.id, 1, frozenset(SITES), 6))
    updates = RoundUpdates(live, SITES, folded, FORM)
    updates.take("b", reply(live, "b", 700))
    updates.fold_ready(rest=True)
    assert folded.seen == [("b", 700, True)]


def test_what_is_folded_is_deleted_afterwards_and_what_waits_is_kept(
    live: LiveRun, updates: RoundUpdates, folded: Folded
) -> None:
    updates.take("a", reply(live, "a", 7))
    updates.take("b", reply(live, "b", 8))
    updates.take("d", reply(live, "d", 9))
    assert folded.seen == [("a", 7, True)]
    assert sorted(p.stem for p in live.stores.inbox.folder.iterdir()) == ["b", "d"]


def test_at_the_end_the_rest_is_folded_without_those_that_did_not_come(
    live: LiveRun, updates: RoundUpdates, folded: Folded
) -> None:
    for site in "db":
        updates.take(site, reply(live, site, ord(site)))
    assert len(updates) == 0
    updates.fold_ready(rest=True)
    updates.fold_ready(rest=True)
    assert (folded.sites, len(updates)) == ("bd", 2)
    assert updates.examples() == {"b": 98, "d": 100}
    assert {s: f.lesions for s, f in updates.figures().items()} == {"b": 98, "d": 100}


def test_examples_and_figures_are_in_the_order_of_names(
    live: LiveRun, updates: RoundUpdates
) -> None:
    for site in "badc":
        updates.take(site, reply(live, site))
    assert list(updates.examples()) == SITES
    assert list(updates.figures()) == SITES


@pytest.mark.parametrize("examples", [0, -1, 10**9 + 1])
def test_an_impossible_number_of_examples_costs_the_site_its_update(
    live: LiveRun, updates: RoundUpdates, folded: Folded, examples: int
) -> None:
    with pytest.raises(PayloadError, match="impossible number of examples"):
        updates.take("a", reply(live, "a", examples))
    updates.fold_ready(rest=True)
    assert folded.seen == []


def test_an_update_that_was_not_announced_or_is_anothers_is_refused(
    live: LiveRun, updates: RoundUpdates, folded: Folded
) -> None:
    of_a = reply(live, "a")
    with pytest.raises(PayloadError, match="did not arrive"):
        updates.take("b", of_a)
    assert len(updates) == 0
    updates.take("a", of_a)
    assert len(updates) == 1


def test_an_update_of_another_size_is_not_folded(
    live: LiveRun, updates: RoundUpdates, folded: Folded
) -> None:
    with pytest.raises(PayloadError, match="must have 6 bytes"):
        updates.take("a", reply(live, "a", size=4))
    updates.fold_ready(rest=True)
    assert folded.seen == []


def test_each_reply_is_a_line_of_the_history(live: LiveRun, updates: RoundUpdates) -> None:
    updates.take("b", reply(live, "b", 7, 0.25))
    (line,) = live.stores.runs.events(live.run.id)
    del line["at"]
    assert line == {
        "event": "reply",
        "round": 1,
        "site": "b",
        "loss": 0.25,
        "seconds": 2.5,
        "examples": 7,
        "auc": 0.75,
    }


def test_one_loss_that_is_missing_leaves_the_round_without(
    live: LiveRun, updates: RoundUpdates
) -> None:
    assert updates.mean_loss() is None
    updates.take("b", reply(live, "b", 3, 0.0))
    updates.take("c", reply(live, "c", 1, 2.0))
    assert updates.mean_loss() == 0.5
    updates.take("a", reply(live, "a", 1000, None))
    assert updates.mean_loss() is None


def test_an_update_in_another_encoding_than_the_plans_is_refused_by_name(
    live: LiveRun, folded: Folded
) -> None:
    """It is as long as asked, so that the inbox lets it in."""
    asked = UpdateForm("int4", 300)
    content = bytes(encode(np.ones(300, np.float32), asked)[0])
    start = asked.start
    for sent, words in (
        (content, ""),
        (content[: start - 8] + b" " * 8 + content[start:], "encoding, int4"),
        (content[:-1], f"must have {asked.length} bytes"),
        (content[:-1] + b"\0", "code of the update is beyond"),
    ):
        live.stores.inbox.open_round(Expected(live.run.id, 1, frozenset(SITES), len(sent)))
        updates = RoundUpdates(live, SITES, folded, asked)
        path = live.stores.inbox.folder / "part"
        path.write_bytes(sent)
        digest = hashlib.sha256(sent).hexdigest()
        live.stores.inbox.arrived("a", live.run.id, 1, digest, path)
        made = replace(reply(live, "b"), update=digest)
        if words:
            with pytest.raises(PayloadError, match=words):
                updates.take("a", made)
        else:
            updates.take("a", made)
            assert len(updates) == 1


def counted(tmp_path: Path, folded: Folded, **rounds: float) -> tuple[LiveRun, RoundUpdates]:
    """Make a round of a plan that counts steps: batches of 10, two epochs, a budget."""
    made = training(tmp_path, Answering({}))
    plan = replace(
        made.run.plan,
        rounds=replace(made.run.plan.rounds, strategy="fednova", **rounds),  # type: ignore[arg-type]
        training=TrainingPlan(batch=10, epochs=2, budget=4, schedule="constant"),
    )
    live = replace(made, run=replace(made.run, plan=plan))
    live.stores.inbox.open_round(Expected(live.run.id, 1, frozenset(SITES), 6))
    return live, RoundUpdates(live, SITES, folded, FORM)


def with_steps(live: LiveRun, site: str, examples: int, steps: int, planned: int) -> TrainReply:
    return replace(reply(live, site, examples), steps=steps, planned=planned)


def test_an_update_is_folded_with_its_steps_and_they_are_written_down(
    tmp_path: Path, folded: Folded
) -> None:
    live, updates = counted(tmp_path, folded)
    updates.take("a", with_steps(live, "a", 40, 3, 8))
    updates.take("b", with_steps(live, "b", 20, 4, 4))
    updates.fold_ready(rest=True)
    assert folded.work == [LocalWork(4, 4, 4), LocalWork(3, 8, 3)]
    assert updates.steps() == {"a": (3, 8), "b": (4, 4)}
    assert updates.counted() == {"a": 40, "b": 20}
    first, second = live.stores.runs.events(live.run.id)
    assert [(e["steps"], e["planned"]) for e in (first, second)] == [(3, 8), (4, 4)]


def test_the_steps_of_a_site_beyond_its_share_do_not_count(tmp_path: Path, folded: Folded) -> None:
    """Beside 20 examples 30 are a share of 0.6: six steps of two epochs."""
    live, updates = counted(tmp_path, folded, max_share=0.6)
    updates.take("a", with_steps(live, "a", 400, 77, 80))
    updates.take("b", with_steps(live, "b", 20, 4, 4))
    updates.fold_ready(rest=True)
    assert folded.work == [LocalWork(4, 4, 4), LocalWork(77, 80, 6)]
    assert updates.counted() == {"a": 30, "b": 20}
    assert updates.examples() == {"a": 400, "b": 20}


@pytest.mark.parametrize(("steps", "good"), [(8, True), (4, True), (3, False), (1, False)])
def test_a_partial_update_is_held_to_the_largest_norm_as_if_its_round_were_whole(
    tmp_path: Path, folded: Folded, steps: int, good: bool
) -> None:
    """Three ones: a norm of 1.73, in half a round as good as 3.46."""
    live, updates = counted(tmp_path, folded, max_norm=3.5)
    given = with_steps(live, "a", 40, steps, 8)
    if good:
        updates.take("a", given)
        return
    with pytest.raises(PayloadError, match=r"as of a whole round\) is above the plan's 3.5"):
        updates.take("a", given)
    assert len(updates) == 0


def test_steps_that_cannot_be_cost_the_site_its_update(tmp_path: Path, folded: Folded) -> None:
    live, updates = counted(tmp_path, folded)
    with pytest.raises(PayloadError, match="planned 9 steps; the plan asks for 8"):
        updates.take("a", with_steps(live, "a", 40, 3, 9))
    updates.fold_ready(rest=True)
    assert folded.seen == []


def test_without_a_plan_that_counts_steps_those_that_are_stated_are_not_used(
    live: LiveRun, updates: RoundUpdates, folded: Folded
) -> None:
    updates.take("a", with_steps(live, "a", 40, 10**12, -3))
    updates.fold_ready(rest=True)
    assert folded.work == [WHOLE]
    assert updates.steps() == {}
    assert "steps" not in live.stores.runs.events(live.run.id)[0]
