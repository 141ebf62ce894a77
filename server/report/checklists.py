"""CLAIM 2024 and TRIPOD+AI: what this report answers, where, and what the authors must fill in."""

import json
from dataclasses import dataclass
from pathlib import Path

from hepafed.server.formats import Report

FILES = ("claim2024.json", "tripod_ai.json")
STATUS_WORDS = {
    "answered": "Answered here",
    "partly": "Partly; authors complete it",
    "authors": "Authors",
}
PART_WORDS = {
    "external": "it is not a validation at external sites",
    "run": "it was made from a table of scores",
    "card": "it has no model card",
    "evaluation": "no analysis plan was registered",
    "readers": "no reader's calls were released",
    "subgroups": "no subgroup was released",
    "confusion": "the cases have two classes",
}
TO_AUTHORS = "To be completed by the authors."
SPLIT_WORDS = {
    "external": "external sites, which took no part in training",
    "test": "internal test of the training sites",
    "": "score table that was given",
}


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

    An item that needs a part this report does not hold falls to the authors.
    """
    return tuple(_filled(name, report, anchors) for name in FILES)


def _filled(name: str, report: Report, anchors: frozenset[str]) -> Checklist:
    values = json.loads(Path(__file__).with_name(name).read_text("utf-8"))
    facts = _facts(report)
    items = []
    for row in values["items"]:
        number, section, topic, status, where, text, needs = row
        if needs and not _holds(report, needs):
            why = f"{TO_AUTHORS} The report cannot fill this in because {PART_WORDS[needs]}."
            items.append(Item(number, section, topic, "authors", "", why))
            continue
        items.append(
            Item(
                number,
                section,
                topic,
                status,
                where if where in anchors else "",
                text.format_map(facts) or TO_AUTHORS,
            )
        )
    return Checklist(values["name"], values["source"], tuple(items))


def _holds(report: Report, part: str) -> bool:
    """Return whether a report has the part that an item needs, a key of `PART_WORDS`."""
    return {
        "card": report.model.card is not None,
        "external": report.provenance.split == "external",
        "run": bool(report.provenance.run),
        "evaluation": bool(report.evaluation),
        "readers": bool(report.readers),
        "subgroups": bool(report.subgroups),
        "confusion": report.classes is None,
    }[part]


def _facts(report: Report) -> dict[str, object]:
    point = report.model.operating_point
    return {
        "sites": len(report.sites),
        "split": SPLIT_WORDS[report.provenance.split],
        "threshold": f"{point.threshold:.4f}",
        "rule": point.rule,
        "output": "Three probabilities"
        if report.classes is None
        else "A probability of malignancy",
    }
