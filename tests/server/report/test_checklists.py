"""Both checklists are whole, and point only to what the page holds."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hepafed.common.records import write_record
from hepafed.server.formats import read_report
from hepafed.server.report.checklists import NEEDS, STATUS_WORDS, checklists
from hepafed.server.report.page import SECTIONS

from .kinds import ALL, report_of

ANCHORS = frozenset(a for a, _ in SECTIONS)
LETTERS = {3: 3, 5: 2, 6: 3, 8: 3, 9: 3, 12: 7, 18: 6, 20: 3, 23: 2, 27: 3}
TRIPOD = [f"{n}{c}" for n in range(1, 28) for c in "abcdefg"[: LETTERS.get(n, 0)] or ("",)]


def test_claim_2024_has_its_44_items_and_tripod_ai_its_52(federated: dict[str, Any]) -> None:
    claim, tripod = checklists(read_report(federated), ANCHORS)
    assert [i.number for i in claim.items] == [str(n) for n in range(1, 45)]
    assert [i.number for i in tripod.items] == TRIPOD


def test_every_item_says_who_answers_and_an_answered_one_where(federated: dict[str, Any]) -> None:
    for checklist in checklists(read_report(federated), ANCHORS):
        for item in checklist.items:
            assert item.status in STATUS_WORDS
            if item.status == "answered":
                assert item.where in ANCHORS, (checklist.name, item.number)
                assert item.text


def test_an_item_whose_part_is_not_in_the_report_falls_to_the_authors(
    plain: dict[str, Any], federated: dict[str, Any]
) -> None:
    for with_card, without in zip(
        checklists(read_report(federated), ANCHORS),
        checklists(read_report(plain), ANCHORS),
        strict=True,
    ):
        answered = {i.number for i in with_card.items if i.where == "card"}
        assert answered
        for item in without.items:
            if item.number in answered:
                assert (item.status, item.where) == ("authors", "")


def test_both_kinds_of_study_have_items_left_for_the_authors(federated: dict[str, Any]) -> None:
    for checklist in checklists(read_report(federated), ANCHORS):
        assert checklist.count("authors") > 0
        assert sum(checklist.count(s) for s in STATUS_WORDS) == len(checklist.items)


def test_an_internal_test_does_not_answer_the_item_on_external_data(
    federated: dict[str, Any],
) -> None:
    inside = federated | {"provenance": federated["provenance"] | {"split": "test"}}
    claim, _ = checklists(read_report(inside), ANCHORS)
    (item,) = [i for i in claim.items if i.number == "33"]
    assert item.status == "authors"


def test_no_item_is_left_without_a_word(federated: dict[str, Any], plain: dict[str, Any]) -> None:
    for report in (federated, plain):
        for checklist in checklists(read_report(report), ANCHORS):
            assert all(i.text for i in checklist.items)


Values = dict[str, Any]


def sources_of(v: Values) -> list[set[str]]:
    return [set(s.get("origin", {}).get("sources", ())) for s in v["sites"]]


def any_auc(v: Values) -> bool:
    return any(r["auc"]["value"] is not None for r in v["results"])


def found_of(v: Values, scope: str) -> list[Values]:
    return [r for r in v["results"] if r["scope"] == scope and r["auc"]["value"] is not None]


def any_rate(v: Values) -> bool:
    rates = [r.get(n) or {} for r in v["results"] for n in ("sensitivity", "specificity")]
    return any(x.get("value") is not None for x in rates)


def is_run(v: Values) -> bool:
    return bool(v["provenance"].get("run"))


def card_of(v: Values) -> Values:
    return v["model"].get("card") or {}


TRUE: Mapping[str, Callable[[Values], bool]] = {
    "run": is_run,
    "card": lambda v: bool(card_of(v)),
    "use": lambda v: bool(card_of(v).get("intended_use")),
    "limits": lambda v: bool(card_of(v).get("limits")),
    "tuned": lambda v: card_of(v).get("tuning_auc") is not None,
    "plan": lambda v: bool(v["provenance"].get("plan")),
    "rule": lambda v: v["model"]["operating_point"]["rule"] != "",
    "external": lambda v: is_run(v) and v["provenance"]["split"] == "external",
    "internal": lambda v: is_run(v) and v["provenance"]["split"] == "test",
    "evaluation": lambda v: bool(v.get("evaluation")),
    "first": lambda v: bool(v.get("look")) and not (v.get("evaluation") and v["look"]["earlier"]),
    "origin": lambda v: all(sources_of(v)),
    "volumes": lambda v: (
        all(sources_of(v)) and any(s & {"dicom", "lld-mmri"} for s in sources_of(v))
    ),
    "pictures": lambda v: all(s == {"key-images"} for s in sources_of(v)),
    "filled": lambda v: card_of(v).get("plan", {}).get("data", {}).get("missing") == "zero",
    "left_out": lambda v: all(s.get("origin", {}).get("left_out") is not None for s in v["sites"]),
    "unplain": lambda v: not any(f["form"] == "plain" for f in v["forms"]),
    "headline": lambda v: any(
        (r["scope"], r["unit"]) == ("pooled", "patient") and r["auc"]["value"] is not None
        for r in v["results"]
    ),
    "patients": lambda v: not any(s["patients"] is None for s in v["sites"]),
    "classes": lambda v: any(s["by_class"].get("benign") is not None for s in v["sites"]),
    "whole": lambda v: bool(found_of(v, "pooled")),
    "own": lambda v: bool(found_of(v, "site")),
    "counts": lambda v: "noise" not in v and any_rate(v),
    "auc": any_auc,
    "rates": lambda v: any_rate(v),
    "between": lambda v: any(h["value"] is not None for h in v["heterogeneity"]),
    "confusion": lambda v: (
        any(m["confusion"] for m in v["multiclass"]) or any(c["counts"] for c in v["confusion"])
    ),
    "readers": lambda v: bool(v["readers"]),
    "agreement": lambda v: any(p["kappa"]["value"] is not None for p in v["reader_agreement"]),
    "subgroups": lambda v: any(g["n"] is not None for g in v["subgroups"]),
}
"""By the word of an item's needs: whether a report.json has the fact."""
MEANS: Mapping[str, tuple[str, ...]] = {
    r"DICOM|sequence of the protocol|protocol's sequences|volumes": ("run", "volumes"),
    r"[Pp]icture": ("pictures",),
    r"filled with zeros": ("filled",),
    r"No imputation": ("run",),
    r"model card|in its card|in the card|card's limits": ("card",),
    r"before any score existed": ("evaluation", "first"),
    r"is counted by reason|left out by reason": ("left_out",),
    r"No image, header, score": ("run", "unplain"),
    r"[Rr]andom effects|Between-site": ("between",),
    r"Agreement of the readers on": ("agreement",),
    r"external sites took no part": ("external",),
    r"within a site, no patient": ("run",),
    r"Confusion tables are given": ("confusion",),
    r"numerators": ("rates", "counts"),
    r"chosen by the federated tuning AUC": ("tuned",),
    r"[Ss]cored patients are listed": ("patients",),
    r"[Cc]lasses (are listed )?by site|class mix": ("classes",),
    r"^Pooled": ("whole",),
    r"^Pooled and by site|^By site": ("own",),
}
"""What a text says, by the facts that it needs."""


def test_every_fact_has_its_condition_here() -> None:
    assert TRUE.keys() == NEEDS.keys()


@pytest.mark.parametrize("kind", ALL)
def test_a_fact_is_found_where_the_report_has_it_and_nowhere_else(kind: str) -> None:
    report = report_of(kind)
    values = write_record(report)
    found = {name for name, (holds, _) in NEEDS.items() if holds(report)}
    assert found == {name for name, true in TRUE.items() if true(values)}


@pytest.mark.parametrize("kind", ALL)
def test_an_item_states_only_what_the_report_has(kind: str) -> None:
    report = report_of(kind)
    values = write_record(report)
    for checklist in checklists(report, ANCHORS):
        for item in checklist.items:
            if item.text.startswith("To be completed by the authors"):
                assert item.status == "authors"
                continue
            assert all(TRUE[n](values) for n in item.needs), (item.number, item.text)
            for said, needs in MEANS.items():
                if re.search(said, item.text):
                    assert all(TRUE[n](values) for n in needs), (item.number, item.text)


def test_key_images_answer_pre_processing_by_pictures_and_unknown_origins_do_not() -> None:
    claim, tripod = checklists(report_of("key images"), ANCHORS)
    texts = " ".join(i.text for i in (*claim.items, *tripod.items))
    for never in ("DICOM", "lesion", "liver", "marked"):
        assert never not in texts, never
    (unknown, _) = checklists(report_of("absent site"), ANCHORS)
    (item,) = [i for i in unknown.items if i.number == "9"]
    assert (item.topic, item.status) == ("Pre-processing", "authors")


def test_an_earlier_look_takes_before_any_score_out_of_every_item() -> None:
    for checklist in checklists(report_of("two looks"), ANCHORS):
        assert not any("before any score" in i.text for i in checklist.items)
        assert any("registered after look 1 (2026-02-22)" in i.text for i in checklist.items)
