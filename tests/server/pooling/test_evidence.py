"""What sites released adds up, each site once; one site that withholds a part takes it away."""

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract import Cells
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import (
    FIGURES,
    TASK_ORDER,
    Additive,
    Intervals,
    ScoreTable,
    additive_of,
    sections,
)
from hepafed.server.pooling.evidence import Group, evidence, figure_cells, sum_of, task_of

WITHHELD = "suppressed by a site"
SIZES = {"c": 31, "a": 52, "b": 24}
"""Lesions by site; the sites answer in another order than that of their names."""
READERS = {"c": ("r1", "r3"), "a": ("r2", "r3"), "b": ("r1", "r2", "r3")}
SMALL = ("confusion", "called", "clusters", "decision", "reliability", "score_sums", "squares")


def table(site: str, readers: tuple[str, ...] = ()) -> ScoreTable:
    """Two lesions a patient; a reader calls a patient, and may have left it out (−1)."""
    n = SIZES[site]
    rng = np.random.default_rng(n)
    raw = rng.normal(size=(n, 3)) * 2
    return ScoreTable(
        site=np.full(n, site),
        patient=np.array([f"p{i // 2}" for i in range(n)]),
        lesion=np.array([f"l{i}" for i in range(n)]),
        truth=rng.choice(3, n, p=[0.5, 0.2, 0.3]),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={r: np.repeat(rng.integers(-1, 2, n), 2)[:n].astype(np.int8) for r in readers},
    )


@cache
def released(site: str, readers: tuple[str, ...] = ()) -> SiteSummary:
    its = table(site, readers)
    return summarise(its, run="r", model="m", weights="", threshold=0.4, minimum_count=1)


@cache
def sums(site: str, readers: tuple[str, ...] = ()) -> Additive:
    return additive_of(table(site, READERS[site]), 0.4, readers)


def whole(*sites: str) -> dict[str, Any]:
    """Add up by hand the small sections of sites."""
    parts = [sums(s) for s in sites]
    return {n: sum(getattr(p, n) for p in parts) for n in ("size", *SMALL)}


def changed(summary: SiteSummary, index: int, **values: object) -> SiteSummary:
    """Change one task of a summary."""
    tasks = list(summary.tasks)
    tasks[index] = dataclasses.replace(tasks[index], **values)  # type: ignore[arg-type]
    return dataclasses.replace(summary, tasks=tuple(tasks))


def scores_of(cells: Intervals | str) -> list[tuple[int, int, int]]:
    """Give each bin with its positives and negatives, where every cell is one bin."""
    assert isinstance(cells, Intervals)
    held: dict[int, tuple[int, int]] = {}
    rows = zip(cells.low, cells.high, cells.positives, cells.negatives, strict=True)
    for low, high, p, n in rows:
        assert high == low + 1
        before = held.get(int(low), (0, 0))
        held[int(low)] = (before[0] + int(p), before[1] + int(n))
    return sorted((b, p, n) for b, (p, n) in held.items())


def test_a_summary_s_task_is_found_by_unit_and_name() -> None:
    its = released("a")
    for unit, task in TASK_ORDER:
        found = task_of(its, unit, task)
        assert found is not None
        assert (found.unit, found.task) == (unit, task)
    assert task_of(its, "lesion", "malignant_vs_benign") is None
    assert task_of(its, "patient", "benign_vs_rest") is None


def test_counts_of_sites_add_up() -> None:
    known = evidence({s: released(s) for s in SIZES})
    for name, total in whole(*SIZES).items():
        found = known.section(name)
        assert found is not None
        assert found.tolist() == total.tolist()
        assert known.reason(name) == ""


def test_a_site_of_a_group_counts_once() -> None:
    known = evidence({s: released(s) for s in SIZES}, [Group(("a",), sums("a"), "plain")])
    for name, total in whole(*SIZES).items():
        found = known.section(name)
        assert found is not None
        assert found.tolist() == total.tolist()


def test_only_small_sections_are_known_as_sections() -> None:
    known = evidence({"a": released("a")})
    fine = {"patient_scores", "lesion_scores"}
    assert list(known.sections) == [n for n in sections() if n not in fine]


@pytest.mark.parametrize("name", [*SMALL, "reader_calls", "reader_pairs"])
def test_one_site_that_withholds_a_section_withholds_it_from_all(name: str) -> None:
    summaries = {s: released(s, READERS[s]) for s in SIZES}
    its = summaries["a"]
    if name == "confusion":
        summaries["a"] = dataclasses.replace(its, confusion=None)
    elif name == "called":
        summaries["a"] = changed(its, 2, true_positives=None)
    else:
        held = {n: v for n, v in its.sections.items() if n != name}
        summaries["a"] = dataclasses.replace(its, sections=held)
    known = evidence(summaries)
    assert (known.section(name), known.reason(name)) == (None, WITHHELD)
    others = [n for n in known.sections if n != name]
    assert [known.reason(n) for n in others] == [""] * len(others)


def test_calls_are_withheld_where_either_class_of_a_task_is_or_a_task_is_missing() -> None:
    its = released("a")
    for bad in (
        changed(its, 3, true_negatives=None),
        changed(its, 0, true_positives=None),
        dataclasses.replace(its, tasks=its.tasks[:3]),
    ):
        assert evidence({"a": bad}).reason("called") == WITHHELD
    none_right = changed(changed(its, 1, true_negatives=0), 1, true_positives=0)
    found = evidence({"a": none_right}).section("called")
    assert found is not None
    p, n = its.tasks[1].positives, its.tasks[1].negatives
    assert found[1].tolist() == [[0, n], [p, 0]]


@pytest.mark.parametrize("change", [1, -1], ids=["longer", "shorter"])
def test_a_section_of_another_length_is_refused(change: int) -> None:
    its = released("a")
    values = (*its.sections["squares"], 0) if change > 0 else its.sections["squares"][:-1]
    bad = dataclasses.replace(its, sections={**its.sections, "squares": values})
    with pytest.raises(PayloadError, match="section squares does not have the agreed layout"):
        evidence({"a": bad})


def test_the_calls_of_a_reader_add_up_under_its_name() -> None:
    grouped = Group(("b",), sums("b", READERS["b"]), "plain")
    for groups in ([], [grouped]):
        known = evidence({s: released(s, READERS[s]) for s in SIZES}, groups)
        assert known.readers == ("r1", "r2", "r3")
        calls, pairs = known.section("reader_calls"), known.section("reader_pairs")
        assert calls is not None
        assert pairs is not None
        for i, reader in enumerate(known.readers):
            who = [s for s in SIZES if reader in READERS[s]]
            total = sum(sums(s, (reader,)).reader_calls[0] for s in who)
            assert calls[i].tolist() == np.asarray(total).tolist()
        for i, pair in enumerate((("r1", "r2"), ("r1", "r3"), ("r2", "r3"))):
            who = [s for s in SIZES if {*pair} <= {*READERS[s]}]
            total = sum(sums(s, pair).reader_pairs[0] for s in who)
            assert pairs[i].tolist() == np.asarray(total).tolist()


def test_readers_of_a_masked_sum_count_though_no_lone_site_has_them() -> None:
    known = evidence({"a": released("a"), "b": released("b", READERS["b"])},
                     [Group(("b",), sums("b", READERS["b"]))])  # fmt: skip
    assert known.readers == READERS["b"]


@pytest.mark.parametrize("figure", FIGURES, ids="/".join)
def test_cells_of_one_bin_are_the_fine_counts_of_each_figure(figure: tuple[str, str]) -> None:
    summaries = {s: released(s) for s in SIZES}
    alone = evidence(summaries).cells[figure]
    groups = [Group(("b",), sums("b")), Group(("c", "a"), add_by_hand("c", "a"))]
    grouped = evidence(summaries, groups).cells[figure]
    mixed = evidence(summaries, groups[1:]).cells[figure]
    assert scores_of(alone) == scores_of(grouped) == scores_of(mixed)
    assert scores_of(figure_cells(figure, summaries, groups[:1])) == scores_of(alone)
    assert scores_of(figure_cells(figure, {}, groups[1:])) == scores_of(
        evidence({}, groups[1:]).cells[figure]
    )


def add_by_hand(*sites: str) -> Additive:
    parts = [sums(s) for s in sites]
    names = [f.name for f in dataclasses.fields(Additive) if f.name != "readers"]
    return Additive(readers=(), **{n: sum(getattr(p, n) for p in parts) for n in names})


def test_the_scores_of_a_figure_are_of_its_own_classes() -> None:
    """Positives of class a against negatives of class b, each in the bin of a's score."""
    known = evidence({s: released(s) for s in SIZES})
    truth = np.concatenate([table(s).truth for s in SIZES])
    by_class = np.bincount(truth)
    for unit, name in FIGURES[1:]:
        first, other = name.split("_vs_")
        keys = ["benign", "primary_malignant", "metastatic"]
        cells = known.cells[unit, name]
        assert isinstance(cells, Intervals)
        k = keys.index(first)
        rest = len(truth) - by_class[k] if other == "rest" else by_class[keys.index(other)]
        assert cells.totals == (by_class[k], rest)


def test_only_the_figures_that_are_asked_for_have_cells() -> None:
    groups = [Group((s,), sums(s)) for s in ("a", "b")]
    for wanted in (TASK_ORDER, TASK_ORDER[:1], FIGURES[4:6]):
        known = evidence({s: released(s) for s in SIZES}, groups, wanted)
        assert tuple(known.cells) == tuple(wanted)
        every = evidence({s: released(s) for s in SIZES}, groups)
        for f in wanted:
            assert scores_of(known.cells[f]) == scores_of(every.cells[f])


def test_adding_up_changes_no_group() -> None:
    groups = [Group((s,), sums(s)) for s in ("a", "b")]
    before = [g.sums.to_vector().copy() for g in groups]
    evidence({}, groups)
    assert all((g.sums.to_vector() == v).all() for g, v in zip(groups, before, strict=True))
    parts = [np.array([1, 2]), np.array([10, 20]), np.array([100, 200])]
    assert sum_of(parts).tolist() == [111, 222]
    assert parts[0].tolist() == [1, 2]


def test_one_site_without_cells_withholds_those_of_its_task() -> None:
    summaries = {s: released(s) for s in SIZES}
    summaries["a"] = changed(summaries["a"], 2, cells=None)
    known = evidence(summaries)
    gone = [f for f, c in known.cells.items() if isinstance(c, str)]
    assert gone == [
        ("lesion", "primary_malignant_vs_rest"),
        ("lesion", "primary_malignant_vs_benign"),
        ("lesion", "primary_malignant_vs_metastatic"),
    ]
    assert {known.cells[f] for f in gone} == {WITHHELD}


def test_a_site_without_a_case_of_a_task_withholds_nothing() -> None:
    summaries = {s: released(s) for s in SIZES}
    empty = changed(summaries["a"], 0, cells=None, positives=0, negatives=0)
    without = dataclasses.replace(summaries["a"], tasks=summaries["a"].tasks[1:])
    for a in (empty, without):
        known = evidence({**summaries, "a": a})
        rest = evidence({s: v for s, v in summaries.items() if s != "a"})
        assert scores_of(known.cells[TASK_ORDER[0]]) == scores_of(rest.cells[TASK_ORDER[0]])
    one_case = changed(summaries["a"], 0, cells=None, positives=1, negatives=0)
    assert evidence({"a": one_case}).cells[TASK_ORDER[0]] == WITHHELD


def test_cells_that_do_not_part_the_classes_say_so() -> None:
    its = released("a")
    cells = its.tasks[1].cells
    assert cells is not None
    merged = Cells(edges=cells.edges, positives=cells.positives, negatives=cells.negatives)
    known = evidence({"a": changed(its, 1, cells=merged)})
    assert isinstance(known.cells["lesion", "benign_vs_rest"], Intervals)
    for name in ("benign_vs_primary_malignant", "benign_vs_metastatic"):
        assert known.cells["lesion", name] == "a site's cells do not part the classes"


def test_nothing_released_is_nothing_known() -> None:
    known = evidence({})
    assert known.readers == ()
    for figure in FIGURES:
        assert scores_of(known.cells[figure]) == []


@pytest.mark.parametrize(
    "add_up", [partial(evidence, {}), partial(figure_cells, FIGURES[0], {})], ids=["all", "one"]
)
def test_a_site_in_two_sums_is_refused(add_up: Callable[[list[Group]], object]) -> None:
    groups = [Group(("a", "b"), sums("a")), Group(("b",), sums("b"))]
    with pytest.raises(PayloadError, match="a site is in two sums"):
        add_up(groups)


def test_a_group_is_masked_unless_it_says_otherwise() -> None:
    assert Group(("a",), sums("a")).form == "masked"
