"""What was asked of a SuperNode that ended is asked again as soon as its successor is heard of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from flwr.app import Message
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import TuneReply, TuneRequest, pack
from hepafed.common.contract.plan import Plan
from hepafed.server.runs.losses import OUTAGES
from hepafed.server.runs.sites import Sites

pytestmark = pytest.mark.usefixtures("in_flower")

TUNE = TuneRequest(run="r", round=3, plan=Plan(name="a", protocol="t2"), weights="")
TUNED = TuneReply(run="r", round=3, tuning=TuningFigures(lesions=4, macro_auc=None))


@dataclass
class Net:
    """In place of Flower's Grid, with a clock of its own: both sites are online throughout.

    `a` answers 30 s after it was asked. `b` answers at once, but never a question from before
    `silent_to`. Of each `connections(site)` were heard of.
    """

    connections: Callable[[float, str], int]
    silent_to: float = 20.0
    now: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    notes: list[tuple[str, object]] = field(default_factory=list)

    def get_node_ids(self) -> list[int]:
        return [1, 2]

    def push_messages(self, messages: list[Message]) -> list[str]:
        sites = ["_ab"[m.metadata.dst_node_id] for m in messages]
        self.asked += [(self.now, s) for s in sites]
        return [f"{s} {self.now}" for s in sites]

    def pull_messages(self, message_ids: list[str]) -> list[Any]:
        return [
            SimpleNamespace(
                content={"hepafed": {"json": pack(TUNED)}},
                has_error=lambda: False,
                metadata=SimpleNamespace(reply_to_message_id=name),
            )
            for name in message_ids
            if self._answers(*name.split())
        ]

    def _answers(self, site: str, at: str) -> bool:
        return self.now >= float(at) + 30 if site == "a" else float(at) >= self.silent_to

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, deadline: float = 100) -> dict[str, str]:
        sites = Sites(
            self,  # type: ignore[arg-type]
            lambda: {"a": 1, "b": 2},
            lambda: True,
            note=lambda kind, **values: self.notes.append((kind, values.get("site"))),
            connections=lambda site: self.connections(self.now, site),
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        return sites.ask(["a", "b"], TUNE, TuneReply, deadline, lambda *_: None)


def test_a_site_whose_connection_began_anew_is_asked_again_at_once() -> None:
    net = Net(lambda now, site: 1 + (site == "b" and now >= 20))
    assert net.ask() == {}
    assert [s for _, s in net.asked] == ["a", "b", "b"]
    assert 20 <= net.asked[-1][0] < 24
    assert net.notes == [("lost", "b"), ("again", None)]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_connection_that_stays_is_no_loss(count: int) -> None:
    net = Net(lambda _now, _site: count)
    assert net.ask() == {"b": "no answer before the deadline"}
    assert [s for _, s in net.asked] == ["a", "b"]


def test_the_first_connection_that_is_stated_is_no_other_one() -> None:
    """A coordinator that was started again knows none; the client states what it had all along."""
    net = Net(lambda now, _site: int(now >= 5))
    assert net.ask() == {"b": "no answer before the deadline"}
    assert [s for _, s in net.asked] == ["a", "b"]


def test_an_answer_that_came_before_the_connection_ended_counts() -> None:
    net = Net(lambda now, _site: 1 + (now >= 0.05), silent_to=0.0)
    assert net.ask() == {}
    assert [s for _, s in net.asked] == ["a", "b", "a"]


def test_a_connection_that_begins_ever_anew_is_asked_ten_times_at_most() -> None:
    net = Net(lambda now, site: 1 + int(now * 10) * (site == "b"), silent_to=1e9)
    assert net.ask(3600) == {"b": "its connection began anew before it answered"}
    assert [s for _, s in net.asked].count("b") == OUTAGES
    assert net.notes == [("lost", "b"), ("again", None)]
