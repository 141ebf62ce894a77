"""CLAIM 2024 and TRIPOD+AI: what this report answers, where, and what the authors must fill in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hepafed.server.formats import Report
from hepafed.server.report.facts import (
    PICTURES,
    counted,
    exploratory,
    fills_missing,
    is_federated,
    only_pictures,
    pooled,
    shares_left_out,
    silent_sites,
    sources,
)

FILES = ("claim2024.json", "tripod_ai.json")
STATUS_WORDS = {
    "answered": "Answered here",
    "partly": "Partly; authors complete it",
    "authors": "Authors",
}
TO_AUTHORS = "To be completed by the authors."
SPLIT_WORDS = {
    "external": "external sites, which took no part in training",
    "test": "internal test of the training sites",
}
Holds = Callable[[Report], bool]


def _has_auc(report: Report, scope: str) -> bool:
    return any(r.scope == scope and r.auc.value is not None for r in report.results)


NEEDS: Mapping[str, tuple[Holds, str]] = {
    "run": (is_federated, "it was made from a table of scores"),
    "card": (lambda r: r.model.card is not None, "it has no model card"),
    "use": (lambda r: bool(r.model.card and r.model.card.intended_use), "the card states no use"),
    "limits": (lambda r: bool(r.model.card and r.model.card.limits), "the card states no limits"),
    "tuned": (
        lambda r: r.model.card is not None and r.model.card.tuning_auc is not None,
        "the card has no tuning AUC",
    ),
    "plan": (lambda r: bool(r.provenance.plan), "it has no plan of the training"),
    "rule": (lambda r: bool(r.model.operating_point.rule), "no rule of the threshold is stated"),
    "external": (
        lambda r: is_federated(r) and r.provenance.split == "external",
        "it is not a validation at external sites",
    ),
    "internal": (
        lambda r: is_federated(r) and r.provenance.split == "test",
        "it is not of an internal test",
    ),
    "evaluation": (lambda r: bool(r.evaluation), "it knows of no registered analysis plan"),
    "first": (
        lambda r: r.look is not None and not exploratory(r),
        "an earlier look is recorded",
    ),
    "origin": (lambda r: not silent_sites(r), "not every site states how its cohort came about"),
    "volumes": (
        lambda r: bool((sources(r) or frozenset()) - {PICTURES}),
        "not every site states that its cases come from volumes",
    ),
    "pictures": (
        lambda r: only_pictures(r),
        "not every site states where its images come from",
    ),
    "filled": (fills_missing, "the plan does not fill missing sequences"),
    "left_out": (shares_left_out, "not every site states what it left out"),
    "unplain": (lambda r: all(f.form != "plain" for f in r.forms), "fine histograms were sent"),
    "headline": (
        lambda r: (row := pooled(r)) is not None and row.auc.value is not None,
        "it has no pooled AUC",
    ),
    "patients": (
        lambda r: all(s.patients is not None for s in r.sites),
        "the number of patients of each site is not known",
    ),
    "classes": (
        lambda r: any(n is not None for s in r.sites for n in s.by_class.values()),
        "no site released its classes",
    ),
    "whole": (lambda r: _has_auc(r, "pooled"), "it has no pooled AUC"),
    "own": (lambda r: _has_auc(r, "site"), "no site gave its own AUC"),
    "counts": (
        lambda r: any(
            x.denominator is not None
            for row in r.results
            for x in (row.sensitivity, row.specificity)
            if x is not None and x.value is not None
        ),
        "its counts carry noise",
    ),
    "auc": (lambda r: any(x.auc.value is not None for x in r.results), "it has no AUC"),
    "rates": (
        lambda r: any(
            x.value is not None
            for row in r.results
            for x in (row.sensitivity, row.specificity)
            if x is not None
        ),
        "it has no rate",
    ),
    "between": (
        lambda r: any(h.value is not None for h in r.heterogeneity),
        "fewer than two sites have an AUC with an interval",
    ),
    "confusion": (
        lambda r: any(m.confusion for m in r.multiclass) or any(c.counts for c in r.confusion),
        "it has no confusion table",
    ),
    "readers": (lambda r: any(x.n for x in r.readers), "it has no reader's calls"),
    "agreement": (
        lambda r: any(p.kappa.value is not None for p in r.reader_agreement),
        "it has no agreement of two readers",
    ),
    "subgroups": (
        lambda r: any(g.n is not None for g in r.subgroups),
        "it has no figure of a subgroup",
    ),
}
"""By the word of an item's column `needs`: the fact, and why an item falls to the authors."""


@dataclass(frozen=True)
class Item:
    """One item of a checklist, filled in."""

    number: str
    section: str
    topic: str
    status: str
    """A key of `STATUS_WORDS`."""
    where: str
    """Anchor of the section of the page; empty: none."""
    text: str
    needs: tuple[str, ...] = ()
    """The facts of `NEEDS` on which the item's text relies."""


@dataclass(frozen=True)
class Checklist:
    """A checklist, filled in; the numbering is its authors', the wording ours."""

    name: str
    source: str
    items: tuple[Item, ...]

    def count(self, status: str) -> int:
        """Return how many items have a status."""
        return sum(i.status == status for i in self.items)


def checklists(report: Report, anchors: frozenset[str]) -> tuple[Checklist, ...]:
    """Fill both checklists in for a report whose page has the sections `anchors`.

    Of several rows of one item the first counts whose facts the report has; an item without such a
    row falls to the authors.
    """
    return tuple(_filled(name, report, anchors) for name in FILES)


def _filled(name: str, report: Report, anchors: frozenset[str]) -> Checklist:
    values = json.loads(Path(__file__).with_name(name).read_text("utf-8"))
    facts = _facts(report)
    rows: dict[str, list[list[str]]] = {}
    for row in values["items"]:
        rows.setdefault(row[0], []).append(row)
    items = tuple(_item(found, report, anchors, facts) for found in rows.values())
    return Checklist(values["name"], values["source"], items)


def _item(
    rows: list[list[str]], report: Report, anchors: frozenset[str], facts: Mapping[str, object]
) -> Item:
    """Return an item from the first of its rows whose facts the report has."""
    why = ""
    for number, section, topic, status, where, text, words in rows:
        needs = tuple(words.split())
        lacking = [w for w in needs if not NEEDS[w][0](report)]
        if not lacking:
            there = where if where in anchors else ""
            said = text.format_map(facts) or TO_AUTHORS
            return Item(number, section, topic, status, there, said, needs)
        why = why or NEEDS[lacking[0]][1]
    number, section, topic = rows[0][:3]
    said = f"{TO_AUTHORS} The report cannot fill this in because {why}."
    return Item(number, section, topic, "authors", "", said)


def _facts(report: Report) -> dict[str, object]:
    point, n = report.model.operating_point, len(report.sites)
    return {
        "sites": f"{counted(n, 'site')} {'is' if n == 1 else 'are'}",
        "split": SPLIT_WORDS.get(report.provenance.split, "cases that were given"),
        "threshold": f"{point.threshold:.4f}",
        "exploratory": exploratory(report) or "registered before any score existed",
        "output": "Three probabilities"
        if report.classes is None
        else "A probability of malignancy",
    }
