"""The coordinator keeps the summaries it is given, says who gave none, and checks each word."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hepafed.common.contract.figures import Spacing
from hepafed.common.contract.messages import CohortRequest, CohortSummary
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import PayloadError, RefusedError, RunError
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sites import Sites
from hepafed.server.runs.stores import Stores
from hepafed.server.validation.cohort_survey import check, read_survey, survey

SUMMARY = CohortSummary(
    run="", minimum_count=5, patients=40, lesions=52,
    by_class={"benign": 20, "primary_malignant": 12, "metastatic": 8},
    by_split={"train": 28, "tune": None, "test": None}, by_protocol={"t2": 40, "t2-dwi": 33},
    by_field_strength={"1.5 T": None, "3 T": None},
    spacing=(Spacing(sequence="t2", between_slices=(5.0, 5.0, 6.0), in_plane=(1.0, 1.1, 1.2)),),
)  # fmt: skip


class Answers:
    """Answers in place of the network: a summary, or the reason of a refusal, by site."""

    def __init__(self, answers: Mapping[str, CohortSummary | str]) -> None:
        self.answers = answers

    def online(self) -> list[str]:
        return sorted(self.answers)

    def ask(
        self,
        sites: Iterable[str],
        question: CohortRequest,
        _type: type,
        _deadline: float,
        on_reply: Callable[[str, CohortSummary], None],
    ) -> dict[str, str]:
        failed = {}
        for site in sites:
            answer = self.answers[site]
            if isinstance(answer, str):
                failed[site] = answer
                continue
            try:
                on_reply(site, replace(answer, run=question.run))
            except PayloadError as e:
                failed[site] = e.message
        return failed


def ask(home: Path, answers: Mapping[str, CohortSummary | str], *sites: str) -> LiveRun:
    stores = Stores(home)
    run = stores.runs.create("cohort", Plan(name="cohort", protocol="t2"), sites=sites)
    live = LiveRun(run, stores, cast("Sites", Answers(answers)))
    assert survey(live)
    return live


def test_summaries_and_refusals_are_kept_by_site(tmp_path: Path) -> None:
    live = ask(tmp_path, {"a": SUMMARY, "b": "refused: policy"}, "a", "b", "c")
    found = read_survey(live.folder)
    assert found["sites"]["a"]["by_class"]["benign"] == 20
    assert found["missing"] == {"b": "refused: policy", "c": "offline"}


def test_no_answer_at_all_is_a_failed_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no site"):
        ask(tmp_path, {"a": "refused: policy"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"by_class": {"\x1b[31mred": 3}},
        {"by_split": {"train": 41}},
        {"by_protocol": {"t2": -1}},
        {"spacing": (Spacing(sequence="x", between_slices=(1.0,) * 3, in_plane=(1.0,) * 3),)},
    ],
)
def test_a_summary_with_other_words_or_impossible_counts_is_no_summary(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(PayloadError):
        check(replace(SUMMARY, **wrong))  # type: ignore[arg-type]


def test_a_run_without_a_survey_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="has no cohort summaries"):
        read_survey(tmp_path)
