"""A person sees who asked about a model, and for which study, as the ledger has it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from hepafed.client.release.ledger import Ledger
from hepafed.client.release.questions.asked import Question
from hepafed.client.release.questions.askers import Asker, askers_of
from hepafed.common.contract.messages import (
    ComparedModel,
    CompareRequest,
    Stamp,
    TrainRequest,
    ValidateRequest,
    pack,
)
from hepafed.common.contract.plan import Plan

PLAN = Plan(name="a", protocol="t2", study="liver")
ONE = ValidateRequest(
    run="v-1", model="m", plan=PLAN, weights="1" * 64, threshold=0.5, split="external"
)
BOTH = CompareRequest(
    run="v-2",
    split="external",
    models=tuple(
        ComparedModel(model=w, plan=PLAN, weights=w * 64, threshold=0.5) for w in ("1", "2")
    ),
)


class Asked:
    """A site's ledger in which questions are written down."""

    def __init__(self, home: Path) -> None:
        self.home, self.ledger, self.count = home, Ledger(home), 0

    def ask(self, kind: str, request: Any, requester: str, study: str = "liver") -> None:  # noqa: ANN401
        self.count += 1
        stamp = Stamp(
            id=f"{self.count:032x}", site="s", requester=requester, study=study, issued="",
            expires="", request="",
        )  # fmt: skip
        self.ledger.record_request(
            kind, request.run, pack(request), requester=requester, stamp=stamp
        )

    def of(self, weights: str, plan: Plan = PLAN, split: str = "external") -> list[tuple[str, str]]:
        found = askers_of(self.home, self.ledger).get(Question.of(split, weights * 64, plan), ())
        return [(a.requester, a.study) for a in found]


def test_each_person_and_study_is_named_once_in_the_order_of_asking(tmp_path: Path) -> None:
    site = Asked(tmp_path)
    site.ask("validate", ONE, "eva")
    site.ask("validate", replace(ONE, run="v-9"), "eva")
    site.ask("validate", ONE, "eva", "lung")
    site.ask("compare", BOTH, "coordinator")
    assert site.of("1") == [("eva", "liver"), ("eva", "lung"), ("coordinator", "liver")]
    assert site.of("2") == [("coordinator", "liver")]


def test_another_plan_or_split_is_another_question(tmp_path: Path) -> None:
    site = Asked(tmp_path)
    site.ask("validate", ONE, "eva")
    assert site.of("1", replace(PLAN, seed=8)) == site.of("1", split="test") == []


def test_what_was_not_signed_or_asks_no_score_names_nobody(tmp_path: Path) -> None:
    site = Asked(tmp_path)
    site.ledger.record_request("validate", "v-1", pack(ONE), requester="unknown")
    site.ask("train", TrainRequest(run="t", round=1, plan=PLAN, weights="1" * 64), "eva")
    assert askers_of(site.home, site.ledger) == {}


def test_a_text_that_is_lost_names_nobody_and_hides_no_other(tmp_path: Path) -> None:
    site = Asked(tmp_path)
    site.ask("validate", ONE, "eva")
    for path in (tmp_path / "received").iterdir():
        path.unlink()
    site.ask("compare", BOTH, "bert")
    assert site.of("1") == [("bert", "liver")]
    assert Asker(requester="bert", study="liver") in askers_of(site.home, site.ledger).popitem()[1]
