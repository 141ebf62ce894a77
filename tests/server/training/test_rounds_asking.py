"""What the sites of a round are asked, what is written down of it, and where a stop ends it."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.figures import Cells, TuningFigures
from hepafed.common.contract.messages import TrainReply, TrainRequest, TuneReply, TuneRequest
from hepafed.common.contract.plan import OperatingPointPlan
from hepafed.common.errors import RefusedError, RunError
from hepafed.common.network.architecture import for_sites
from hepafed.common.network.weights import to_bf16
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.training import checkpoints
from hepafed.server.training.rounds import train
from hepafed.server.training.tuning import expected_error

from .answering import LAYOUT, Answering, training, tuning

BYTES = 1400
"""An update of 700 numbers."""


@dataclass
class Watched(Answering):
    """Sites that look at the coordinator's disk when they are asked, and may stop the run."""

    live: LiveRun | None = None
    blobs: list[bytes] = field(default_factory=list)
    """The weights published at each question."""
    asks: list[tuple[Sequence[str], type, float]] = field(default_factory=list)
    stop_at: int = 0
    """Number of the question during which the run is asked to stop."""
    inbox: Callable[["Watched", int], None] = lambda sites, number: None

    def ask(
        self,
        sites: Sequence[str],
        request: TrainRequest | TuneRequest,
        kind: type,
        seconds: float,
        on_reply: Callable[[str, object], None],
    ) -> dict[str, str]:
        assert self.stores is not None
        self.asks.append((sites, kind, seconds))
        self.blobs.append(self.stores.blobs.path(request.weights).read_bytes())
        self.inbox(self, len(self.asks))
        if len(self.asks) == self.stop_at:
            self.stores.runs.ask_to_stop(request.run)
        return super().ask(sites, request, kind, seconds, on_reply)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_authority(tmp_path / "keys", datetime.now(UTC))
    return tmp_path


def history(live: LiveRun, *kinds: str) -> list[dict[str, Any]]:
    events = live.stores.runs.events(live.run.id)
    return [{k: v for k, v in e.items() if k != "at"} for e in events if e["event"] in kinds]


def test_each_round_is_asked_for_once_with_the_weights_of_the_round_before(home: Path) -> None:
    sites = Watched({"b": 5, "a": 2})
    live = training(home, sites, rounds=3)
    train(live)
    assert [(type(r), r.run, r.round) for r in sites.asked] == [
        (TrainRequest, live.run.id, 1),
        (TrainRequest, live.run.id, 2),
        (TrainRequest, live.run.id, 3),
        (TuneRequest, live.run.id, 3),
    ]
    assert [r.plan for r in sites.asked] == [for_sites(live.run.plan)] * 4
    assert sites.asks == [(["a", "b"], TrainReply, 5)] * 3 + [(["a", "b"], TuneReply, 5)]
    state = checkpoints.load(live.folder)
    assert state is not None
    last = checkpoints.weights_of_round(live.folder, state, 3)
    assert sites.blobs[3] == bytes(to_bf16(last))
    assert len(set(sites.blobs)) == 4
    assert len(sites.blobs[0]) == BYTES


def test_only_the_sites_of_the_round_may_upload_and_only_an_update_of_the_models_size(
    home: Path,
) -> None:
    def look(sites: Watched, number: int) -> None:
        if number == 3:  # the question for tuning figures takes no uploads
            return
        assert sites.stores is not None
        inbox, run = sites.stores.inbox, sites.stores.runs.all()[0].id
        inbox.admit("a", run, number, BYTES)
        for who, run_, round_, size in (
            ("z", run, number, BYTES),
            ("a", "other", number, BYTES),
            ("a", run, number + 1, BYTES),
            ("a", run, number - 1, BYTES),
            ("a", run, number, BYTES - 2),
        ):
            with pytest.raises(RefusedError):
                inbox.admit(who, run_, round_, size)

    sites = Watched({"a": 2}, inbox=look)
    train(training(home, sites, rounds=2))
    assert len(sites.asks) == 3


def test_a_round_writes_down_who_was_asked_what_came_and_how_it_stands(home: Path) -> None:
    sites = Answering(
        {"a": 30, "b": 10},
        losses={"a": 1.0, "b": 3.0},
        tunings=lambda site, number: tuning(0.5 + 0.1 * number, 20),
    )
    live = training(home, sites, rounds=2)
    started = time.monotonic()
    model = train(live)
    took = time.monotonic() - started
    assert history(live, "round") == [
        {"event": "round", "round": n, "sites": ["a", "b"], "bytes": BYTES} for n in (1, 2)
    ]
    first, second = history(live, "done")
    assert 0 <= first.pop("seconds") <= took
    assert 0 <= second.pop("seconds") <= took
    assert first == {"event": "done", "round": 1, "loss": 1.5, "auc": None, "best": -1}
    assert second == {
        "event": "done",
        "round": 2,
        "loss": 1.5,
        "auc": pytest.approx(0.6),
        "best": 1,
    }
    judged = history(live, "judged")
    errors = [e.pop("se") for e in judged]  # of two sites alike: theirs over the root of two
    expected = [expected_error(0.5 + 0.1 * n, 10, 10) / math.sqrt(2) for n in (1, 2)]
    assert errors == pytest.approx(expected)
    assert judged == [
        {
            "event": "judged",
            "round": n,
            "auc": pytest.approx(0.5 + 0.1 * n),
            "best": n,
            "sites": ["a", "b"],
            "lesions": 40,
        }
        for n in (1, 2)
    ]
    assert history(live, "tune") == [{"event": "tune", "sites": ["a", "b"]}]
    assert history(live, "frozen") == [
        {
            "event": "frozen",
            "model": model,
            "round": 2,
            "threshold": 0.5,
            "positives": 0,
            "negatives": 0,
            "placeholder": live.stores.registry.card(model).operating_point.rule,
        }
    ]


def test_the_record_says_how_many_rounds_are_done(home: Path) -> None:
    rounds: list[int] = []

    def look(sites: Watched, _number: int) -> None:
        assert sites.stores is not None
        rounds.append(sites.stores.runs.all()[0].round)

    train(training(home, Watched({"a": 2}, inbox=look), rounds=3))
    assert rounds == [0, 1, 2, 3]


@pytest.mark.parametrize(("question", "kept"), [(1, None), (2, 1), (4, 3)])
def test_a_stop_during_a_question_keeps_the_rounds_before_and_freezes_nothing(
    home: Path, question: int, kept: int | None
) -> None:
    sites = Watched({"a": 2, "b": 3}, stop_at=question)
    live = training(home, sites, rounds=3)
    assert train(live) == ""
    state = checkpoints.load(live.folder)
    assert (state and state.round) == kept
    assert len(sites.asks) == question
    assert list((home / "blobs").iterdir()) == []
    assert not (home / "models").exists()
    assert history(live, "frozen") == []


def test_of_the_last_weights_the_figures_that_came_are_judged(home: Path) -> None:
    """Site b does not answer the last question: 0.9 of site a alone."""

    @dataclass
    class Half(Watched):
        def ask(self, sites: Sequence[str], request: Any, *more: Any) -> dict[str, str]:  # noqa: ANN401
            some = [s for s in sites if s == "a"] if isinstance(request, TuneRequest) else sites
            return super().ask(some, request, *more)

    sites = Half(
        {"a": 1, "b": 1}, tunings=lambda site, number: tuning(0.9 if site == "a" else 0.1, 10)
    )
    live = training(home, sites, rounds=2)
    card = live.stores.registry.card(train(live))
    assert (card.round, card.tuning_auc) == (2, pytest.approx(0.9))
    assert card.operating_point.chosen_on == "tuning data of 1 sites"
    assert card.parameters == LAYOUT.size


def test_a_round_below_the_quorum_says_where_the_reasons_are_and_how_to_go_on(home: Path) -> None:
    live = training(home, Watched({"a": 1, "b": 1}, away={"b": 1}), quorum=2)
    with pytest.raises(RunError) as failed:
        train(live)
    assert failed.value.hint == (
        f"server watch {live.run.id} shows each site's reason; then server resume {live.run.id}"
    )
    assert list((home / "blobs").iterdir()) == []


def test_tuning_figures_that_cannot_be_true_are_no_answer_and_the_run_goes_on(home: Path) -> None:
    """Site b states cells that hold more patients than it has: in a round, and at the end."""

    def stated(site: str, _number: int) -> TuningFigures:
        good = tuning(0.8, 20)
        cells = Cells(edges=(0, 40_000, 1 << 16), positives=(2, 8), negatives=(9, 1))
        if site == "b":
            cells = replace(cells, positives=(2, 1 << 30))
        return replace(good, tasks=(replace(good.tasks[0], cells=cells),))

    live = training(home, Answering({"a": 30, "b": 10}, tunings=stated), rounds=1)
    card = live.stores.registry.card(train(live))
    missing = history(live, "missing")
    assert [(m["site"], m["round"]) for m in missing] == [("b", 1), ("b", 1)]
    assert all("hold other patients" in m["reason"] for m in missing)
    assert card.training_examples == {"a": 30}
    assert (card.operating_point.positives, card.operating_point.negatives) == (10, 10)


def test_no_site_is_told_how_the_operating_point_is_chosen(home: Path) -> None:
    sites = Answering({"a": 3, "b": 2})
    first = training(home, sites, rounds=1)
    plan = replace(first.run.plan, operating_point=OperatingPointPlan(rule="specificity >= 0.9"))
    live = LiveRun(first.stores.runs.create("train", plan), first.stores, first.sites)
    (live.folder / "initial.safetensors").write_bytes(
        (first.folder / "initial.safetensors").read_bytes()
    )
    with pytest.raises(RunError, match=r"no threshold can be chosen with specificity >= 0\.9"):
        train(live)
    assert [r.plan for r in sites.asked] == [for_sites(first.run.plan)] * 2
