"""An update that comes when its round is over is refused, and its site is named with a remedy."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.plan import Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import RefusedError
from hepafed.server.training.pace.lateness import words
from hepafed.server.training.rounds import train

from tests.server.training.answering import Answering, training

PLAN = Plan(name="a", protocol="t2", rounds=RoundsPlan(deadline=3600))


class Tardy(Answering):
    """Site a uploads the update of round 1 while round 2 is under way."""

    def ask(self, sites: Any, request: Any, *more: Any) -> dict[str, str]:  # noqa: ANN401
        if request.round == 2 and len(self.asked) == 1:
            assert self.stores is not None
            for _ in range(2):
                with pytest.raises(RefusedError, match="no update of this run and round"):
                    self.stores.inbox.admit("a", request.run, 1, 1400)
        return super().ask(sites, request, *more)


def test_a_late_update_is_refused_and_said_once(tmp_path: Path) -> None:
    make_authority(tmp_path / "keys", datetime.now(UTC))
    live = training(tmp_path, Tardy({"a": 3, "b": 4}, away={"a": 1}), rounds=3)
    card = live.stores.registry.card(train(live))
    (late,) = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "late"]
    assert (late["site"], late["round"]) == ("a", 1)
    assert late["text"].startswith("a: its update of round 1 came 0 s after the question and was")
    assert [(s.site, s.rounds, s.missed) for s in card.contributions] == [("a", 2, 1), ("b", 3, 0)]


def test_the_words_say_when_it_came_and_what_would_give_it_time() -> None:
    assert words(PLAN, 4, 4210.4) == (
        "its update of round 4 came 4210 s after the question and was refused: the round was over "
        "(deadline 3600 s). A plan with rounds.deadline = 5100 gives it time, or one with "
        'rounds.strategy = "fednova" and training.budget = 1800'
    )


def test_a_budget_that_was_too_long_is_halved() -> None:
    training_ = TrainingPlan(budget=3000)
    plan = replace(PLAN, training=training_, rounds=RoundsPlan(strategy="fednova"))
    assert words(plan, 1, 3700.0).endswith("training.budget = 1500")
    assert "rounds.deadline = 4440 " in words(plan, 1, 3700.0)
