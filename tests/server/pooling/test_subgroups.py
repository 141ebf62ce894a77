"""Figures by subgroup: asked, shared by policy, pooled; and no withheld count can be derived."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.figures import Figure, SubgroupSummary
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure import subgroup_suppression
from hepafed.common.disclosure.subgroup_figures import (
    TASK,
    TELLING,
    UNIT,
    levels_of,
    subgroup_summaries,
)
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import DataError
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable, read_scores, task_scores, write_scores
from hepafed.server import pooling
from hepafed.server.formats import ModelPart, OperatingPoint, Provenance
from hepafed.server.pooling import check_summary
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.write import write_report
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from sklearn.metrics import roc_auc_score

from tests.server.federation import PLAN, Federation, joined, table_of

LEVELS = ("a", "b", "c", "d")
MODEL = ModelPart(
    id="m",
    protocol="t2",
    sha256="",
    operating_point=OperatingPoint(threshold=0.5, rule="", chosen_on=""),
)


def pool(summaries: dict[str, SiteSummary]) -> dict[str, Any]:
    """Pool, and give the report as report.json holds it."""
    return write_record(pooling.pool(summaries, MODEL, Provenance()))


def grouped(site: str, seed: int, lesions: int, shares: tuple[float, ...]) -> ScoreTable:
    """A site's table with a level of `x` for each patient, drawn with these shares."""
    table = table_of(site, seed, lesions)
    rng = np.random.default_rng(seed)
    drawn = rng.choice(LEVELS[: len(shares)], lesions, p=np.array(shares) / sum(shares))
    return replace(table, groups={"x": drawn[np.arange(lesions) // 2]})


def built(site: str, **levels: tuple[int, int, int, int]) -> ScoreTable:
    """A table of one lesion a patient with these numbers of tp, fn, tn and fp in each level."""
    kinds = [(v, k) for v, counts in levels.items() for k in range(4) for _ in range(counts[k])]
    rng = np.random.default_rng(len(kinds))
    malignant = np.array([k < 2 for _, k in kinds])
    called = np.array([k in (0, 3) for _, k in kinds])
    p = np.where(called, rng.uniform(0.5, 1, len(kinds)), rng.uniform(0, 0.5, len(kinds)))
    names = np.array([f"{i}" for i in range(len(kinds))])
    return ScoreTable(
        site=np.full(len(kinds), site),
        patient=names,
        lesion=names,
        truth=malignant.astype(np.int64),
        log_probs=np.log(np.stack([1 - p, p / 2, p / 2], 1)),
        readers={},
        groups={"x": np.array([v for v, _ in kinds])},
    )


def summary_of(table: ScoreTable, minimum: int) -> SiteSummary:
    made = summarise(table, run="r", model="m", weights="w", threshold=0.5, minimum_count=minimum)
    return replace(made, subgroups=subgroup_summaries(table, ("x",), 0.5, minimum))


def truth_of(table: ScoreTable) -> dict[str, tuple[int, int, int, int]]:
    """Count tp, fn, tn, fp of each level by hand."""
    scores, level = task_scores(table, UNIT, TASK), levels_of(table, "x")
    call = scores.probabilities >= 0.5
    return {
        v: (
            int(((level == v) & scores.truth & call).sum()),
            int(((level == v) & scores.truth & ~call).sum()),
            int(((level == v) & ~scores.truth & ~call).sum()),
            int(((level == v) & ~scores.truth & call).sum()),
        )
        for v in LEVELS
        if (level == v).any()
    }


class Attack:
    """Every linear equation between counts that a report holds, over counts of none or more."""

    def __init__(self, report: dict[str, Any], levels: dict[str, list[str]]) -> None:
        self.unknown = [(s, v, c) for s, found in levels.items() for v in found for c in range(4)]
        self._at = {k: i for i, k in enumerate(self.unknown)}
        self._levels = levels
        self.left: list[list[int]] = []
        self.right: list[int] = []
        self.most = np.full(len(self.unknown), np.inf)
        for r in report["results"]:
            if (r["unit"], r["task"]) == (UNIT, TASK) and r["scope"] != "site-mean":
                sites = list(levels) if r["site"] is None else [r["site"]]
                self._row(r, [(s, v) for s in sites for v in levels[s]])
        for g in report["subgroups"]:
            sites = g["released_by"] if g["site"] is None else [g["site"]]
            self._row(g, [(s, g["level"]) for s in sites])
            if g["scope"] == "site" and g["auc"]["value"] is not None:
                self._ordered_pairs(g)

    def _ordered_pairs(self, g: dict[str, Any]) -> None:
        """Bound calls by the AUC: fn·fp pairs at most are wrong, tp·tn at most are right."""
        positives, negatives = g["positives"], g["n"] - g["positives"]
        right = round(2 * g["auc"]["value"] * positives * negatives) / 2
        wrong = positives * negatives - right
        for rate, known, bounded in (("specificity", negatives, 0), ("sensitivity", positives, 2)):
            count = g[rate]["numerator"]
            for pairs, factor, column in ((right, count, 0), (wrong, known - (count or 0), 1)):
                if count is not None and factor:
                    at = self._at[g["site"], g["level"], bounded + column]
                    self.most[at] = pairs // factor

    def _row(self, row: dict[str, Any], cells: list[tuple[str, str]]) -> None:
        if row["n"] is not None:
            self._equation(cells, (0, 1, 2, 3), row["n"])
            self._equation(cells, (0, 1), row["positives"])
        for rate, right, both in (("sensitivity", 0, (0, 1)), ("specificity", 2, (2, 3))):
            if row[rate]["numerator"] is not None and len({s for s, _ in cells}) == 1:
                self._equation(cells, (right,), row[rate]["numerator"])
                self._equation(cells, both, row[rate]["denominator"])

    def _equation(self, cells: list[tuple[str, str]], columns: tuple[int, ...], total: int) -> None:
        left = [0] * len(self.unknown)
        for site, level in cells:
            for c in columns:
                left[self._at[site, level, c]] = 1
        self.left.append(left)
        self.right.append(total)

    def follows(self, wanted: list[tuple[str, str, int]]) -> bool:
        """Return whether the sum of some counts is the only one that fits."""
        aim = np.zeros(len(self.unknown))
        aim[[self._at[w] for w in wanted]] = 1
        ends = []
        for sign in (1, -1):
            done = milp(
                sign * aim,
                bounds=Bounds(0, self.most),
                integrality=np.ones(len(aim)),
                constraints=LinearConstraint(np.array(self.left), self.right, self.right),
            )
            assert done.success
            ends.append(round(sign * done.fun))
        return ends[0] == ends[1]


def derived(report: dict[str, Any], tables: dict[str, ScoreTable], minimum: int) -> list[object]:
    """Try to derive every small count of every level; give those that follow."""
    truths = {s: truth_of(t) for s, t in tables.items()}
    attack = Attack(report, {s: list(t) for s, t in truths.items()})
    found: list[object] = []
    for site, levels in truths.items():
        total = np.sum([*levels.values()], axis=0)
        for level, counts in levels.items():
            for columns in ((0,), (1,), (2,), (3,), (0, 1), (2, 3)):
                count = sum(counts[c] for c in columns)
                # what only one level can hold is the site's own total, which is no subgroup's
                if not 0 < count < minimum or count == sum(total[c] for c in columns):
                    continue
                if attack.follows([(site, level, c) for c in columns]):
                    found.append((site, level, columns, count))
    return found


SITES = st.lists(
    st.tuples(
        st.integers(0, 10**6), st.integers(10, 70),
        st.lists(st.floats(0.02, 1), min_size=1, max_size=4).map(tuple),
    ),
    min_size=1, max_size=2,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(SITES, st.integers(2, 6))
def test_no_withheld_count_follows_from_all_that_a_report_says(
    sites: list[tuple[int, int, tuple[float, ...]]], minimum: int
) -> None:
    tables = {f"s{i}": grouped(f"s{i}", *values) for i, values in enumerate(sites)}
    report = pool({s: summary_of(t, minimum) for s, t in tables.items()})
    assert derived(report, tables, minimum) == []


def test_the_attack_does_find_what_hiding_small_counts_alone_would_give_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def naive(
        table: dict[str, tuple[int, ...]], minimum: int, also: frozenset[str] = frozenset()
    ) -> frozenset[str]:
        return also | {k for k, row in table.items() if any(0 < n < minimum for n in row)}

    monkeypatch.setattr(subgroup_suppression, "hide", naive)
    told = 0
    for seed in range(6):
        tables = {"s0": grouped("s0", seed, 120, (1, 1, 0.1))}
        report = pool({s: summary_of(t, 5) for s, t in tables.items()})
        told += bool(derived(report, tables, 5))
    assert told > 1


def test_an_auc_that_would_tell_withheld_calls_is_withheld_too() -> None:
    table = built("s", a=(20, 0, 10, 10), b=(2, 20, 10, 10))
    p = np.exp(table.log_probs[:, 0])
    top = (table.groups["x"] == "a") & (table.truth == 1)
    p = np.where(top, p / 1e6, p)  # level a: AUC 1, and ten false alarms: so nobody is missed
    table = replace(table, log_probs=np.log(np.stack([p, (1 - p) / 2, (1 - p) / 2], 1)))
    summary = summary_of(table, 5)
    assert [g.true_positives for g in summary.subgroups] == [None, None]
    assert [g.auc.reason for g in summary.subgroups] == [TELLING, TELLING]
    report = pool({"s": summary})
    assert derived(report, {"s": table}, 5) == []
    whole = subgroup_summaries(table, ("x",), 0.5, 1)[0]
    telling = replace(summary.subgroups[0], auc=whole.auc)
    given = pool({"s": replace(summary, subgroups=(telling, summary.subgroups[1]))})
    assert derived(given, {"s": table}, 5)


def test_calls_are_withheld_where_counts_of_patients_are_not() -> None:
    table = built("s", a=(30, 2, 20, 10), b=(30, 12, 20, 12), c=(30, 9, 40, 15))
    a, b, c = summary_of(table, 5).subgroups
    assert [g.positives for g in (a, b, c)] == [32, 42, 39]
    assert [g.auc.se is not None and g.auc.se > 0 for g in (a, b, c)] == [True, True, True]
    assert [g.true_positives for g in (a, b, c)] == [None, 30, None]
    assert [g.true_negatives for g in (a, b, c)] == [20, 20, 40]


def test_two_models_on_one_cohort_withhold_the_same_levels() -> None:
    first = built("s", a=(30, 9, 20, 10), b=(1, 1, 20, 12), c=(30, 9, 40, 15), d=(9, 9, 9, 9))
    second = replace(first, log_probs=first.log_probs[::-1].copy())
    for table in (first, second):
        found = summary_of(table, 5).subgroups
        assert [g.level for g in found if g.positives is None] == ["b", "d"]


def test_where_every_level_is_withheld_none_is_named() -> None:
    (only,) = summary_of(built("s", a=(30, 9, 20, 10), b=(0, 2, 9, 0)), 5).subgroups
    assert (only.level, only.positives, only.auc.value) == ("every level", None, None)


def test_a_level_that_all_patients_have_has_the_figures_of_the_site() -> None:
    table = grouped("s", 1, 60, (1,))
    summary = summary_of(table, 5)
    (only,), task = summary.subgroups, summary.tasks[0]
    assert (only.positives, only.negatives) == (task.positives, task.negatives)
    assert only.true_positives == task.true_positives
    assert only.auc == task.auc


def test_pooled_counts_are_those_of_the_sites_that_released_the_level() -> None:
    tables = {
        "s0": built("s0", a=(30, 9, 20, 10), b=(30, 9, 20, 10)),
        "s1": built("s1", a=(20, 8, 30, 20), b=(9, 9, 9, 9)),
        "s2": built("s2", a=(30, 9, 20, 10), b=(0, 2, 9, 0)),
    }
    report = pool({s: summary_of(t, 3) for s, t in tables.items()})
    rows = [g for g in report["subgroups"] if g["level"] == "a"]
    whole = rows[0]
    assert (whole["scope"], whole["withheld_by"]) == ("pooled", ["s2"])
    parts = [truth_of(tables[s])["a"] for s in whole["released_by"]]
    assert whole["n"] == sum(map(sum, parts)) == 69 + 78
    for rate, right, of in (("sensitivity", 50, 67), ("specificity", 50, 80)):
        assert (whole[rate]["numerator"], whole[rate]["denominator"]) == (right, of)
        assert whole[rate]["value"] == pytest.approx(right / of)
    aucs = [r["auc"]["value"] for r in rows[1:] if r["auc"]["value"] is not None]
    assert min(aucs) < whole["auc"]["value"] < max(aucs)
    assert whole["auc"]["method"] == "random effects over 2 sites"
    (said,) = [s for s in report["suppressed"] if s["site"] == "s2" and "variable" in s]
    assert (said["variable"], said["level"]) == ("x", "every level")
    assert "too few" in said["reason"]


def test_rates_and_their_denominators_are_of_the_sites_that_released_the_calls() -> None:
    tables = {
        "s0": built("s0", a=(30, 2, 20, 10), b=(30, 12, 20, 12), c=(30, 9, 40, 15)),
        "s1": built("s1", a=(21, 8, 31, 19), b=(11, 9, 13, 7)),
    }
    summaries = {s: summary_of(t, 5) for s, t in tables.items()}
    assert summaries["s0"].subgroups[0].true_positives is None
    rows = [g for g in pool(summaries)["subgroups"] if g["level"] == "a"]

    def shares(name: str) -> list[tuple[int | None, int | None, float | None]]:
        return [(r[name]["numerator"], r[name]["denominator"], r[name]["value"]) for r in rows]

    assert [r["site"] for r in rows] == [None, "s0", "s1"]
    assert [(r["n"], r["positives"]) for r in rows] == [(141, 61), (62, 32), (79, 29)]
    assert shares("sensitivity") == [(21, 29, 21 / 29), (None, None, None), (21, 29, 21 / 29)]
    assert shares("specificity") == [(51, 80, 51 / 80), (20, 30, 20 / 30), (31, 50, 31 / 50)]


def test_a_score_table_with_group_columns_gives_exact_figures_and_a_whole_report(
    tmp_path: Path,
) -> None:
    parts = [
        built("s0", a=(30, 9, 20, 10), b=(2, 1, 3, 0)),
        built("s1", a=(9, 9, 9, 9), b=(9, 3, 9, 1)),
    ]
    table = replace(joined(parts), groups={"x": np.concatenate([p.groups["x"] for p in parts])})
    write_scores(table, tmp_path / "t.csv")
    made = report_from_scores(read_scores(tmp_path / "t.csv"), 0.5)
    report = write_record(made)
    (row,) = [g for g in report["subgroups"] if (g["scope"], g["level"]) == ("pooled", "b")]
    scores, its = task_scores(table, UNIT, TASK), levels_of(table, "x") == "b"
    wanted = roc_auc_score(scores.truth[its], scores.logits[its])
    assert row["auc"]["value"] == pytest.approx(float(wanted), abs=1e-9)
    assert (row["n"], row["sensitivity"]["numerator"]) == (28, 11)
    page = write_report(made, tmp_path / "report", dpi=40).read_text()
    assert "x: b" in page
    assert (tmp_path / "report" / "subgroups.csv").read_text().count("\n") == 7


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["61", "62", "61", "70"], "4 rows: group_age is an exact age: write a band"),
        (["2020-01-03", "", "", ""], "row 2: group_age is a date: write"),
    ],
)
def test_a_score_table_with_exact_ages_is_refused(
    tmp_path: Path, values: list[str], told: str
) -> None:
    table = table_of("s", 1, 4)
    write_scores(replace(table, groups={"age": np.array(values)}), tmp_path / "t.csv")
    with pytest.raises(DataError, match=told):
        read_scores(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"level": "x" * 21}, "unusable name"),
        ({"variable": "<b>"}, "unusable name"),
        ({"positives": 10**6}, "more patients"),
        ({"true_positives": 10**6}, "impossible counts of a subgroup"),
        ({"auc": Figure(value=1.5)}, "outside"),
    ],
)
def test_subgroups_that_cannot_be_are_refused(change: dict[str, Any], words: str) -> None:
    summary = summary_of(grouped("s", 1, 60, (1,)), 5)
    bad: tuple[SubgroupSummary, ...] = (replace(summary.subgroups[0], **change),)
    with pytest.raises(DataError, match=words):
        check_summary("s", replace(summary, subgroups=bad))


def asked(fed: Federation, *variables: str) -> dict[str, Any]:
    return fed.run(
        run=fed.stores.runs.create("validate", PLAN, model=fed.model, subgroups=variables)
    )


def test_a_validation_splits_figures_by_what_each_sites_policy_shares(fed: Federation) -> None:
    shared: dict[str, tuple[str, ...]] = {"a": ("x",), "b": ("x", "y"), "c": ()}
    for i, (name, variables) in enumerate(shared.items()):
        fed.site(name, share_subgroups=variables)
        fed.sites[name].table = grouped(name, i, 200, (1, 1))
    report = asked(fed, "x", "y")
    assert {g["variable"] for g in report["subgroups"]} == {"x"}
    whole = report["subgroups"][0]
    assert (whole["scope"], whole["released_by"]) == ("pooled", ["a", "b"])
    assert whole["n"] == sum(sum(truth_of(fed.sites[s].table)["a"]) for s in "ab")
    said = {(s["site"], s["what"]) for s in report["suppressed"]}
    assert ("c", "subgroup x: not shared by this site's policy") in said
    assert ("a", "subgroup y: not shared by this site's policy") in said
    assert ("b", "subgroup y: not known at this site") in said
    tables = {s: fed.sites[s].table for s in "ab"}
    own = {**report, "results": [r for r in report["results"] if r["site"] in tables]}
    assert derived(own, tables, 5) == []


def test_no_site_shares_subgroups_unless_its_policy_says_so(fed: Federation) -> None:
    fed.site("a")
    fed.sites["a"].table = grouped("a", 1, 200, (1, 1))
    assert asked(fed, "x")["subgroups"] == []


def test_a_validation_that_asks_for_none_gets_none(fed: Federation) -> None:
    fed.site("a", share_subgroups=("x",))
    fed.sites["a"].table = grouped("a", 1, 200, (1, 1))
    assert asked(fed)["subgroups"] == []
