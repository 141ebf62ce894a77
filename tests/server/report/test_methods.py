"""Every sentence of the methods stands where its facts are in report.json, and nowhere else.

The conditions are computed anew here, from the plain values of report.json.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hepafed.common.records import write_record
from hepafed.server.report.methods import METHODS, methods

from .kinds import ALL, report_of

Values = dict[str, Any]
RULES = {f"{s}: {r.__name__}": r for s, rules in METHODS.items() for r in rules}
ALWAYS = {"Data: cohort_size", "Data: malignant_patient", "Statistics: nothing_imputed"}
"""Sentences that every report has."""
RATES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def run(v: Values) -> bool:
    return bool(v["provenance"].get("run"))


def card(v: Values) -> Values:
    return v["model"].get("card") or {}


def stated(v: Values) -> list[set[str]]:
    return [set(s.get("origin", {}).get("sources", ())) for s in v["sites"]]


def parts(v: Values) -> list[Values]:
    return [p for s in v["sites"] for p in s.get("origin", {}).get("left_out") or ()]


def promised(v: Values) -> bool:
    return bool(v.get("evaluation"))


def looked(v: Values) -> bool:
    return bool(v.get("look") and v["look"]["earlier"])


def aucs(v: Values, scope: str = "") -> list[Values]:
    rows = [r for r in v["results"] if scope in ("", r["scope"])]
    return [r["auc"] for r in rows if r["auc"]["value"] is not None]


def forms(v: Values) -> list[str]:
    return [f["form"] for f in v["forms"]]


def printed_logit(auc: Values) -> bool:
    return "logit" in (auc.get("covering") or {}).get("method", "")


def between_patients(v: Values) -> bool:
    found = [r.get(n) or {} for r in v["results"] for n in RATES]
    return any((x.get("clustered") or {}).get("low") is not None for x in found)


TRUE: Mapping[str, Callable[[Values], bool]] = {
    "Design: made_up": lambda v: card(v).get("plan", {}).get("synthetic", False),
    "Design: frozen_model": run,
    "Design: operating_point": lambda v: run(v) and v["model"]["operating_point"]["rule"] != "",
    "Design: table_of_scores": lambda v: not run(v),
    "Design: registered_first": lambda v: promised(v) and not looked(v),
    "Design: registered_after": lambda v: promised(v) and looked(v),
    "Design: not_registered": lambda v: run(v) and not promised(v),
    "Design: look_number": lambda v: "look" in v,
    "Data: cohort_size": lambda v: True,
    "Data: malignant_patient": lambda v: True,
    "Data: split_by_patient": lambda v: v["provenance"].get("split") == "test",
    "Data: left_out": lambda v: any(p["lesions"] != 0 for p in parts(v)),
    "Data: nothing_left_out": lambda v: (
        [p["lesions"] for p in parts(v)] == [0] * 3 * len(v["sites"])
    ),
    "Data: left_out_not_stated": lambda v: (
        run(v) and any(s.get("origin", {}).get("left_out") is None for s in v["sites"])
    ),
    "Data: sites_without_figures": lambda v: bool(v["provenance"].get("missing_sites")),
    "Input: table_input": lambda v: not run(v),
    "Input: protocol": run,
    "Input: volumes_from_dicom": lambda v: any("dicom" in s for s in stated(v)),
    "Input: volumes_from_lld": lambda v: any("lld-mmri" in s for s in stated(v)),
    "Input: crops_of_volumes": lambda v: any(s & {"dicom", "lld-mmri"} for s in stated(v)),
    "Input: pictures": lambda v: any("key-images" in s for s in stated(v)),
    "Input: origin_unknown": lambda v: run(v) and any(not s for s in stated(v)),
    "Input: missing_sequences": lambda v: (
        run(v) and all(stated(v)) and any(s & {"dicom", "lld-mmri"} for s in stated(v))
    ),
    "Input: how_scored": run,
    "Privacy: table_privacy": lambda v: not run(v),
    "Privacy: what_left": run,
    "Privacy: noise": lambda v: "noise" in v,
    "Privacy: scores_from_plain": lambda v: run(v) and "plain" in forms(v),
    "Privacy: minimum_counts": lambda v: any(
        f["form"] not in ("plain", "noisy") and f.get("minimum_count", 0) > 1 for f in v["forms"]
    ),
    "Statistics: concordance": lambda v: bool(aucs(v)),
    "Statistics: own_aucs": lambda v: run(v) and bool(aucs(v, "site")),
    "Statistics: aucs_of_table": lambda v: not run(v) and bool(aucs(v)),
    "Statistics: pooled_from_counts": lambda v: (
        run(v) and bool(aucs(v, "pooled")) and "noise" not in v
    ),
    "Statistics: from_noise": lambda v: "noise" in v and bool(aucs(v)),
    "Statistics: delong": lambda v: any(
        a["method"] == "delong" and a["se"] is not None for a in aucs(v)
    ),
    "Statistics: logit": lambda v: any(map(printed_logit, aucs(v))),
    "Statistics: clustered": lambda v: any(
        (a.get("clustered") or {}).get("low") is not None for a in aucs(v)
    ),
    "Statistics: rates": lambda v: any(
        (r.get(n) or {}).get("value") is not None for r in v["results"] for n in RATES
    ),
    "Statistics: rates_of_lesions": between_patients,
    "Statistics: between_sites": lambda v: any(h["value"] is not None for h in v["heterogeneity"]),
    "Statistics: prediction": lambda v: any(
        (h.get("prediction") or {}).get("low") is not None for h in v["heterogeneity"]
    ),
    "Statistics: calibration": lambda v: any(
        c[n]["value"] is not None for c in v["calibration"] for n in ("slope", "brier", "ece")
    ),
    "Statistics: decision_curve": lambda v: any(r.get("net_benefit") for r in v["results"]),
    "Statistics: nothing_imputed": lambda v: True,
    "Comparisons: readers": lambda v: sum(r["n"] for r in v["readers"]) > 0,
    "Comparisons: agreement": lambda v: any(
        k["value"] is not None
        for k in (
            *(r["kappa_with_model"] for r in v["readers"]),
            *(p["kappa"] for p in v["reader_agreement"]),
        )
    ),
    "Comparisons: models": lambda v: v["comparisons"] != [],
    "Comparisons: nothing_compared": lambda v: not v["readers"] and not v["comparisons"],
}
"""By subject and name of a rule: whether its sentence is true of a report.json."""


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
def test_paragraphs_are_their_sentences_and_nothing_else(kind: str) -> None:
    report = report_of(kind)
    for subject, text in methods(report):
        assert text == " ".join(said for r in METHODS[subject] if (said := r(report)))


def words_of(kind: str) -> str:
    return " ".join(text for _, text in methods(report_of(kind)))


def test_pictures_are_not_called_lesions_nor_said_to_come_from_dicom() -> None:
    words = words_of("key images")
    for never in ("lesion", "DICOM", "volume", "slices", "liver"):
        assert never not in words, never
    assert "exported key images" in words


def test_only_an_untouched_plan_is_said_to_be_of_before_any_score() -> None:
    assert "before any score existed" in words_of("registered first")
    late = words_of("two looks")
    assert "before any score existed" not in late
    assert "The verdicts are exploratory: registered after look 1 (2026-02-22)." in late


def test_filled_sequences_are_not_called_nothing_imputed() -> None:
    words = words_of("cells")
    assert "filled with zeros" in words
    assert "Nothing was imputed" not in words
    assert "was not scored" not in words


def test_fine_histograms_are_not_called_no_score() -> None:
    assert "No image, score or identifier" not in words_of("no readers")
    assert "No image, score or identifier left a site" in words_of("two looks")


def test_of_a_score_table_nothing_is_said_to_be_computed_at_a_site_or_from_counts() -> None:
    words = words_of("score table")
    for never in ("Each site computed", "histograms in 65,536", "frozen", "No image"):
        assert never not in words, never
