"""Every sentence of the first page stands where its facts are in report.json, and nowhere else."""

import re
from dataclasses import replace

import pytest
from hepafed.common.records import write_record
from hepafed.server.formats.estimates import CoveringInterval
from hepafed.server.report.plain_words.first_page import FIRST_PAGE, NOTHING_WEAK, WEAK, first_page

from tests.server.report.kinds import ALL, report_of

from .facts import TRUE, curve, enough, row, sites_aucs, sources

ALWAYS = {"on_patients"}
"""Sentences that every report has."""

RULES = {rule.__name__: rule for rules in FIRST_PAGE.values() for rule in rules}


def test_every_rule_has_its_condition_here() -> None:
    assert TRUE.keys() == RULES.keys()


@pytest.mark.parametrize("kind", ALL)
def test_a_sentence_stands_where_its_facts_are_and_nowhere_else(kind: str) -> None:
    report = report_of(kind)
    values = write_record(report)
    said = {name for name, rule in RULES.items() if rule(report)}
    assert said == {name for name, true in TRUE.items() if true(values)}


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_sentence_stands_in_one_report_and_is_absent_in_another(name: str) -> None:
    said = {bool(RULES[name](report_of(kind))) for kind in ALL}
    assert said == ({True} if name in ALWAYS else {True, False})


@pytest.mark.parametrize("kind", ALL)
def test_frequencies_are_the_counts_of_the_pooled_row(kind: str) -> None:
    report = report_of(kind)
    found = row(write_record(report))
    for name, rate, missed in (
        ("malignant_found", found["sensitivity"], False),
        ("benign_called_malignant", found["specificity"], True),
    ):
        sentence = RULES[name](report)
        if rate["value"] is None:
            assert sentence == ""
            continue
        n = rate["denominator"]
        if n is None:  # counts with noise are not known
            value = 1 - rate["value"] if missed else rate["value"]
            assert f", {round(100 * value)} are called malignant" in sentence
            continue
        k = n - rate["numerator"] if missed else rate["numerator"]
        assert f"{k:,} of {n:,}" in sentence
        if n >= 10 and 0.005 < k / n < 0.995:
            assert f", {round(100 * k / n)} are called malignant" in sentence
        assert ("too few" in sentence) == (n < 10)


@pytest.mark.parametrize("kind", ALL)
def test_the_size_of_the_test_is_that_of_the_sites(kind: str) -> None:
    values = write_record(report_of(kind))
    sentence = RULES["on_patients"](report_of(kind))
    if "noise" in values:
        n, positives = row(values)["n"], row(values)["positives"]
        assert f"about {n} patients ({positives} malignant, {n - positives} benign)" in sentence
        assert "lesion" not in sentence
        return
    patients = sum(s["patients"] for s in values["sites"])
    units = sum(s["lesions"] for s in values["sites"])
    only = set(sources(values)) == {"key-images"} and all("origin" in s for s in values["sites"])
    assert f"{patients:,} patient" in sentence
    assert re.search(rf"with {units:,} {'image' if only else 'lesion'}", sentence)
    assert ("image" in sentence) == ("key-images" in sources(values))


def test_a_difference_of_models_is_claimed_only_where_its_interval_does_not_hold_0() -> None:
    report = report_of("score table")
    (pair,) = [c for c in report.comparisons if c.scope == "pooled" and c.unit == "patient"]

    def said(value: float, low: float, high: float, p: float) -> str:
        """Second − first is written to the row; the page says first − second."""
        moved = replace(
            pair,
            difference=replace(pair.difference, value=value, low=low, high=high),
            covering=CoveringInterval(low=low, high=high, method="logit", decides=True),
            p_holm=p,
            reason="",
        )
        return RULES["beside_models"](replace(report, comparisons=(moved,)))

    models = (pair.first, pair.second)
    assert "The AUC of {} is lower than that of {} (".format(*models) in said(0.1, 0.02, 0.2, 0.01)
    assert f"The AUC of {pair.first} is higher than" in said(-0.1, -0.2, -0.02, 0.01)
    nothing = "No difference in AUC between {} and {} was shown (".format(*models)
    assert nothing in said(0.1, 0.0, 0.2, 0.049)
    assert nothing in said(-0.1, -0.2, 0.0, 0.049)
    assert nothing in said(0.1, 0.02, 0.2, 0.05)
    assert nothing not in said(0.1, 0.02, 0.2, 0.049)


@pytest.mark.parametrize("kind", ALL)
def test_a_useful_range_has_a_caution_where_a_class_has_few_patients(kind: str) -> None:
    report = report_of(kind)
    v = write_record(report)
    few = min(row(v)["positives"], row(v)["n"] - row(v)["positives"]) < 100
    assert ("can be chance" in RULES["useful_where"](report)) == (
        few and enough(v) and any(curve(v))
    )


@pytest.mark.parametrize(
    ("kind", "found", "verdict", "lost"),
    [
        ("registered first", "0.87–0.93", "met", ""),
        ("goal missed", "0.83–0.93", "not shown", "A registered primary goal was not shown."),
    ],
)
def test_the_first_page_has_the_verdict_on_the_primary_goal(
    kind: str, found: str, verdict: str, lost: str
) -> None:
    report = report_of(kind)
    said = RULES["primary_goals"](report)
    low, high = (f"{float(x):.3f}" for x in found.split("–"))
    assert f"AUC (Patient: malignant vs benign) at least 0.85. Found: 0.900 (95 % CI {low}–" in said
    assert f"{high}). Verdict: {verdict} (" in said
    assert RULES["goal_not_reached"](report) == lost
    assert report.evaluation
    goals = tuple(replace(e, primary=False) for e in report.evaluation.endpoints)
    second = replace(report, evaluation=replace(report.evaluation, endpoints=goals))
    assert RULES["primary_goals"](second) == RULES["goal_not_reached"](second) == ""


def test_scores_that_moved_at_one_site_alone_are_not_said_of_all() -> None:
    report = report_of("moved")
    pooled, site = report.drift
    same = replace(pooled, differs=False)
    alone = replace(report, drift=(same, replace(site, differs=True)))
    assert RULES["scores_moved"](report)
    assert RULES["scores_moved"](alone) == ""


def test_the_range_of_sites_and_of_a_further_one_are_those_of_the_report() -> None:
    report = report_of("moved")
    values = sites_aucs(write_record(report))
    said = RULES["by_site"](report)
    assert f"{min(values):.3f} to {max(values):.3f} at single sites ({len(values)} sites)" in said
    assert "0.500–0.999, from" in RULES["further_site"](report)


def test_a_table_of_two_classes_speaks_of_no_lesion() -> None:
    report = replace(report_of("score table"), classes=("benign", "malignant"))
    for name in ("malignant_found", "told_apart"):
        assert "lesion" not in RULES[name](report)
        assert "a malignant diagnosis" in RULES[name](report)
        assert "a malignant lesion" in RULES[name](report_of("score table"))
        assert "a malignant image" in RULES[name](report_of("key images"))


def test_where_nothing_is_weak_the_page_says_only_that_nothing_was_found() -> None:
    page = dict(first_page(report_of("strong")))
    assert page[WEAK] == [NOTHING_WEAK]


def test_the_page_gives_each_sentence_once_in_the_order_of_the_rules() -> None:
    report = report_of("two looks")
    wanted = [line for rule in RULES.values() for line in rule(report).splitlines()]
    assert [s for _, sentences in first_page(report) for s in sentences] == wanted


def test_a_sentence_has_no_empty_name_and_ends_with_a_full_stop() -> None:
    for kind in ALL:
        for _, sentences in first_page(report_of(kind)):
            for s in sentences:
                assert s.endswith("."), s
                assert not re.search(r"\(\)|: \.|  |\bNone\b(?! of)|\bnan\b", s), s
