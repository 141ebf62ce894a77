"""Every sentence of the first page stands where its facts are in report.json, and nowhere else.

The conditions are computed anew here, from the plain values of report.json.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hepafed.common.records import write_record
from hepafed.server.formats.estimates import CoveringInterval
from hepafed.server.report.plain_words.first_page import FIRST_PAGE, NOTHING_WEAK, WEAK, first_page

from tests.server.report.kinds import ALL, report_of

Values = dict[str, Any]
ALWAYS = {"on_patients"}
"""Sentences that every report has."""
RULES = {rule.__name__: rule for rules in FIRST_PAGE.values() for rule in rules}


def row(v: Values) -> Values:
    (found,) = [
        r for r in v["results"] if (r["scope"], r["task"]) == ("pooled", "malignant_vs_benign")
    ]
    return found


def run(v: Values) -> bool:
    return "run" in v["provenance"]


def slope(v: Values) -> Values:
    if not v["calibration"]:
        nothing = {"value": None, "low": None, "high": None}
        return nothing | {"large": nothing}
    (found,) = [
        c for c in v["calibration"] if (c["scope"], c["task"]) == ("pooled", "malignant_vs_benign")
    ]
    return found["slope"] | {"large": found["in_the_large"]}


def sources(v: Values) -> list[str]:
    return [x for s in v["sites"] for x in s.get("origin", {}).get("sources", ())]


def parts(v: Values) -> list[Values]:
    return [p for s in v["sites"] for p in s.get("origin", {}).get("left_out") or ()]


def curve(v: Values) -> list[bool]:
    return [p["model"] > 0 and p["model"] > p["all"] for p in row(v).get("net_benefit") or ()]


def ends(v: Values) -> Values | None:
    """Return the interval of the headline AUC that is judged."""
    auc = row(v)["auc"]
    clustered = auc.get("clustered") or {}
    found = auc.get("covering") or clustered.get("logit") or auc.get("logit") or auc
    return found if found["low"] is not None else None


def benefit(v: Values) -> tuple[float, float] | None:
    se, sp = row(v)["sensitivity"], row(v)["specificity"]
    if se["denominator"] is None or sp["denominator"] is None:
        return None
    at = v["model"]["operating_point"]["threshold"]
    odds, n = at / (1 - at), se["denominator"] + sp["denominator"]
    false = sp["denominator"] - sp["numerator"]
    return (
        (se["numerator"] - false * odds) / n,
        (se["denominator"] - sp["denominator"] * odds) / n,
    )


def tuning(v: Values) -> Values | None:
    return (v["model"].get("card") or {}).get("tuning_scores")


def looks(v: Values) -> list[Values]:
    return v["look"]["earlier"] if v.get("look") else []


def placeholder(v: Values) -> bool:
    return "placeholder" in v["model"]["operating_point"]["rule"]


def has(figure: Values) -> bool:
    return None not in (figure["value"], figure["low"], figure["high"])


def widened(v: Values) -> bool:
    """Tell whether noise doubles the interval; Newcombe's half-width is about 1.96 √V(A) here."""
    at, found = row(v)["auc"]["value"], ends(v)
    if at is None or found is None:
        return True
    m, n = row(v)["positives"], row(v)["n"] - row(v)["positives"]
    more = ((m + n) / 2 - 1) * ((1 - at) / (2 - at) + at / (1 + at))
    return found["high"] - found["low"] > 4 * 1.96 * (at * (1 - at) / (m * n) * (1 + more)) ** 0.5


def classes(v: Values) -> tuple[int, int]:
    return row(v)["positives"], row(v)["n"] - row(v)["positives"]


def enough(v: Values) -> bool:
    return min(classes(v)) >= 10


def judged(v: Values) -> bool:
    return has(slope(v)) and enough(v)


def card(v: Values) -> Values:
    return v["model"].get("card") or {}


def rehearsal(v: Values) -> bool:
    return card(v).get("plan", {}).get("training", {}).get("epochs") == 0


TRUE: Mapping[str, Callable[[Values], bool]] = {
    "made_up": lambda v: (v["model"].get("card") or {}).get("plan", {}).get("synthetic", False),
    "tested_model": run,
    "tested_scores": lambda v: not run(v),
    "input_sequences": run,
    "trained_on": lambda v: bool(card(v).get("training_examples")) and not rehearsal(v),
    "not_trained": rehearsal,
    "training_not_known": lambda v: run(v) and not card(v),
    "on_patients": lambda v: True,
    "decides_nothing": lambda v: not enough(v),
    "risks_undecided": lambda v: not enough(v),
    "noise_added": lambda v: "noise" in v,
    "from_volumes": lambda v: bool({"dicom", "lld-mmri"}.intersection(sources(v))),
    "from_pictures": lambda v: "key-images" in sources(v),
    "origin_not_stated": lambda v: run(v) and any("origin" not in s for s in v["sites"]),
    "left_out": lambda v: any(p["lesions"] != 0 for p in parts(v)),
    "nothing_left_out": lambda v: (
        [p["lesions"] for p in parts(v)] == [0] * 3 * len(v["sites"]) != []
    ),
    "left_out_not_stated": lambda v: (
        run(v) and any(s.get("origin", {}).get("left_out") is None for s in v["sites"])
    ),
    "sites_without_figures": lambda v: bool(v["provenance"].get("missing_sites")),
    "planned_before": lambda v: bool(v.get("evaluation")) and v["look"]["number"] == 1,
    "threshold_used": lambda v: (
        row(v)["sensitivity"]["value"] is not None or row(v)["specificity"]["value"] is not None
    ),
    "malignant_found": lambda v: row(v)["sensitivity"]["value"] is not None,
    "benign_called_malignant": lambda v: row(v)["specificity"]["value"] is not None,
    "rates_missing": lambda v: (
        row(v)["sensitivity"]["value"] is None and row(v)["specificity"]["value"] is None
    ),
    "told_apart": lambda v: row(v)["auc"]["value"] is not None,
    "not_told_apart": lambda v: row(v)["auc"]["value"] is None,
    "beside_readers": lambda v: any(
        r[k]["value"] is not None and r["model_" + k]["value"] is not None
        for r in v["readers"]
        for k in ("sensitivity", "specificity")
    ),
    "beside_models": lambda v: any(
        (c["scope"], c["unit"], c["task"]) == ("pooled", "patient", "malignant_vs_benign")
        for c in v["comparisons"]
    ),
    "wrong_way_round": lambda v: (e := ends(v)) is not None and e["high"] < 0.5,
    "chance_not_excluded": lambda v: (e := ends(v)) is not None and e["low"] <= 0.5 <= e["high"],
    "all_called_alike": lambda v: (
        (row(v)["sensitivity"]["value"], row(v)["specificity"]["value"]) in ((0, 1), (1, 0))
    ),
    "risks_too_extreme": lambda v: judged(v) and slope(v)["high"] < 1,
    "risks_too_moderate": lambda v: judged(v) and slope(v)["low"] > 1,
    "slope_agrees": lambda v: judged(v) and slope(v)["low"] <= 1 <= slope(v)["high"],
    "risks_shifted": lambda v: (
        judged(v) and slope(v)["large"]["low"] * slope(v)["large"]["high"] > 0
    ),
    "calibration_missing": lambda v: enough(v) and not has(slope(v)),
    "useful_where": lambda v: enough(v) and any(curve(v)),
    "useful_nowhere": lambda v: enough(v) and bool(curve(v)) and not any(curve(v)),
    "few_of_a_class": lambda v: min(row(v)["positives"], row(v)["n"] - row(v)["positives"]) < 100,
    "few_tuning_patients": lambda v: (
        (t := tuning(v)) is not None
        and not placeholder(v)
        and min(sum(t["positives"]), sum(t["negatives"])) < 50
    ),
    "tuning_not_known": lambda v: run(v) and tuning(v) is None and not placeholder(v),
    "placeholder_threshold": placeholder,
    "threshold_of_table": lambda v: not run(v),
    "not_registered": lambda v: run(v) and not v.get("evaluation"),
    "seen_before": lambda v: bool(looks(v)),
    "registered_late": lambda v: bool(v.get("evaluation") and looks(v)),
    "one_site": lambda v: len(v["sites"]) == 1,
    "dominant_site": lambda v: (
        len(v["sites"]) > 1
        and "noise" not in v
        and max(s["patients"] for s in v["sites"]) > 0.6 * sum(s["patients"] for s in v["sites"])
    ),
    "drowned_in_noise": lambda v: "noise" in v and widened(v),
    "slope_off": lambda v: judged(v) and not slope(v)["low"] <= 1 <= slope(v)["high"],
    "harmful_threshold": lambda v: (b := benefit(v)) is not None and b[0] < max(b[1], 0),
    "subgroups_withheld": lambda v: any(
        "variable" in s or s["what"].startswith("subgroup") for s in v["suppressed"]
    ),
    "wide_pooling_error": lambda v: (
        row(v)["auc"]["value"] is not None and row(v)["auc"]["binning_error"] > 0.005
    ),
    "remark_on_auc": lambda v: (
        row(v)["auc"]["value"] is not None and bool(row(v)["auc"].get("reason"))
    ),
}
"""By the name of a rule: whether its sentence is true of a report.json."""


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
