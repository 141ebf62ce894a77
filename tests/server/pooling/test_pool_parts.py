"""Each part of a report is of its own scope, and says of whom and in which form it was released."""

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract import Figure, PairSummary, SubgroupSummary
from hepafed.common.contract.messages import SiteComparison, SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.statistics import Products, add, add_products, products_of
from hepafed.common.statistics.placement_sums import curves_of
from hepafed.common.statistics.scores import ScoreTable, task_scores
from hepafed.common.statistics.sums import additive_of
from hepafed.server.formats import (
    BriefAuc,
    ModelPart,
    OperatingPoint,
    Provenance,
    Report,
    ResultRow,
)
from hepafed.server.pooling import Compared, Group, Questions, evidence, pool
from hepafed.server.pooling.multiclass import no_mean
from sklearn.metrics import roc_auc_score

from tests.server.federation import joined

MODEL = ModelPart(
    id="m",
    protocol="t2",
    sha256="",
    operating_point=OperatingPoint(threshold=0.4, rule="", chosen_on=""),
)
PATIENT = ("patient", "malignant_vs_benign")
TASKS = ("benign_vs_rest", "primary_malignant_vs_rest", "metastatic_vs_rest")


@cache
def table(site: str, lesions: int = 40) -> ScoreTable:
    """Two lesions a patient; sites differ in everything but the length of their names."""
    rng = np.random.default_rng(sum(site.encode()) + lesions)
    truth = rng.choice(3, lesions, p=[0.5, 0.2, 0.3])
    raw = rng.normal(size=(lesions, 3)) + 0.8 * np.eye(3)[truth]
    return ScoreTable(
        site=np.full(lesions, site),
        patient=np.array([f"p{i // 2}" for i in range(lesions)]),
        lesion=np.array([f"l{i}" for i in range(lesions)]),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


@cache
def released(site: str, lesions: int = 40, minimum: int = 1) -> SiteSummary:
    its = table(site, lesions)
    return summarise(its, run="r", model="m", weights="", threshold=0.4, minimum_count=minimum)


def report(summaries: dict[str, SiteSummary], **more: Any) -> Report:  # noqa: ANN401
    return pool(summaries, MODEL, Provenance(run="r"), **more)


THREE = {"c": released("c", 60), "a": released("a", 44), "b": released("b", 52)}


def plain(site: str, lesions: int) -> Group:
    return Group((site,), additive_of(table(site, lesions), 0.4), "plain")


def masked(*sites: tuple[str, int]) -> Group:
    sums = add([additive_of(table(*s), 0.4) for s in sites])
    return Group(tuple(s for s, _ in sites), sums)


def aucs_without(made: Report, at: int = 0) -> dict[str, BriefAuc | None]:
    return {r.without: r.pooled for r in made.heterogeneity[at].leave_one_out}


def auc_of(*tables: ScoreTable) -> float:
    scores = [task_scores(t, *PATIENT) for t in tables]
    truth = np.concatenate([s.truth for s in scores])
    return float(roc_auc_score(truth, np.concatenate([s.logits for s in scores])))


@pytest.mark.parametrize(
    ("sites", "given"), [(1, False), (2, True), (20, True), (21, False)], ids=str
)
def test_up_to_20_sites_the_pooled_auc_is_given_without_each(sites: int, given: bool) -> None:
    names = [f"s{i:02}" for i in range(sites)]
    found = aucs_without(report({s: released(s) for s in names}))
    assert [s for s, auc in found.items() if auc is not None] == (names if given else [])


def test_the_pooled_auc_without_a_site_is_of_the_cases_of_all_others() -> None:
    for groups in ([], [plain("a", 44)], [plain("a", 44), plain("c", 60)]):
        found = aucs_without(report(THREE, groups=groups))
        sizes = {"c": 60, "a": 44, "b": 52}
        for site, made in found.items():
            rest = auc_of(*(table(s, n) for s, n in sizes.items() if s != site))
            assert made is not None
            assert made.value == pytest.approx(rest, abs=2e-3)
            assert made.low is not None
            assert made.low < rest


def test_only_patients_are_pooled_without_each_site() -> None:
    made = report(THREE)
    assert [h.unit for h in made.heterogeneity] == ["patient", "lesion", "lesion", "lesion"]
    assert [h.task for h in made.heterogeneity] == [PATIENT[1], *TASKS]
    for at in (1, 2, 3):
        assert [*aucs_without(made, at).values()] == [None] * 3


def test_a_site_in_a_masked_sum_of_several_cannot_be_left_out_of_it() -> None:
    found = aucs_without(report(THREE, groups=[masked(("a", 44), ("c", 60))]))
    for site in "ac":
        made = found[site]
        assert made is not None
        assert (made.value, made.reason) == (None, "the site is part of a masked sum")
    made = found["b"]
    assert made is not None
    assert made.value == pytest.approx(auc_of(table("a", 44), table("c", 60)), abs=2e-3)


def test_cells_that_another_site_withholds_leave_no_auc_without_a_site() -> None:
    its = THREE["a"]
    gone = dataclasses.replace(its.tasks[0], cells=None)
    withheld = dataclasses.replace(its, tasks=(gone, *its.tasks[1:]))
    found = aucs_without(report({**THREE, "a": withheld}))
    assert {s: made.reason for s, made in found.items() if made is not None} == {
        "a": "",
        "b": "suppressed by a site",
        "c": "suppressed by a site",
    }


def rows(made: Report, scope: str, task: str) -> list[ResultRow]:
    return [r for r in made.results if (r.scope, r.task) == (scope, task)]


def test_results_are_by_task_pooled_then_by_site_then_their_mean_and_macro_last() -> None:
    made = report(THREE)
    each = [("pooled", None), ("site", "c"), ("site", "a"), ("site", "b"), ("site-mean", None)]
    wanted = [(t, *e) for t in (PATIENT[1], *TASKS, "macro") for e in each]
    assert [(r.task, r.scope, r.site) for r in made.results] == wanted


def test_a_row_counts_the_cases_of_its_scope() -> None:
    made = report(THREE)
    for i, task in enumerate((PATIENT[1], *TASKS)):
        counts = {s: (v.tasks[i].positives, v.tasks[i].negatives) for s, v in THREE.items()}
        for row in rows(made, "site", task):
            assert row.site is not None
            assert (row.positives, row.n) == (counts[row.site][0], sum(counts[row.site]))
        (whole,) = rows(made, "pooled", task)
        assert whole.positives == sum(p for p, _ in counts.values())
        assert whole.n == sum(p + n for p, n in counts.values())


def test_the_macro_rows_hold_the_sites_own_means_and_their_plain_mean() -> None:
    made = report(THREE)
    (whole,) = rows(made, "pooled", "macro")
    assert whole.n == 156
    own = {r.site: r for r in rows(made, "site", "macro")}
    assert {s: r.n for s, r in own.items()} == {"c": 60, "a": 44, "b": 52}
    for site, row in own.items():
        assert site is not None
        figure = THREE[site].figures["macro"]
        assert (row.auc.value, row.auc.low, row.auc.se) == (figure.value, figure.low, figure.se)
        assert row.auc.method == "macro, clustered by patient"
    (mean,) = rows(made, "site-mean", "macro")
    values = [r.auc.value or 0.0 for r in own.values()]
    assert mean.auc.value == pytest.approx(sum(values) / 3)
    assert mean.auc.reason == "mean of the 3 sites with every class: no interval is computed"
    assert (mean.n, mean.auc.method) == (156, "mean of sites")


def test_a_site_without_a_mean_is_not_in_the_mean_of_sites() -> None:
    alone = dataclasses.replace(THREE["a"], figures={})
    made = report({**THREE, "a": alone})
    (mean,) = rows(made, "site-mean", "macro")
    values = [THREE[s].figures["macro"].value or 0.0 for s in "bc"]
    assert mean.auc.value == pytest.approx(sum(values) / 2)
    own = {r.site: r.auc for r in rows(made, "site", "macro")}
    assert (own["a"].value, own["a"].reason) == (None, "suppressed by a site")
    (mean,) = rows(report({"a": alone}), "site-mean", "macro")
    assert (mean.auc.value, mean.auc.reason) == (None, "suppressed by a site")


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (["a class is missing"] * 2, "no site has every class"),
        (["not released"] * 2, "not released"),
        (["a class is missing", "not released"], "a class is missing; not released"),
    ],
)
def test_a_mean_of_sites_that_is_not_there_has_the_sites_reasons(
    reasons: list[str], said: str
) -> None:
    assert no_mean(reasons) == said


def placed(*sites: tuple[str, int]) -> Products:
    curves = curves_of(add([additive_of(table(*s), 0.4) for s in sites]), 1)
    return add_products([products_of([table(*s)], [curves]) for s in sites])


def test_lesions_have_a_clustered_interval_after_step_two_and_patients_none() -> None:
    made = report(THREE, products=placed(("c", 60), ("a", 44), ("b", 52)))
    whole = joined([table("c", 60), table("a", 44), table("b", 52)])
    exact = summarise(whole, run="r", model="m", weights="", threshold=0.4, minimum_count=1)
    for task, own in zip(TASKS, exact.tasks[1:], strict=True):
        (row,) = rows(made, "pooled", task)
        clustered = row.auc.clustered
        assert clustered is not None
        assert clustered.se == pytest.approx(own.figures["clustered"].se, rel=0.01)
        assert clustered.low == pytest.approx(own.figures["clustered"].low, abs=2e-3)
        assert clustered.high == pytest.approx(own.figures["clustered"].high, abs=2e-3)
        assert clustered.reason == ""
        assert clustered.logit is not None
        assert clustered.logit.low == pytest.approx(own.figures["clustered_logit"].low, abs=2e-3)
    (row,) = rows(made, "pooled", PATIENT[1])
    assert row.auc.clustered is None
    (row,) = rows(made, "pooled", "macro")
    assert row.auc.se == pytest.approx(exact.figures["macro"].se, rel=0.01)


def test_the_whole_cohorts_exact_summary_goes_before_sums_of_bins() -> None:
    exact = released("whole", 156)
    made = report(THREE, exact=exact, products=placed(("c", 60), ("a", 44), ("b", 52)))
    for task, own in zip((PATIENT[1], *TASKS), exact.tasks, strict=True):
        (row,) = rows(made, "pooled", task)
        assert row.auc.value == own.auc.value
        assert row.auc.binning_error == 0.0
        clustered = own.figures.get("clustered")
        assert (row.auc.clustered is None) == (clustered is None)
        if clustered is not None and row.auc.clustered is not None:
            assert row.auc.clustered.se == clustered.se
    (row,) = rows(made, "pooled", "macro")
    assert row.auc.value == exact.figures["macro"].value
    (first, *_) = [c for c in made.calibration if c.scope == "pooled"]
    assert first.slope.value == exact.tasks[0].figures["slope"].value


def test_calibration_is_by_task_of_all_and_of_each_site() -> None:
    made = report(THREE)
    wanted = [(t, s) for t in (PATIENT[1], *TASKS) for s in (None, "c", "a", "b")]
    assert [(c.task, c.site) for c in made.calibration] == wanted
    for row in made.calibration:
        at = (PATIENT[1], *TASKS).index(row.task)
        own = [v.tasks[at] for s, v in THREE.items() if row.site in (None, s)]
        p, n = sum(t.positives for t in own), sum(t.negatives for t in own)
        assert row.n == p + n
        assert row.prevalence.value == pytest.approx(p / (p + n))
        if row.site is not None:
            assert row.slope.value == own[0].figures["slope"].value
            assert row.scope == "site"


def test_a_site_without_a_task_has_no_row_of_it_and_no_case_in_its_calibration() -> None:
    its = dataclasses.replace(THREE["a"], tasks=THREE["a"].tasks[1:])
    made = report({**THREE, "a": its})
    assert [r.site for r in rows(made, "site", PATIENT[1])] == ["c", "b"]
    assert [r.site for r in rows(made, "site", TASKS[0])] == ["c", "a", "b"]
    (row,) = [c for c in made.calibration if (c.site, c.task) == ("a", PATIENT[1])]
    assert (row.n, row.slope.value, row.slope.reason) == (0, None, "not released")


def test_each_site_is_named_with_its_cases() -> None:
    made = report(THREE)
    assert [(s.site, s.patients, s.lesions) for s in made.sites] == [
        ("c", 30, 60),
        ("a", 22, 44),
        ("b", 26, 52),
    ]
    assert [dict(s.by_class) for s in made.sites] == [dict(v.by_class) for v in THREE.values()]
    assert [c.site for c in made.confusion] == ["c", "a", "b"]
    assert [c.counts for c in made.confusion] == [v.confusion for v in THREE.values()]


def test_multiclass_rows_have_the_means_of_their_own_scope() -> None:
    made = report(THREE)
    assert [(m.scope, m.site, m.n) for m in made.multiclass] == [
        ("pooled", None, 156),
        ("site", "c", 60),
        ("site", "a", 44),
        ("site", "b", 52),
    ]
    for row in made.multiclass[1:]:
        own = THREE[row.site or ""].figures
        assert row.macro.value == own["macro"].value
        assert row.hand_till.value == own["hand_till"].value
    (whole,) = rows(made, "pooled", "macro")
    assert made.multiclass[0].macro == whole.auc


def test_the_form_of_each_site_is_that_of_its_sum_or_cells() -> None:
    made = report(THREE, groups=[plain("b", 52), masked(("a", 44))])
    assert [(f.site, f.form) for f in made.forms] == [
        ("c", "cells"),
        ("a", "masked"),
        ("b", "plain"),
    ]


def test_drift_is_of_all_and_of_each_site() -> None:
    reference = evidence({"c": THREE["c"]}).cells[PATIENT]
    assert not isinstance(reference, str)
    made = report(THREE, questions=Questions(reference={PATIENT: reference}))
    assert [d.site for d in made.drift] == [None, None, "c", "c", "a", "a", "b", "b"]
    # too few cases for a figure, which says how many there are on either side
    assert [d.psi for d in made.drift if d.site == "c"] == [None, None]
    own = THREE["c"].tasks[0]
    assert [d.reference for d in made.drift][:2] == [own.positives, own.negatives]
    assert all(d.reason.startswith("not judged") for d in made.drift)
    assert [d.n for d in made.drift][:2] == [
        sum(v.tasks[0].positives for v in THREE.values()),
        sum(v.tasks[0].negatives for v in THREE.values()),
    ]
    assert report(THREE).drift == ()


def test_notes_and_provenance_stand_as_they_were_given() -> None:
    made = report(THREE, notes=["one", "two"])
    assert made.notes == ("one", "two")
    assert (made.provenance, made.model) == (Provenance(run="r"), MODEL)
    assert report(THREE).notes == ()


def compared(**forms: str) -> Compared:
    """A comparison in which no site gives its crossed calls but `a`."""
    sites = {}
    for name, form in forms.items():
        pair = pair_of(None if name != "a" else (1,) * 8)
        sites[name] = SiteComparison(
            run="r", weights=("w", "v"), patients=4, lesions=4, minimum_count=1, pairs=(pair,),
            form=form,
        )  # fmt: skip
    return Compared(names=("m", "n"), sites=sites)


def pair_of(calls: tuple[int, ...] | None) -> PairSummary:
    figure = Figure(value=0.5, se=0.1)
    return PairSummary(
        first=0, second=1, unit="patient", task=PATIENT[1], positives=4, negatives=4,
        auc_first=figure, auc_second=figure, difference=Figure(value=0.0, se=0.1), calls=calls,
    )  # fmt: skip


def test_what_was_withheld_is_listed_by_site_figures_subgroups_and_crossed_calls() -> None:
    gone = SubgroupSummary(variable="x", level="v", auc=Figure(reason="withheld"))
    summaries = {
        "c": dataclasses.replace(THREE["c"], suppressed=("cells of a task", "readers")),
        "a": dataclasses.replace(THREE["a"], suppressed=(), subgroups=(gone,)),
        "b": dataclasses.replace(THREE["b"], suppressed=("confusion",)),
    }
    made = report(summaries, compared=compared(c="masked", a="figures", b="figures"))
    assert [(s.site, s.what) for s in made.suppressed] == [
        ("c", "cells of a task"),
        ("c", "readers"),
        ("b", "confusion"),
        ("a", "subgroup x v: all of it"),
        ("b", "crossed calls of the compared models"),
    ]


def test_margins_against_models_reach_the_comparisons_and_those_against_readers_do_not() -> None:
    asked = Questions(model_margins={("n", *PATIENT): 0.3}, margin=0.1)
    made = report(THREE, compared=compared(a="figures"), questions=asked)
    assert [r.non_inferiority is not None for r in made.comparisons] == [False, False]
    held = with_interval(compared(a="figures"))
    made = report(THREE, compared=held, questions=asked)
    assert [r.non_inferiority.margin for r in made.comparisons if r.non_inferiority] == [0.3] * 2


def with_interval(made: Compared) -> Compared:
    gain = Figure(value=0.0, low=-0.1, high=0.1, se=0.05)
    its = made.sites["a"]
    pairs = tuple(dataclasses.replace(p, difference=gain) for p in its.pairs)
    return dataclasses.replace(made, sites={"a": dataclasses.replace(its, pairs=pairs)})
