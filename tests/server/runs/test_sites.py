"""A reply is of the type that was asked for, and of its question's run, round or exchange."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from flwr.app import Message
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import (
    MaskedReply,
    Refusal,
    SumsRequest,
    TuneReply,
    TuneRequest,
    pack,
)
from hepafed.common.contract.plan import Plan
from hepafed.server.runs.sites import Sites

pytestmark = pytest.mark.usefixtures("in_flower")

TUNE = TuneRequest(run="r", round=3, plan=Plan(name="a", protocol="t2"), weights="")
TUNED = TuneReply(run="r", round=3, tuning=TuningFigures(lesions=1, macro_auc=None))
SUMS = SumsRequest(run="r", exchange="x", offers=())
MASKED = MaskedReply(run="r", exchange="x", vector="v")


class OneSite:
    """In place of Flower's Grid: site a, which gives one answer."""

    def __init__(self, answer: object) -> None:
        self._content = {"hepafed": {"json": pack(answer)}}

    def get_node_ids(self) -> list[int]:
        return [1]

    def push_messages(self, messages: list[Message]) -> list[str]:
        return ["m" for _ in messages]

    def pull_messages(self, message_ids: list[str]) -> list[Message]:
        metadata = SimpleNamespace(reply_to_message_id=message_ids[0])
        return [SimpleNamespace(metadata=metadata, has_error=bool, content=self._content)]  # type: ignore[list-item]


def asked(
    question: object, reply_type: type, answer: object
) -> tuple[list[object], dict[str, str]]:
    """Ask site a; return the replies that were passed on, and the sites that failed."""
    sites = Sites(OneSite(answer), lambda: {"a": 1}, lambda: True)
    got: list[object] = []
    failed = sites.ask(["a"], question, reply_type, 5, lambda _site, reply: got.append(reply))
    return got, failed


@pytest.mark.parametrize(("question", "reply"), [(TUNE, TUNED), (SUMS, MASKED)])
def test_the_reply_to_a_question_is_passed_on(question: object, reply: object) -> None:
    assert asked(question, type(reply), reply) == ([reply], {})


@pytest.mark.parametrize(
    ("question", "reply", "reason"),
    [
        (TUNE, replace(TUNED, run="q"), "the site answered for another round"),
        (TUNE, replace(TUNED, round=2), "the site answered for another round"),
        (SUMS, replace(MASKED, exchange="y"), "the site answered for another exchange"),
        (SUMS, replace(MASKED, run="q"), "the site answered for another exchange"),
    ],
)
def test_an_answer_to_another_question_is_refused(
    question: object, reply: object, reason: str
) -> None:
    assert asked(question, type(reply), reply) == ([], {"a": reason})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (MASKED, "the site answered another question than the one asked"),
        (Refusal(run="r", reason="policy"), "refused: policy"),
        (
            Refusal(run="r", reason="a", hint="b" * 999),
            f"refused: a; hint of the site: {'b' * 200}",
        ),
    ],
)
def test_what_is_not_the_reply_type_is_refused(answer: object, reason: str) -> None:
    assert asked(TUNE, TuneReply, answer) == ([], {"a": reason})


def test_a_site_that_is_not_enrolled_is_not_asked() -> None:
    sites = Sites(OneSite(TUNED), dict, lambda: True)
    failed = sites.ask(["b"], TUNE, TuneReply, 5, lambda _site, _reply: None)
    assert failed == {"b": "the site is no longer enrolled"}
