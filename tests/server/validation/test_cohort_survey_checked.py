"""A summary of a cohort has our words and counts from 0 to its patients; who is asked is said."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hepafed.common.contract.figures import Spacing
from hepafed.common.contract.messages import CohortRequest, CohortSummary
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.errors import PayloadError, RunError
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sites import Sites
from hepafed.server.runs.stores import Stores
from hepafed.server.validation.cohort_survey import check, read_survey, survey

T2 = Spacing(sequence="t2", between_slices=(5.0, 5.0, 6.0), in_plane=(1.0, 1.1, 1.2))
SUMMARY = CohortSummary(
    run="", minimum_count=5, patients=40, lesions=52,
    by_class={"benign": 20, "primary_malignant": 12, "metastatic": 8},
    by_split={"train": 28, "tune": None, "test": None}, by_protocol={"t2": 40, "t2-dwi": 33},
    by_field_strength={"1.5 T": None, "3 T": None}, spacing=(T2,),
)  # fmt: skip


class Online:
    """Sites that are online; each answers with the summary, or is silent."""

    def __init__(self, *names: str, silent: str = "") -> None:
        self._names, self._silent = names, silent
        self.asked: list[tuple[list[str], CohortRequest, type, float]] = []
        self.then: Callable[[], None] = lambda: None

    def online(self) -> list[str]:
        return list(self._names)

    def ask(
        self,
        sites: Iterable[str],
        question: CohortRequest,
        kind: type,
        deadline: float,
        on_reply: Callable[[str, CohortSummary], None],
    ) -> dict[str, str]:
        asked = list(sites)
        self.asked.append((asked, question, kind, deadline))
        for site in asked:
            if site != self._silent:
                on_reply(site, replace(SUMMARY, run=question.run, patients=40 + len(site)))
        self.then()
        return {self._silent: "silent"} if self._silent in asked else {}


def begun(home: Path, sites: Online, *wanted: str) -> LiveRun:
    stores = Stores(home)
    plan = Plan(name="cohort", protocol="t2", rounds=RoundsPlan(deadline=77))
    run = stores.runs.create("cohort", plan, sites=wanted)
    return LiveRun(run, stores, cast("Sites", sites))


def events(live: LiveRun, kind: str) -> list[dict[str, Any]]:
    return [e for e in live.stores.runs.events(live.run.id) if e["event"] == kind]


def test_only_sites_that_are_wanted_and_online_are_asked(tmp_path: Path) -> None:
    sites = Online("a", "bb", "d")
    live = begun(tmp_path, sites, "c", "bb", "a")
    assert survey(live) == "-"
    ((asked, question, kind, deadline),) = sites.asked
    assert (asked, question.run) == (["a", "bb"], live.run.id)
    assert (kind, deadline) == (CohortSummary, 77)
    assert [e["sites"] for e in events(live, "asked")] == [["a", "bb"]]
    assert read_survey(live.folder)["missing"] == {"c": "offline"}


def test_without_names_every_site_that_is_online_is_asked(tmp_path: Path) -> None:
    sites = Online("d", "a")
    live = begun(tmp_path, sites)
    survey(live)
    assert sites.asked[0][0] == ["d", "a"]
    assert read_survey(live.folder)["missing"] == {}


def test_answers_are_kept_in_the_order_of_names_without_the_runs_id(tmp_path: Path) -> None:
    live = begun(tmp_path, Online("d", "bb", "a", silent="a"), "d", "bb", "a", "c")
    survey(live)
    found = read_survey(live.folder)
    assert list(found["sites"]) == ["bb", "d"]
    assert list(found["missing"].items()) == [("a", "silent"), ("c", "offline")]
    assert "run" not in found["sites"]["d"]
    assert found["sites"]["bb"]["patients"] == 42


def test_each_answer_and_each_missing_site_is_an_event(tmp_path: Path) -> None:
    live = begun(tmp_path, Online("d", "a", silent="a"), "d", "a", "c")
    survey(live)
    assert [(e["site"], e["patients"], e["lesions"]) for e in events(live, "reply")] == [
        ("d", 41, 52)
    ]
    assert [(e["site"], e["reason"]) for e in events(live, "missing")] == [
        ("a", "silent"),
        ("c", "offline"),
    ]


def test_a_survey_that_was_stopped_gives_nothing_and_writes_nothing(tmp_path: Path) -> None:
    sites = Online("a")
    live = begun(tmp_path, sites)
    sites.then = lambda: live.stores.runs.ask_to_stop(live.run.id)
    assert survey(live) == ""
    assert not (live.folder / "cohort.json").exists()


def test_no_answer_says_what_the_sites_policy_must_allow(tmp_path: Path) -> None:
    with pytest.raises(RunError) as e:
        survey(begun(tmp_path, Online("a", silent="a")))
    assert "share_cohort_summary" in e.value.hint


@pytest.mark.parametrize("table", ["by_class", "by_split", "by_protocol", "by_field_strength"])
def test_each_table_has_known_words_and_counts_from_0_to_the_patients(table: str) -> None:
    word = next(iter(getattr(SUMMARY, table)))
    for good in (0, 40, None):
        check(replace(SUMMARY, **{table: {word: good}}))
    for wrong in (-1, 41):
        with pytest.raises(PayloadError, match=f"impossible counts in {table}"):
            check(replace(SUMMARY, **{table: {word: wrong}}))
    with pytest.raises(PayloadError, match=f"unknown words in {table}"):
        check(replace(SUMMARY, **{table: {word: 3, "other word": 3}}))
    check(replace(SUMMARY, **{table: {}}))


@pytest.mark.parametrize(
    "wrong",
    [{"sequence": "x"}, {"between_slices": (1.0, 2.0)}, {"in_plane": (1.0,) * 4},
     {"between_slices": (1.0,) * 4}, {"in_plane": ()}],
    ids=str,
)  # fmt: skip
def test_spacing_is_of_a_known_sequence_in_three_quantiles(wrong: dict[str, Any]) -> None:
    for spacing in ((replace(T2, **wrong),), (T2, replace(T2, **wrong))):
        with pytest.raises(PayloadError, match="a cohort summary with an unknown sequence"):
            check(replace(SUMMARY, spacing=spacing))
    check(replace(SUMMARY, spacing=()))
