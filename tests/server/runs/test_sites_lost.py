"""A site that is lost before it answers is asked again when it is back, until the deadline."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from flwr.app import Message
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import TuneReply, TuneRequest, pack
from hepafed.common.contract.plan import Plan
from hepafed.server.runs.sites import Sites

pytestmark = pytest.mark.usefixtures("in_flower")

TUNE = TuneRequest(run="r", round=3, plan=Plan(name="a", protocol="t2"), weights="")
TUNED = TuneReply(run="r", round=3, tuning=TuningFigures(lesions=4, macro_auc=None))
OFFLINE, CRASHED, LOST_ANSWER, UNEXPECTED = 5, 8, 4, 2
AWAY = "it went offline before it answered, and did not come back before the deadline"


@dataclass
class Net:
    """In place of Flower's Grid, with a clock of its own; `a` answers at once.

    `b` loses each question with `code` that is put before `whole_from`, after 2 s, and is online
    but from 2 s to `back_at`.
    """

    code: int
    whole_from: float = 0.0
    back_at: float = 0.0
    stopped_at: float = 1e9
    left_at: float = 1e9
    now: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    notes: list[tuple[str, object]] = field(default_factory=list)

    def get_node_ids(self) -> list[int]:
        self.looks.append(self.now)
        return [1] if 2 <= self.now < self.back_at else [1, 2]

    def push_messages(self, messages: list[Message]) -> list[str]:
        names = []
        for m in messages:
            self.asked.append((self.now, "_ab"[m.metadata.dst_node_id]))
            names.append(f"{m.metadata.dst_node_id} {self.now} {m.metadata.ttl}")
        return names

    def pull_messages(self, message_ids: list[str]) -> list[Any]:
        answers = []
        for name in message_ids:
            node, at = name.split()[:2]
            lost = node == "2" and float(at) < self.whole_from
            if lost and self.now < float(at) + 2:
                continue
            answers.append(
                SimpleNamespace(
                    content={"hepafed": {"json": pack(TUNED)}},
                    has_error=lambda lost=lost: lost,
                    error=SimpleNamespace(code=self.code),
                    metadata=SimpleNamespace(reply_to_message_id=name),
                )
            )
        return answers

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, deadline: float) -> tuple[list[str], dict[str, str]]:
        sites = Sites(
            self,  # type: ignore[arg-type]
            lambda: {"a": 1, "b": 2} if self.now < self.left_at else {"a": 1},
            lambda: self.now < self.stopped_at,
            note=lambda kind, **values: self.notes.append((kind, values.get("site"))),
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        got: list[str] = []
        failed = sites.ask(["a", "b"], TUNE, TuneReply, deadline, lambda s, _: got.append(s))
        return got, failed


def test_a_site_that_went_offline_is_asked_again_when_it_is_back() -> None:
    net = Net(OFFLINE, whole_from=60, back_at=62)
    assert net.ask(200) == (["a", "b"], {})
    assert [site for _, site in net.asked] == ["a", "b", "b"]
    assert 62 <= net.asked[-1][0] < 65
    assert net.notes == [("lost", "b"), ("again", None)]
    assert min(b - a for a, b in itertools.pairwise(net.looks)) >= 0.99


def test_a_site_that_goes_offline_again_and_again_is_asked_ever_later_and_ten_times_at_most() -> (
    None
):
    """Each time it is gone for 2 s, then looked for after 1, 2, 4, … and at most 60 s."""
    net = Net(OFFLINE, whole_from=30)
    assert net.ask(200) == (["a", "b"], {})
    times = [at for at, site in net.asked if site == "b"]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps == pytest.approx([3, 4, 6, 10, 18], abs=2)
    assert net.notes == [("lost", "b"), ("again", None)]
    net = Net(OFFLINE, whole_from=1e9)
    assert net.ask(3600)[1] == {"b": "it went offline before it answered"}
    assert len([s for _, s in net.asked if s == "b"]) == 10
    assert net.now < 400
    assert len(net.notes) == 2


def test_a_question_that_is_put_again_ends_at_the_same_deadline() -> None:
    net = Net(OFFLINE, whole_from=60, back_at=62)
    valid: list[float] = []
    push: Callable[[list[Message]], list[str]] = net.push_messages
    net.push_messages = lambda messages: (  # type: ignore[method-assign]
        valid.extend(net.now + m.metadata.ttl for m in messages),
        push(messages),
    )[1]
    net.ask(200)
    assert valid == pytest.approx([260, 260, 260])


def test_a_site_that_is_not_back_before_the_deadline_is_named_as_that() -> None:
    net = Net(OFFLINE, whole_from=1e9, back_at=1e9)
    assert net.ask(40) == (["a"], {"b": AWAY})
    assert 40 < net.now < 43
    assert len(net.asked) == 2


@pytest.mark.parametrize("code", [CRASHED, LOST_ANSWER])
def test_a_question_over_which_a_worker_ends_is_put_three_times(code: int) -> None:
    net = Net(code, whole_from=1e9)
    got, failed = net.ask(500)
    assert got == ["a"]
    assert list(failed) == ["b"]
    assert "deadline" not in failed["b"]
    assert [site for _, site in net.asked] == ["a", "b", "b", "b"]
    assert net.now < 30
    assert Net(code, whole_from=5).ask(500) == (["a", "b"], {})


def test_an_unexpected_error_at_a_site_is_no_loss_on_the_way() -> None:
    net = Net(UNEXPECTED, whole_from=1e9)
    assert net.ask(500)[1] == {"b": "its worker met an unexpected error (worker.log there)"}
    assert (len(net.asked), net.notes) == (2, [])


def test_a_stopped_run_does_not_blame_a_site_that_was_lost() -> None:
    net = Net(OFFLINE, whole_from=1e9, back_at=1e9, stopped_at=20)
    assert net.ask(200)[1] == {"b": "the run was stopped before the site answered"}


def test_a_lost_site_that_is_no_member_any_more_is_waited_for_no_longer() -> None:
    net = Net(OFFLINE, whole_from=1e9, back_at=1e9, left_at=10)
    assert net.ask(200)[1] == {"b": "the site is no longer enrolled"}
    assert net.now < 12
