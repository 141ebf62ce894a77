"""Sites with much of the data that give nothing round after round are named, and can end a run."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.plan import RoundsPlan
from hepafed.common.errors import RunError
from hepafed.common.files import write_whole
from hepafed.common.json_file import sealed
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.training import checkpoints
from hepafed.server.training.pace.absence import OFFLINE, Absence, absence, words
from hepafed.server.training.participation import Participation
from hepafed.server.training.rounds import train

from tests.server.training.answering import Answering, training

RULE = RoundsPlan(missing_rounds=3, missing_share=0.3)
SILENT = "no answer before the deadline"


def history(rounds: int, given: dict[str, int], reasons: dict[str, str]) -> Participation:
    """Make rounds that went alike, after one to which every site of `given` gave its examples."""
    made = Participation()
    made.note(1, given, {s: r for s, r in reasons.items() if s not in given})
    for number in range(2, rounds + 2):
        made.note(number, {s: n for s, n in given.items() if s not in reasons}, reasons)
    return made


@pytest.mark.parametrize(("rounds", "named"), [(2, False), (3, True), (4, True)])
def test_a_large_site_is_named_once_it_missed_as_many_rounds_as_the_plan_says(
    rounds: int, named: bool
) -> None:
    taken = history(rounds, {"a": 60, "b": 40}, {"a": SILENT})
    found = absence(taken, rounds + 1, ["a", "b"], RULE, {})
    assert (found is not None) == named
    if found:
        assert found == Absence({"a": rounds}, 0.6, "examples", (), {"a": SILENT})


@pytest.mark.parametrize(("examples", "named"), [(29, False), (30, False), (31, True)])
def test_a_site_with_the_share_of_the_plan_is_not_named_and_one_with_more_is(
    examples: int, named: bool
) -> None:
    taken = history(3, {"a": examples, "b": 100 - examples}, {"a": SILENT})
    assert (absence(taken, 4, ["a", "b"], RULE, {}) is not None) == named


def test_small_sites_that_are_missing_together_are_much_together() -> None:
    taken = history(3, {"a": 20, "b": 60, "c": 20}, {"a": SILENT, "c": OFFLINE})
    found = absence(taken, 4, ["a", "b", "c"], RULE, {})
    assert found is not None
    assert (found.sites, found.share) == ({"a": 3, "c": 3}, pytest.approx(0.4))


def test_a_site_that_left_is_neither_missing_nor_counted() -> None:
    taken = history(3, {"a": 60, "b": 30, "c": 10}, {"a": SILENT, "c": SILENT})
    assert absence(taken, 4, ["b", "c"], RULE, {}) is None
    found = absence(taken, 4, ["a", "b"], RULE, {})
    assert found is not None
    assert found.share == pytest.approx(60 / 90)


def test_a_site_that_never_answered_is_unknown_and_not_nothing() -> None:
    taken = history(3, {"b": 30}, {"a": SILENT})
    found = absence(taken, 3, ["a", "b"], RULE, {})
    assert found is not None
    assert (found.sites, found.share, found.unknown) == ({"a": 3}, None, ("a",))


@pytest.mark.parametrize(("patients", "share"), [(10, None), (90, 0.9)])
def test_of_a_site_that_never_answered_the_survey_says_how_much_it_has(
    patients: int, share: float | None
) -> None:
    taken = history(3, {"b": 3000}, {"a": SILENT})
    surveyed = {"a": patients, "b": 100 - patients, "gone": 10**6}
    found = absence(taken, 4, ["a", "b"], RULE, surveyed)
    assert (found.share if found else None) == share
    assert found is None or (found.unit, found.unknown) == ("patients", ())


def test_a_survey_that_tells_of_no_more_sites_is_not_used() -> None:
    taken = history(3, {"a": 60, "b": 40}, {"a": SILENT})
    found = absence(taken, 4, ["a", "b"], RULE, {"a": 1, "b": 99})
    assert found is not None
    assert (found.unit, found.share) == ("examples", 0.6)


def test_the_words_name_site_share_reason_and_one_remedy_for_each_cause() -> None:
    rounds = RoundsPlan(deadline=3600)
    found = Absence({"a": 3}, 0.561, "examples", (), {"a": SILENT})
    assert words(found, rounds) == (
        "a: no update in the last 3 rounds (no answer before the deadline). a has 56 % of the "
        "known training examples. A site that is too slow needs a plan with rounds.deadline above "
        '3600, or with rounds.strategy = "fednova" and training.budget = 1800.'
    )
    found = Absence(
        {"a": 1, "b": 2}, None, "examples", ("a", "b"), {"a": OFFLINE, "b": "refused: x"}
    )
    assert words(found, rounds) == (
        f"a: no update in the last 1 round ({OFFLINE}). b: no update in the last 2 rounds "
        "(refused: x). How much training data is at a, b is not known (server cohort asks). At a "
        "site that is offline, client check says why."
    )
    found = Absence({"a": 3, "b": 3, "c": 3}, 0.4, "patients", ("b",), dict.fromkeys("abc", "x"))
    assert "a and c have 40 % of the known training patients." in words(found, rounds)


class Slow(Answering):
    """Site a gives its update in the first round alone; site z is never online."""

    def members(self) -> list[str]:
        return [*super().members(), *(["z"] if "z" in self.away else [])]

    def online(self) -> list[str]:
        return [s for s in self.members() if s != "z"]

    def ask(self, sites: Any, request: Any, *more: Any) -> dict[str, str]:  # noqa: ANN401
        self.away = {**self.away, "a": request.round if request.round > 1 else 0}
        return super().ask(sites, request, *more)


def slow(home: Path, rounds: int = 5, away: tuple[str, ...] = (), **rule: Any) -> LiveRun:  # noqa: ANN401
    make_authority(home / "keys", datetime.now(UTC))
    sites = Slow({"a": 560, "b": 440}, away=dict.fromkeys(away, 0))
    live = training(home, sites, rounds=rounds)
    how = replace(live.run.plan.rounds, missing_rounds=2, **rule)
    return replace(live, run=replace(live.run, plan=replace(live.run.plan, rounds=how)))


def said(live: LiveRun) -> list[tuple[int, dict[str, int]]]:
    events = live.stores.runs.events(live.run.id)
    return [(e["round"], e["sites"]) for e in events if e["event"] == "absence"]


def test_a_run_warns_and_goes_on_by_default(tmp_path: Path) -> None:
    """Site a misses rounds 2 to 6; every second one is said."""
    live = slow(tmp_path, rounds=6)
    assert train(live)
    assert said(live) == [(3, {"a": 2}), (5, {"a": 4})]


def test_a_run_stops_where_the_plan_says_so_and_loses_no_round(tmp_path: Path) -> None:
    live = slow(tmp_path, missing="stop")
    with pytest.raises(
        RunError, match=r"stopped after round 3, as the plan says .* a has 56 %"
    ) as e:
        train(live)
    assert f"server resume {live.run.id}" in e.value.hint
    state = checkpoints.load(live.folder)
    assert state is not None
    assert state.round == 3
    with pytest.raises(RunError, match="stopped after round 4"):
        train(live)
    assert said(live) == [(3, {"a": 2}), (4, {"a": 3})]


def test_a_site_of_the_run_that_is_offline_is_missing_like_one_that_was_asked(
    tmp_path: Path,
) -> None:
    live = slow(tmp_path, rounds=2, away=("z",))
    card = live.stores.registry.card(train(live))
    assert said(live) == [(2, {"z": 2})]
    (z,) = (s for s in card.contributions if s.site == "z")
    assert (z.rounds, z.missed, z.reason, z.share) == (0, 2, OFFLINE, 0.0)


def test_what_a_survey_said_is_taken_from_its_file(tmp_path: Path) -> None:
    live = slow(tmp_path, rounds=2, away=("z",))
    run = live.stores.runs.create("cohort", live.run.plan)
    sites = {s: {"by_split": {"train": n}} for s, n in (("a", 50), ("b", 45), ("z", 5))}
    write_whole(live.stores.runs.folder(run.id) / "cohort.json", sealed({"sites": sites}))
    train(live)
    assert said(live) == []
