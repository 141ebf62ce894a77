"""Put together what was released, of one site or of all: intervals of scores, counts and sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hepafed.common.contract import CLASS_KEYS, TaskSummary
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure import POOLED_ONLY
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import (
    FIGURES,
    PAIRWISE,
    TASK_ORDER,
    Additive,
    Intervals,
    intervals_of,
    intervals_of_histogram,
    joined,
    pair_histogram,
    pair_intervals,
    reader_pairs,
    sections,
)
from numpy.typing import NDArray

Counts = NDArray[np.int64]
SUPPRESSED = "suppressed by a site"


@dataclass(frozen=True)
class Group:
    """Sites whose additive components came as one sum."""

    sites: tuple[str, ...]
    sums: Additive
    form: str = "masked"
    """`masked`, or `plain` for a site that sent its own vector."""


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of one scope; a reason stands where something is withheld."""

    cells: Mapping[tuple[str, str], Intervals | str]
    """By figure of `clusters.FIGURES`."""
    sections: Mapping[str, Counts | str]
    """Small sections of `common/statistics/additive.py`, reader sections by `readers`."""
    readers: tuple[str, ...]

    def section(self, name: str) -> Counts | None:
        """Return a section, or None where it is withheld."""
        found = self.sections[name]
        return None if isinstance(found, str) else found

    def reason(self, name: str) -> str:
        """Return why a section is withheld; "" where it is not."""
        found = self.sections[name]
        return found if isinstance(found, str) else ""


def task_of(summary: SiteSummary, unit: str, task: str) -> TaskSummary | None:
    """Return a summary's part on one task."""
    return next((t for t in summary.tasks if (t.unit, t.task) == (unit, task)), None)


def evidence(
    summaries: Mapping[str, SiteSummary],
    groups: Sequence[Group] = (),
    figures: Sequence[tuple[str, str]] = FIGURES,
) -> Evidence:
    """Add up groups, and the summaries of sites that are in none; cells of `figures` alone.

    Raises
    ------
    PayloadError
        A site is in two groups.
    """
    alone = _alone(summaries, groups)
    names = {r for g in groups for r in g.sums.readers}
    readers = tuple(sorted(names.union(*(v.readers for v in alone.values()))))
    fine = _histograms(groups, figures)
    return Evidence(
        cells={f: _cells(f, fine[f], alone) for f in figures},
        sections={
            n: _section(n, readers, groups, alone)
            for n in sections()
            if "_scores" not in n or n == "score_sums"
        },
        readers=readers,
    )


def figure_cells(
    figure: tuple[str, str], summaries: Mapping[str, SiteSummary], groups: Sequence[Group]
) -> Intervals | str:
    """Add up one figure's scores alone, of groups and of the sites that are in none."""
    return _cells(figure, _histograms(groups, (figure,))[figure], _alone(summaries, groups))


def _alone(summaries: Mapping[str, SiteSummary], groups: Sequence[Group]) -> dict[str, SiteSummary]:
    grouped = [s for g in groups for s in g.sites]
    if len(set(grouped)) < len(grouped):
        raise PayloadError("a site is in two sums")
    return {s: v for s, v in summaries.items() if s not in grouped}


def _histograms(
    groups: Sequence[Group], figures: Sequence[tuple[str, str]] = FIGURES
) -> dict[tuple[str, str], list[Intervals]]:
    """Add up the groups' fine histograms; nothing where there is no group."""
    if not groups:
        return {f: [] for f in figures}
    whole = groups[0].sums
    # only what is asked for is summed: a histogram of all lesions is 4.7 MB a site
    units = {unit for unit, _ in figures} if len(groups) > 1 else set()
    if "patient" in units:
        whole = replace(whole, patient_scores=sum_of([g.sums.patient_scores for g in groups]))
    if "lesion" in units:
        whole = replace(whole, lesion_scores=sum_of([g.sums.lesion_scores for g in groups]))
    return {f: [intervals_of_histogram(pair_histogram(whole, f))] for f in figures}


def sum_of(parts: list[Counts]) -> Counts:
    """Add arrays without stacking them."""
    total = parts[0].copy()
    for p in parts[1:]:
        total += p
    return total


def _cells(
    figure: tuple[str, str], fine: list[Intervals], alone: Mapping[str, SiteSummary]
) -> Intervals | str:
    found = list(fine)
    for summary in alone.values():
        unit, name = figure
        first, other = name.split("_vs_")
        task = task_of(summary, unit, f"{first}_vs_rest" if figure in PAIRWISE else name)
        if task is None or task.positives + task.negatives == 0:
            continue
        if task.cells is None:
            return _gone(summary)
        if figure not in PAIRWISE:
            found.append(intervals_of(task.cells))
            continue
        rest = [c for c in CLASS_KEYS if c != first]
        pair = pair_intervals(task.cells, first=other == rest[0])
        if pair is None:
            return "a site's cells do not part the classes"
        found.append(pair)
    return joined(found)


def _section(
    name: str, readers: tuple[str, ...], groups: Sequence[Group], alone: Mapping[str, SiteSummary]
) -> Counts | str:
    shape = sections(len(readers))[name]
    total = np.zeros(shape, np.int64)
    parts: list[tuple[Counts | str, tuple[str, ...]]] = [
        (getattr(g.sums, name), g.sums.readers) for g in groups
    ]
    for s in alone.values():
        own = _own(s, name)
        parts.append((_gone(s) if own is None else own, s.readers))
    for values, its in parts:
        if isinstance(values, str):
            return values
        if name == "reader_calls":
            for i, reader in enumerate(its):
                total[readers.index(reader)] += values[i]
        elif name == "reader_pairs":
            where = {p: k for k, p in enumerate(reader_pairs(readers))}
            for i, pair in enumerate(reader_pairs(its)):
                total[where[pair]] += values[i]
        else:
            total += values
    return total


def _gone(summary: SiteSummary) -> str:
    """Say why a site's own counts are not there."""
    return POOLED_ONLY if summary.form == "masked" else SUPPRESSED


def _own(summary: SiteSummary, name: str) -> Counts | None:
    """Return a section of one summary, whose numbers came over the network."""
    try:
        return _section_of(summary, name)
    except OverflowError as e:
        raise PayloadError(f"a number of {name.replace('_', ' ')} beyond 64 bits") from e


def _section_of(summary: SiteSummary, name: str) -> Counts | None:
    """Return a section of one summary; `size`, `called` and `confusion` from its fields."""
    if name == "size":
        return np.array([summary.patients, summary.lesions], np.int64)
    if name == "confusion":
        return None if summary.confusion is None else np.array(summary.confusion, np.int64)
    if name == "called":
        found = [task_of(summary, *t) for t in TASK_ORDER]
        return None if any(t is None for t in found) else _calls([t for t in found if t])
    values = summary.sections.get(name)
    if values is None:
        return None
    shape = sections(len(summary.readers))[name]
    made = np.array(values, np.int64)
    if made.size != int(np.prod(shape)):
        raise PayloadError(f"the section {name} does not have the agreed layout")
    return made.reshape(shape)


def _calls(tasks: list[TaskSummary]) -> Counts | None:
    rows = []
    for t in tasks:
        if t.true_positives is None or t.true_negatives is None:
            return None
        rows.append(
            [
                [t.true_negatives, t.negatives - t.true_negatives],
                [t.positives - t.true_positives, t.true_positives],
            ]
        )
    return np.array(rows, np.int64)
