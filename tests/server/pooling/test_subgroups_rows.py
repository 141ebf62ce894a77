"""Rows of subgroups from what each site released of a level: counts add up, AUCs are pooled."""

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract import Figure, SubgroupSummary
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.formats import SubgroupRow
from hepafed.server.pooling.subgroups import subgroup_rows, withheld_rows
from scipy.stats import norm, t

Z = float(norm.ppf(0.975))
WITHHELD = "withheld: too few, or the total less this one would show another that is too few"
TELLING = "withheld: with the other counts it would give away calls of too few patients"
GONE = Figure(reason=WITHHELD)


@cache
def released() -> SiteSummary:
    p = np.linspace(0.1, 0.9, 4)
    table = ScoreTable(
        site=np.full(4, "a"), patient=np.array(["p", "q", "r", "s"]), lesion=np.full(4, "l"),
        truth=np.array([0, 1, 0, 1]), log_probs=np.log(np.stack([1 - p, p / 2, p / 2], 1)),
        readers={},
    )  # fmt: skip
    return summarise(table, run="r", model="m", weights="", threshold=0.4, minimum_count=1)


def site(*levels: SubgroupSummary) -> SiteSummary:
    return replace(released(), subgroups=levels)


def level(name: str = "v", variable: str = "x", **more: Any) -> SubgroupSummary:  # noqa: ANN401
    values = {
        "positives": 20, "negatives": 30, "true_positives": 15, "true_negatives": 27,
        "auc": Figure(value=0.8, low=0.7, high=0.9, se=0.05), **more,
    }  # fmt: skip
    return SubgroupSummary(variable=variable, level=name, **values)


def gone(name: str = "v", variable: str = "x") -> SubgroupSummary:
    return SubgroupSummary(variable=variable, level=name, auc=GONE)


def pooled(**sites: SubgroupSummary) -> SubgroupRow:
    return subgroup_rows({s: site(g) for s, g in sites.items()})[0]


def test_each_level_is_pooled_first_and_then_given_by_site() -> None:
    rows = subgroup_rows(
        {"c": site(level("b"), level("a"), level("b", "y")), "a": site(level("a")), "b": site()}
    )
    assert [(r.variable, r.level, r.scope, r.site) for r in rows] == [
        ("x", "a", "pooled", None),
        ("x", "a", "site", "c"),
        ("x", "a", "site", "a"),
        ("x", "b", "pooled", None),
        ("x", "b", "site", "c"),
        ("y", "b", "pooled", None),
        ("y", "b", "site", "c"),
    ]
    assert {(r.unit, r.task) for r in rows} == {("patient", "malignant_vs_benign")}


def test_levels_of_a_variable_stay_together_whichever_site_names_them() -> None:
    rows = subgroup_rows({"b": site(level("m", "x"), level("m", "y")), "a": site(level("k", "x"))})
    assert [(r.variable, r.level) for r in rows if r.scope == "pooled"] == [
        ("x", "k"), ("x", "m"), ("y", "m"),
    ]  # fmt: skip


def test_no_subgroup_gives_no_row() -> None:
    assert subgroup_rows({"a": site()}) == []


def test_counts_of_the_sites_add_up() -> None:
    other = level(positives=7, negatives=11, true_positives=2, true_negatives=10)
    row = pooled(b=level(), a=other)
    assert (row.n, row.positives) == (68, 27)
    assert (row.sensitivity.numerator, row.sensitivity.denominator) == (17, 27)
    assert (row.specificity.numerator, row.specificity.denominator) == (37, 41)
    assert (row.released_by, row.withheld_by) == (("b", "a"), ())


def test_a_site_row_is_of_its_own_counts() -> None:
    (_, row) = subgroup_rows({"a": site(level())})
    assert (row.n, row.positives) == (50, 20)
    assert (row.sensitivity.numerator, row.sensitivity.denominator) == (15, 20)
    assert (row.specificity.numerator, row.specificity.denominator) == (27, 30)
    assert (row.auc.value, row.auc.low, row.auc.high, row.auc.se) == (0.8, 0.7, 0.9, 0.05)
    assert (row.auc.method, row.released_by, row.withheld_by) == ("delong", None, None)


def test_a_withheld_rate_counts_neither_above_nor_below_the_line() -> None:
    row = pooled(b=level(true_positives=None), a=level(true_negatives=None, positives=19))
    assert (row.sensitivity.numerator, row.sensitivity.denominator) == (15, 19)
    assert (row.specificity.numerator, row.specificity.denominator) == (27, 30)
    assert (row.n, row.positives) == (99, 39)
    row = pooled(b=level(true_positives=None), a=level(true_positives=None))
    assert (row.sensitivity.value, row.sensitivity.numerator) == (None, None)
    assert (row.sensitivity.denominator, row.sensitivity.reason) == (None, WITHHELD)
    assert row.specificity.reason == ""


def test_no_right_call_is_a_rate_of_0() -> None:
    row = pooled(a=level(true_positives=0, true_negatives=0))
    assert (row.sensitivity.value, row.specificity.value) == (0.0, 0.0)


def test_a_level_that_a_site_withholds_is_not_in_its_sums() -> None:
    row = pooled(c=gone(), b=level(), a=gone())
    assert (row.n, row.positives) == (50, 20)
    assert (row.released_by, row.withheld_by) == (("b",), ("a", "c"))
    assert row.auc.value == 0.8


def test_a_level_that_all_sites_withhold_has_no_figure() -> None:
    rows = subgroup_rows({"b": site(gone()), "a": site(gone())})
    assert [(r.n, r.positives, r.auc.value) for r in rows] == [(None, None, None)] * 3
    assert [r.auc.reason for r in rows] == [WITHHELD] * 3
    assert [r.sensitivity.reason for r in rows] == [WITHHELD] * 3
    assert [r.specificity.reason for r in rows] == [WITHHELD] * 3
    assert rows[0].auc.method == "random effects"
    assert (rows[0].released_by, rows[0].withheld_by) == ((), ("a", "b"))


def test_a_site_that_names_no_level_withholds_each_of_its_variable() -> None:
    rows = subgroup_rows(
        {
            "b": site(level("v"), level("w"), level("v", "y")),
            "a": site(gone("every level")),
        }
    )
    found = [r for r in rows if r.scope == "pooled"]
    assert [(r.variable, r.level, r.withheld_by) for r in found] == [
        ("x", "v", ("a",)),
        ("x", "w", ("a",)),
        ("y", "v", ()),
    ]
    assert [r.site for r in rows if r.scope == "site"] == ["b"] * 3


def test_where_no_site_names_a_level_there_is_no_row() -> None:
    assert subgroup_rows({"a": site(gone("every level"))}) == []


def effects(found: list[tuple[float, float]]) -> tuple[float, float, float]:
    """DerSimonian and Laird's mean and error, and half of Hartung and Knapp's interval."""
    y = [math.log(a / (1 - a)) for a, _ in found]
    v = [(e / a / (1 - a)) ** 2 for a, e in found]
    w = [1 / x for x in v]
    fixed = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    q = sum(a * (b - fixed) ** 2 for a, b in zip(w, y, strict=True))
    tau2 = max(0.0, (q - len(y) + 1) / (sum(w) - sum(a * a for a in w) / sum(w)))
    w = [1 / (x + tau2) for x in v]
    mean = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    spread = sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True))
    half = t.ppf(0.975, len(y) - 1) * math.sqrt(spread / (len(y) - 1) / sum(w))
    half = max(half, Z / math.sqrt(sum(1 / x for x in v)))
    return mean, 1 / math.sqrt(sum(w)), half


def logit(a: float | None) -> float:
    assert a is not None
    return math.log(a / (1 - a))


def test_aucs_are_pooled_by_random_effects_over_the_sites_that_have_an_interval() -> None:
    found = {"c": (0.9, 0.02), "a": (0.7, 0.06), "b": (0.82, 0.1)}
    parts = {s: level(auc=Figure(value=v, se=e)) for s, (v, e) in found.items()}
    parts["d"] = level(auc=Figure(value=1.0, low=1.0, high=1.0, se=0.0))
    parts["e"] = gone()
    auc = pooled(**parts).auc
    mean, se, half = effects([*found.values()])
    assert logit(auc.value) == pytest.approx(mean)
    assert logit(auc.low) == pytest.approx(mean - Z * se)
    assert logit(auc.high) == pytest.approx(mean + Z * se)
    assert auc.covering is not None
    assert logit(auc.covering.low) == pytest.approx(mean - half)
    assert logit(auc.covering.high) == pytest.approx(mean + half)
    assert (auc.method, auc.reason) == ("random effects over 3 sites", "")


def test_the_one_site_with_an_interval_gives_its_own_auc() -> None:
    separated = Figure(value=1.0, low=1.0, high=1.0, se=0.0)
    own = Figure(value=0.7, low=0.6, high=0.8, se=0.04)
    auc = pooled(c=level(auc=separated), b=level(auc=own), a=level(auc=separated)).auc
    assert (auc.value, auc.low, auc.high, auc.se) == (0.7, 0.6, 0.8, 0.04)
    assert auc.method == "delong, of the one site that has an interval"


def test_without_any_interval_there_is_no_pooled_auc() -> None:
    auc = pooled(a=level(auc=Figure(value=1.0, low=1.0, high=1.0, se=0.0))).auc
    assert auc.value is None
    assert auc.reason == "no site has an AUC between 0 and 1 with an interval in this level"
    assert auc.method == "random effects"


def test_the_whole_cohorts_exact_auc_replaces_the_pooled_one_of_its_level() -> None:
    exact = site(
        level("v", auc=Figure(value=0.61, low=0.5, high=0.7, se=0.05)),
        level("v", "y", auc=Figure(value=0.99)),
    )
    rows = subgroup_rows({"b": site(level("v"), level("w")), "a": site(level("v"))}, exact)
    found = {(r.variable, r.level): r for r in rows if r.scope == "pooled"}
    assert list(found) == [("x", "v"), ("x", "w")]
    assert (found["x", "v"].auc.value, found["x", "v"].auc.method) == (0.61, "delong")
    assert found["x", "v"].n == 100
    assert found["x", "w"].auc.value == 0.8


def test_what_is_withheld_of_a_level_is_named() -> None:
    telling = Figure(reason=TELLING)
    rows = withheld_rows(
        {
            "b": site(
                level("whole"),
                gone("none"),
                level("malignant", true_positives=None),
                level("benign", "y", true_negatives=None),
                level("auc", auc=telling),
                level("all", true_positives=None, true_negatives=None, auc=telling),
                level("one class", auc=Figure(reason="all of one class")),
            ),
            "a": site(level("none", positives=None), level("half", negatives=None)),
        }
    )
    assert [(r.site, r.variable, r.level, r.what) for r in rows] == [
        ("b", "x", "none", "subgroup x none: all of it"),
        ("b", "x", "malignant", "subgroup x malignant: calls of malignant"),
        ("b", "y", "benign", "subgroup y benign: calls of benign"),
        ("b", "x", "auc", "subgroup x auc: AUC"),
        ("b", "x", "all", "subgroup x all: calls of malignant, calls of benign, AUC"),
        ("a", "x", "none", "subgroup x none: all of it"),
        ("a", "x", "half", "subgroup x half: all of it"),
    ]
    assert {r.reason for r in rows} == {WITHHELD}
