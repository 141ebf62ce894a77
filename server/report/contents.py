"""Which tables and figures stand in which section, for the files that follow the page."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hepafed.common.records import write_record
from hepafed.server.formats import Report
from hepafed.server.models import facts
from hepafed.server.report.checklists import STATUS_WORDS, Checklist
from hepafed.server.report.drawing import Plot
from hepafed.server.report.facts import only_site, unit_words
from hepafed.server.report.plain_words import trained
from hepafed.server.report.tables import (
    Table,
    between_sites,
    classes,
    cohorts,
    comparisons,
    endpoints,
    printed,
    results,
)


@dataclass(frozen=True)
class Part:
    """What a section of the page holds beside its sentences, in the page's order."""

    section: str
    """Anchor of the section (`page.SECTIONS`)."""
    items: tuple[Table | Plot, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that have a row."""
        return tuple(i for i in self.items if isinstance(i, Table) and i.rows)


def contents(
    report: Report, plots: Mapping[str, Plot], checklists: Iterable[Checklist]
) -> tuple[Part, ...]:
    """Return the tables and figures of a report by section; a table may be empty."""
    units, alone = unit_words(report), only_site(report)
    return tuple(
        Part(
            p.section,
            tuple(printed(i, units, alone) if isinstance(i, Table) else i for i in p.items),
        )
        for p in _parts(report, plots, checklists)
    )


def _parts(
    report: Report, plots: Mapping[str, Plot], checklists: Iterable[Checklist]
) -> tuple[Part, ...]:
    return (
        Part("key", (results.key_figures(report),)),
        Part("preregistration", (endpoints.endpoints(report),)),
        Part("cohorts", (cohorts.flow(report), *cohorts.table_one(report))),
        Part(
            "discrimination",
            (
                plots["roc"],
                *(plots[name] for name in ("roc-classes",) if name in plots),
                plots["forest"],
                results.discrimination(report),
                plots["pr"],
                results.fixed_points(report),
                classes.multiclass(report),
            ),
        ),
        Part(
            "rates",
            (
                results.rates(report),
                results.more_rates(report),
                results.at_prevalence(report),
                classes.by_largest(report),
            ),
        ),
        Part(
            "heterogeneity",
            (
                between_sites.heterogeneity(report),
                between_sites.leave_one_out(report),
                between_sites.drift(report),
            ),
        ),
        Part(
            "calibration",
            (
                plots["calibration"],
                between_sites.reliability(report),
                between_sites.calibration(report),
            ),
        ),
        Part("utility", (plots["decision"],)),
        Part(
            "readers",
            (
                comparisons.readers(report),
                comparisons.agreement(report),
                comparisons.comparisons(report),
                comparisons.comparisons_by_site(report),
            ),
        ),
        Part("subgroups", (between_sites.subgroups(report),)),
        Part("confusion", (classes.confusion(report),)),
        Part("privacy", (between_sites.released(report),)),
        Part("checklists", tuple(map(_checklist, checklists))),
        Part("card", (_card(report),)),
        Part("provenance", (_provenance(report), results.everything(report))),
    )


def used_words(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the captions and heads of all tables and figures that are shown."""
    for part in parts:
        for item in part.items:
            if isinstance(item, Plot):
                yield item.title
            elif item.rows:
                yield from (item.caption, *item.head)


def _checklist(made: Checklist) -> Table:
    rows = tuple(
        (i.number, (i.topic, i.section), STATUS_WORDS[i.status], i.text) for i in made.items
    )
    head = ("Item", "What it asks", "Who answers", "How")
    caption = f"{made.name}, filled in for this report"
    return Table(re.sub(r"\W+", "-", made.name.lower()), caption, head, rows, f"{made.source}.")


def _card(report: Report) -> Table:
    card = report.model.card
    rows = (*trained.training_rows(report), *facts(card)) if card is not None else ()
    return Table("card", "What the card states", ("Item", "Value"), rows)


def _provenance(report: Report) -> Table:
    rows = tuple(
        (
            k.replace("_", " ").capitalize(),
            v if isinstance(v, str) else json.dumps(v) if v else "none",
        )
        for k, v in write_record(report.provenance).items()
    )
    return Table("origin", "Where the figures come from", ("Item", "Value"), rows)
