"""Several sites are asked at once: each by its own node, for as long as the deadline says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from flwr.app import Message
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import (
    Refusal,
    TrainReply,
    TrainRequest,
    TuneReply,
    TuneRequest,
    pack,
)
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import PayloadError
from hepafed.server.runs.sites import Sites

pytestmark = pytest.mark.usefixtures("in_flower")

PLAN = Plan(name="a", protocol="t2")
TUNE = TuneRequest(run="r", round=3, plan=PLAN, weights="")
TRAIN = TrainRequest(run="r", round=3, plan=PLAN, weights="")
NODES = {"c": 30, "a": 10, "b": 20}


def tuned(lesions: int) -> TuneReply:
    return TuneReply(run="r", round=3, tuning=TuningFigures(lesions=lesions, macro_auc=None))


def message(content: object, *, error: int | None = None) -> SimpleNamespace:
    return SimpleNamespace(
        content=content, has_error=lambda: error is not None, error=SimpleNamespace(code=error)
    )


def answer(reply: object) -> SimpleNamespace:
    return message({"hepafed": {"json": pack(reply)}})


@dataclass
class Net:
    """In place of Flower's Grid, with a clock of its own; a node answers at a second."""

    answers: Mapping[int, tuple[float, SimpleNamespace]] = field(default_factory=dict)
    away: frozenset[int] = frozenset()
    """Nodes for which no message is taken."""
    stopped_at: float = float("inf")
    now: float = 1000.0
    pushed: list[Message] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)

    def get_node_ids(self) -> list[int]:
        return [n for n in (30, 99, 10, 20) if n not in self.away]

    def push_messages(self, messages: list[Message]) -> list[str]:
        self.pushed += messages
        nodes = [m.metadata.dst_node_id for m in messages]
        return ["" if n in self.away else f"to {n}" for n in nodes]

    def pull_messages(self, message_ids: list[str]) -> list[SimpleNamespace]:
        self.looks.append(self.now)
        due = [SimpleNamespace(metadata=SimpleNamespace(reply_to_message_id="unknown"))]
        for node, (second, content) in self.answers.items():
            if f"to {node}" in message_ids and self.now >= 1000 + second:
                content.metadata = SimpleNamespace(reply_to_message_id=f"to {node}")
                due.append(content)
        return due

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def ask(
        self,
        *sites: str,
        nodes: Mapping[str, int] = NODES,
        deadline: float = 60,
        refused: str = "",
    ) -> tuple[list[tuple[str, int]], dict[str, str]]:
        """Ask sites to tune; return who was passed on with how many lesions, and who failed."""
        asking = Sites(
            self,  # type: ignore[arg-type]
            lambda: nodes,
            lambda: self.now < 1000 + self.stopped_at,
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        got: list[tuple[str, int]] = []

        def on_reply(site: str, reply: TuneReply) -> None:
            if site == refused:
                raise PayloadError("not usable")
            got.append((site, reply.tuning.lesions))

        return got, asking.ask(sites, TUNE, TuneReply, deadline, on_reply)


def test_online_are_the_sites_whose_node_is_connected_in_order() -> None:
    net = Net(away=frozenset({20}))
    sites = Sites(net, lambda: {"d": 40, **NODES}, lambda: True)  # type: ignore[arg-type]
    assert sites.online() == ["a", "c"]


def test_each_site_is_asked_at_its_own_node_and_one_without_is_told_apart() -> None:
    net = Net({30: (0, answer(tuned(3))), 10: (0, answer(tuned(1)))})
    got, failed = net.ask("c", "gone", "a")
    assert [m.metadata.dst_node_id for m in net.pushed] == [30, 10]
    assert {m.content["hepafed"]["json"] for m in net.pushed} == {pack(TUNE)}
    assert sorted(got) == [("a", 1), ("c", 3)]
    assert failed == {"gone": "the site is no longer enrolled"}


@pytest.mark.parametrize(
    ("question", "reply_type", "kind"),
    [(TRAIN, TrainReply, "train"), (TUNE, TuneReply, "evaluate")],
    ids=["train", "tune"],
)
def test_a_message_says_what_is_asked_and_outlives_the_deadline_by_a_minute(
    question: object, reply_type: type, kind: str
) -> None:
    net = Net(stopped_at=0)
    sites = Sites(net, lambda: NODES, lambda: False, clock=lambda: 7.0)  # type: ignore[arg-type]
    sites.ask(["a"], question, reply_type, 7.5, lambda _site, _reply: None)
    (sent,) = net.pushed
    assert (sent.metadata.message_type, sent.metadata.ttl) == (kind, 67.5)


def test_a_site_that_flower_cannot_reach_is_not_waited_for() -> None:
    net = Net({30: (0, answer(tuned(3))), 20: (0, answer(tuned(2)))}, away=frozenset({10}))
    got, failed = net.ask("a", "b", "c")
    assert sorted(got) == [("b", 2), ("c", 3)]
    assert failed == {"a": "the site is not reachable"}
    assert net.waits == []


def test_replies_are_passed_on_as_they_come() -> None:
    replies = {10: (9.0, answer(tuned(1))), 20: (0.0, answer(tuned(2))), 30: (4, answer(tuned(3)))}
    assert Net(replies).ask("a", "b", "c") == ([("b", 2), ("c", 3), ("a", 1)], {})


def test_one_unusable_reply_costs_its_own_site_alone() -> None:
    replies = {n: (0.0, answer(tuned(n))) for n in (10, 20, 30)}
    got, failed = Net(replies).ask("a", "b", "c", refused="b")
    assert (sorted(got), failed) == ([("a", 10), ("c", 30)], {"b": "not usable"})


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        ({}, 2, "its worker met an unexpected error (worker.log there)"),
        ({}, 99, "Flower reports its error 99"),
        ({}, None, "the site's answer is not a HepaFed message"),
        ({"hepafed": {}}, None, "the site's answer is not a HepaFed message"),
        ({"hepafed": None}, None, "the site's answer is not a HepaFed message"),
    ],
    ids=["error", "unknown error", "empty", "no json", "no record"],
)
def test_what_is_no_answer_is_named(content: object, error: int | None, reason: str) -> None:
    assert Net({10: (0, message(content, error=error))}).ask("a") == ([], {"a": reason})


def test_of_a_refusal_three_hundred_letters_are_kept() -> None:
    refusal = answer(Refusal(run="r", reason="x" * 300 + "y"))
    assert Net({10: (0, refusal)}).ask("a")[1] == {"a": "refused: " + "x" * 300}


def test_who_is_silent_past_the_deadline_is_named_and_the_others_count() -> None:
    net = Net({10: (29.0, answer(tuned(1))), 20: (35.0, answer(tuned(2)))})
    got, failed = net.ask("a", "b", "c", deadline=30)
    assert got == [("a", 1)]
    assert failed == dict.fromkeys("bc", "no answer before the deadline")
    assert 1030 < net.looks[-1] < 1032


def test_a_stopped_run_waits_no_longer_and_says_so() -> None:
    net = Net({10: (1.0, answer(tuned(1))), 20: (50.0, answer(tuned(2)))}, stopped_at=10)
    got, failed = net.ask("a", "b")
    assert got == [("a", 1)]
    assert failed == {"b": "the run was stopped before the site answered"}
    assert net.looks[-1] < 1010


def test_looks_are_a_twentieth_of_the_time_waited_apart_from_fifty_ms_to_a_second() -> None:
    net = Net()
    net.ask("a", deadline=40)
    waited = [at - 1000 for at in net.looks[:-1]]
    assert waited[0] == 0
    expected = [0.05 if w < 1 else w / 20 if w < 20 else 1.0 for w in waited]
    assert net.waits == pytest.approx(expected)
    assert max(net.waits) == 1.0


def test_nobody_asked_is_nobody_waited_for() -> None:
    net = Net()
    assert net.ask() == ([], {})
    assert (net.waits, net.looks) == ([], [])


def test_without_keys_given_no_site_has_one() -> None:
    assert Sites(Net(), lambda: NODES, lambda: True).identities() == {}  # type: ignore[arg-type]
