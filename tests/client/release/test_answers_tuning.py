"""What a site says of its tuning split: under masks the numbers of cases, and counts for a sum."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.figures import Figure, PlacementCurve, TuningFigures
from hepafed.common.contract.messages import (
    KeysRequest,
    OpenRequest,
    PlacementsRequest,
    SumsRequest,
    Terms,
)
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.disclosure.masking import counts_from_bytes
from hepafed.common.disclosure.summaries import tuning_figures
from hepafed.common.errors import ConfigError, PayloadError, RefusedError
from hepafed.common.json_file import CHECKSUM, sealed
from hepafed.common.statistics.placement_sums import FIGURES
from hepafed.common.statistics.scores import ScoreTable, rows_of

from .releasing import Site, exchange, table_of, terms_of

RUN = "train-1"
PLAN = Plan(name="demo", protocol="t2")
FIRST, SECOND = "a" * 64, "b" * 64


def tuned(site: Site, weights: str = FIRST, run: str = RUN) -> TuningFigures:
    return site.releases.tuning(weights, run, PLAN, site.table)


def terms(*names: str, number: int = 1, **changes: Any) -> Terms:  # noqa: ANN401
    values = {"subject": "tuning", "split": "tune", "run": RUN, "weights": FIRST, **changes}
    return terms_of(*names, number=number, **values)


def opened(sites: list[Site], of: Terms) -> np.ndarray:
    for site in sites:
        tuned(site, of.weights, of.run)
    return exchange(sites, of)


@pytest.fixture
def pair(tmp_path: Path) -> list[Site]:
    return [Site(tmp_path, "a"), Site(tmp_path, "b")]


def test_beside_a_masked_sum_the_numbers_of_cases_leave_and_nothing_else(pair: list[Site]) -> None:
    site = pair[0]
    said = tuned(site)
    (task,) = said.tasks
    malignant = int((site.table.truth > 0).sum())  # one lesion a patient
    assert (task.positives, task.negatives) == (malignant, 15 - malignant)
    assert (said.lesions, said.macro_auc, said.form, said.group) == (15, None, "masked", ())
    assert (task.true_positives, task.true_negatives, task.cells) == (None, None, None)
    assert task.figures == {}
    assert task.auc == Figure(reason=task.auc.reason)
    assert "only the total over all sites" in task.auc.reason
    assert site.sent == []


def test_the_opened_sum_is_that_of_the_tables_and_no_band_leaves(pair: list[Site]) -> None:
    total = opened(pair, terms("a", "b"))
    assert (total == pair[0].counts() + pair[1].counts()).all()
    for site in pair:
        kinds = [e["kind"] for e in site.ledger.entries() if e["run"] == RUN]
        assert kinds == ["masked-tuning"]
        reply = site.releases.open(OpenRequest(run=RUN, exchange=terms("a", "b").exchange))
        assert reply.bands == ()


def test_a_run_has_one_sum_of_each_weights(pair: list[Site]) -> None:
    opened(pair, terms("a", "b"))
    tuned(pair[0])
    with pytest.raises(RefusedError, match="a masked sum of this run was opened already"):
        pair[0].key(terms("a", "b", number=2, attempt=2))
    opened(pair, terms("a", "b", number=3, weights=SECOND))
    opened(pair, terms("a", "b", number=4, run="train-2"))


def test_attempts_count_up_for_each_weights(pair: list[Site]) -> None:
    for site in pair:
        tuned(site)
        site.key(terms("a", "b", attempt=2))
        with pytest.raises(RefusedError, match="attempt 2 of this run was used before"):
            site.key(terms("a", "b", number=2, attempt=2))
        tuned(site, SECOND)
        site.key(terms("a", "b", number=3, attempt=1, weights=SECOND))


def test_the_sums_of_a_tuning_split_stay_with_one_group_which_the_site_names(
    tmp_path: Path, pair: list[Site]
) -> None:
    opened(pair, terms("a", "b"))
    other = Site(tmp_path, "c")
    for site in (*pair, other):
        assert tuned(site, SECOND).group == (("a", "b") if site in pair else ())
    with pytest.raises(RefusedError, match="only in masked sums of a, b"):
        pair[0].key(terms("a", "b", "c", number=2, weights=SECOND))
    with pytest.raises(RefusedError, match="only in masked sums of a, b"):
        pair[0].key(terms("a", "c", number=3, weights=SECOND))
    pair[0].restart()
    assert tuned(pair[0], SECOND).group == ("a", "b")


def test_validations_and_trainings_have_groups_of_their_own(
    tmp_path: Path, pair: list[Site]
) -> None:
    opened(pair, terms("a", "b"))
    third = Site(tmp_path, "c")
    for site in (pair[0], third):
        site.score()
    exchange([pair[0], third], terms_of("a", "c", number=7))


def test_the_counts_of_one_split_answer_for_no_other(pair: list[Site]) -> None:
    site = pair[0]
    tuned(site)
    for wrong in (
        terms_of("a", "b", run=RUN, weights=FIRST),
        terms_of("a", "b", run=RUN, weights=FIRST, split="test"),
        terms("a", "b", weights=SECOND),
        terms("a", "b", run="train-2"),
    ):
        with pytest.raises(RefusedError, match="no scores of that run"):
            site.key(wrong)
    for wrong in (terms("a", "b", subject="counts"), terms("a", "b", split="external")):
        with pytest.raises(PayloadError, match="the tuning counts, and no others"):
            site.key(wrong)
    site.score()
    with pytest.raises(RefusedError, match="no scores of that run"):
        site.key(terms("a", "b", run="validate-1"))


def test_curves_get_no_placement_sums_out_of_a_tuning_split(pair: list[Site]) -> None:
    site = pair[0]
    tuned(site)
    curve = PlacementCurve(
        edges=(0, 1 << 15, 1 << 16), of_positives=(0.2, 0.8), of_negatives=(0.9, 0.3), auc=0.7
    )
    request = PlacementsRequest(run=RUN, curves=(curve,) * len(FIGURES))
    assert site.releases.placements(request).products == ()
    with pytest.raises(PayloadError, match="the tuning counts, and no others"):
        site.key(terms("a", "b", subject="clusters", length=40))


def test_one_set_of_scores_leaves_in_one_form(tmp_path: Path, pair: list[Site]) -> None:
    """The policy is changed between two answers about the same weights."""
    opened(pair, terms("a", "b"))
    first = pair[0]
    first.policy = {"release": "cells"}
    first.restart()
    said = tuned(first)
    assert (said.form, said.lesions, said.tasks) == ("cells", 0, ())
    assert "were released masked before, not cells" in said.reason
    assert tuned(first, SECOND) == tuning_figures(first.table, 5)
    first.policy = {}
    first.restart()
    tuned(first, SECOND)
    with pytest.raises(RefusedError, match="were released cells before, not masked"):
        first.key(terms("a", "b", number=2, weights=SECOND))


@pytest.mark.parametrize("release", ["cells", "plain"])
def test_another_policy_releases_figures_and_cells_of_its_minimum(
    tmp_path: Path, release: str
) -> None:
    site = Site(tmp_path, "a", release=release, minimum_count=4)
    assert tuned(site) == tuning_figures(site.table, 4)
    with pytest.raises(RefusedError, match="no scores of that run"):
        site.key(terms("a", "b"))


def test_without_a_lesion_a_site_says_so(pair: list[Site]) -> None:
    tuned(pair[0])
    said = pair[0].releases.tuning(SECOND, RUN, PLAN, None)
    assert (said.lesions, said.macro_auc, said.tasks, said.form) == (0, None, (), "masked")
    assert said.reason == "no lesion of the tuning split has the sequences of the plan"
    with pytest.raises(RefusedError, match="no scores of that run"):
        pair[0].key(terms("a", "b"))


def without(table: ScoreTable, *patients: str) -> ScoreTable:
    return rows_of(table, ~np.isin(table.patient, patients))


@pytest.mark.parametrize("release", ["masked", "cells"])
def test_two_tuning_answers_differ_in_no_few_patients(tmp_path: Path, release: str) -> None:
    """One patient withdrew, or came: with the next four of the site's own choice, or none."""
    site = Site(tmp_path, "a", release=release)
    whole = site.table
    assert tuned(site).lesions == 15
    site.table = without(whole, "p3")
    site.restart()
    assert tuned(site, SECOND).lesions == 10
    site.table = replace(table_of("a", 4, 19), site=np.full(19, "a"))
    assert tuned(site, "c" * 64).lesions == 15
    site.table = without(whole, *(f"p{n}" for n in range(12)))
    said = tuned(site, "d" * 64)
    assert (said.lesions, said.form) == (0, release)
    assert "the difference would reveal those patients" in said.reason


def test_an_older_memory_of_the_lesions_stops_all_answers(tmp_path: Path) -> None:
    site = Site(tmp_path, "a")
    tuned(site)
    path = site.home / "questions.json"
    held = json.loads(path.read_text())
    assert len(held["tuned"]) == 1
    assert not any("p3" in lesion for lesion in held["tuned"][0])
    path.write_text(sealed({k: v for k, v in held.items() if k != CHECKSUM} | {"tuned": []}))
    with pytest.raises(ConfigError, match="not the file that this site wrote last"):
        tuned(site)


def test_the_memory_grows_with_the_sets_and_not_with_the_rounds(tmp_path: Path) -> None:
    site = Site(tmp_path, "a")
    for n in range(5):
        tuned(site, f"{n:064x}")
    assert len(json.loads((site.home / "questions.json").read_text())["tuned"]) == 1
    assert [e["kind"] for e in site.ledger.entries()].count("questions") == 1


def test_a_vector_serves_one_exchange(pair: list[Site]) -> None:
    """A replay of the keys, or of the opening, gives nothing new."""
    of = terms("a", "b")
    for site in pair:
        tuned(site)
    offers = [s.key(of) for s in pair]
    first = pair[0].mask(of, offers)
    request = SumsRequest(run=RUN, exchange=of.exchange, offers=tuple(offers))
    pair[0].releases.sums(request)  # word for word: the answer was lost on its way
    assert (counts_from_bytes(pair[0].sent[-1], of.length) == first).all()
    other = replace(request, offers=(offers[0], replace(offers[1], totals=(9, 9))))
    with pytest.raises(RefusedError, match="replay"):
        pair[0].releases.sums(other)
    with pytest.raises(RefusedError, match="replay"):
        pair[0].releases.keys(KeysRequest(run=RUN, terms=of))
    assert (counts_from_bytes(pair[0].sent[-1], of.length) == first).all()


def test_sites_that_score_by_different_plans_mask_nothing(pair: list[Site]) -> None:
    other = replace(PLAN, model=ModelPlan(size=75))
    pair[0].releases.tuning(FIRST, RUN, PLAN, pair[0].table)
    pair[1].releases.tuning(FIRST, RUN, other, pair[1].table)
    of = terms("a", "b")
    offers = [s.key(of) for s in pair]
    for site in pair:
        with pytest.raises(RefusedError, match="asked different questions"):
            site.mask(of, offers)
        assert site.sent == []
