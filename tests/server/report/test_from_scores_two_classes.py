"""A table of patient, truth and score gives figures of patients, and says nothing of lesions."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.disclosure import summarise
from hepafed.common.errors import DataError
from hepafed.common.records import write_record
from hepafed.common.statistics import add, additive_of, rows_of
from hepafed.common.statistics.scores import ScoreTable, read_scores
from hepafed.server import pooling
from hepafed.server.formats import ModelPart, OperatingPoint, Provenance
from hepafed.server.pooling import Group
from hepafed.server.report import summary_lines, write_report
from hepafed.server.report.from_scores import report_from_scores
from sklearn.metrics import brier_score_loss, roc_auc_score

THRESHOLD = 0.4
Cases = tuple[np.ndarray, np.ndarray, np.ndarray]


def cases(seed: int = 5) -> Cases:
    """Give site, truth and score of unequal sites, one of them without malignant patients, ties."""
    rng = np.random.default_rng(seed)
    site = np.repeat(["a", "b", "c", "d"], [70, 31, 9, 22])
    truth = rng.random(len(site)) < 0.35
    truth[site == "c"] = False
    score = np.round(1 / (1 + np.exp(-rng.normal(size=len(site)) - 1.5 * truth + 0.6)), 2)
    return site, truth.astype(int), np.clip(score, 0.01, 0.99)


def written(folder: Path, found: Cases, order: np.ndarray | None = None) -> Path:
    site, truth, score = found
    places = np.arange(len(site)) if order is None else order
    lines = [f"{site[i]},p{i},{truth[i]},{score[i]}" for i in places]
    (folder / "two.csv").write_text("\n".join(["site,patient,truth,score", *lines, ""]))
    return folder / "two.csv"


@pytest.fixture
def table(tmp_path: Path) -> ScoreTable:
    return read_scores(written(tmp_path, cases()))


def pooled(report: dict[str, Any]) -> dict[str, Any]:
    (found,) = [r for r in report["results"] if r["scope"] == "pooled"]
    assert (found["unit"], found["task"]) == ("patient", "malignant_vs_benign")
    return dict(found)


def test_figures_are_those_of_scikit_learn_and_of_counting(table: ScoreTable) -> None:
    _, truth, score = cases()
    report = write_record(report_from_scores(table, THRESHOLD))
    row = pooled(report)
    assert row["auc"]["value"] == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    called = score >= THRESHOLD
    counts = {
        "sensitivity": (called & (truth == 1), truth == 1),
        "specificity": (~called & (truth == 0), truth == 0),
        "ppv": (called & (truth == 1), called),
        "npv": (~called & (truth == 0), ~called),
    }
    for name, (right, of) in counts.items():
        assert (row[name]["numerator"], row[name]["denominator"]) == (right.sum(), of.sum()), name
    (fit,) = [c for c in report["calibration"] if c["scope"] == "pooled"]
    assert fit["brier"]["value"] == pytest.approx(brier_score_loss(truth, score), abs=1e-10)
    assert report["classes"] == ["benign", "malignant"]


def test_the_order_of_rows_changes_no_figure(table: ScoreTable, tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(len(table.truth))
    shuffled = read_scores(written(tmp_path, cases(), order))
    first, second = (write_record(report_from_scores(t, THRESHOLD)) for t in (table, shuffled))
    assert first["results"] == second["results"]
    assert first["heterogeneity"] == second["heterogeneity"]


def test_figures_are_those_of_three_classes_with_the_same_patients(
    table: ScoreTable, tmp_path: Path
) -> None:
    site, truth, score = cases()
    head = "site,patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic"
    lines = [
        f"{s},p{i},1,{'metastatic' if t else 'benign'},{1 - p!r},0,{p!r}"
        for i, (s, t, p) in enumerate(zip(site, truth, score.tolist(), strict=True))
    ]
    (tmp_path / "three.csv").write_text("\n".join([head, *lines, ""]))
    three = write_record(report_from_scores(read_scores(tmp_path / "three.csv"), THRESHOLD))
    theirs = [r for r in three["results"] if r["unit"] == "patient"]
    assert write_record(report_from_scores(table, THRESHOLD))["results"] == theirs


def federated(table: ScoreTable, forms: dict[str, str]) -> dict[str, Any]:
    """Pool what the sites release in their forms, without the table at hand."""
    parts = {s: rows_of(table, table.site == s) for s in forms}
    sums = {s: additive_of(p, THRESHOLD) for s, p in parts.items()}
    groups = [Group((s,), sums[s], "plain") for s, f in forms.items() if f == "plain"]
    if masked := tuple(s for s, f in forms.items() if f == "masked"):
        groups.append(Group(masked, add([sums[s] for s in masked])))
    summaries = {
        s: summarise(
            p, run="r", model="m", weights="", threshold=THRESHOLD, minimum_count=3, sums=sums[s]
        )
        for s, p in parts.items()
    }
    point = OperatingPoint(threshold=THRESHOLD, rule="", chosen_on="")
    model = ModelPart(id="m", protocol="", sha256="", operating_point=point)
    return write_record(pooling.pool(summaries, model, Provenance(), groups=groups))


@pytest.mark.parametrize(
    "forms",
    ["plain plain plain plain", "masked masked masked masked", "cells plain masked masked"],
)
def test_what_sites_release_of_two_classes_pools_to_the_joined_table(
    table: ScoreTable, forms: str
) -> None:
    """Of cells the AUC is within the printed bound; of bins it is exact: each score has its own."""
    found = federated(table, dict(zip("abcd", forms.split(), strict=True)))
    whole = pooled(write_record(report_from_scores(table, THRESHOLD)))
    (row,) = [r for r in found["results"] if r["scope"] == "pooled" and r["unit"] == "patient"]
    assert (row["n"], row["positives"]) == (whole["n"], whole["positives"])
    off = abs(row["auc"]["value"] - whole["auc"]["value"])
    assert off <= (row["auc"]["binning_error"] if "cells" in forms else 1e-12)
    for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy"):
        assert row[name] == whole[name], name


def test_the_report_has_no_figure_and_no_word_of_lesions(table: ScoreTable, tmp_path: Path) -> None:
    made = report_from_scores(table, THRESHOLD)
    assert {r.unit for r in (*made.results, *made.calibration, *made.heterogeneity)} == {"patient"}
    assert (made.confusion, made.multiclass) == ((), ())
    assert all(s.by_class["metastatic"] is None for s in made.sites)
    assert len(summary_lines(made)) == 2
    page = write_report(made, tmp_path / "report", dpi=40).read_text()
    text = re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL)
    answered = text.partition("Reporting checklists Numbers")[0].partition("CLAIM 2024 ")[0]
    for word in ("lesions", "Primary malignant", "Metastatic", "Hand"):
        places = [m.start() for m in re.finditer(word, answered)]
        shown = [answered[max(0, p - 60) : p + 40] for p in places]
        assert [s for s in shown if "accounts for several lesions" not in s] == []
    assert (tmp_path / "report/report.json").exists()


def test_lesions_of_two_classes_are_patients_clusters(tmp_path: Path) -> None:
    """A patient counts by the largest score; benign versus malignant lesions are one task."""
    text = "site,patient,lesion,truth,score\na,1,1,0,0.2\na,1,2,1,0.6\na,2,1,0,0.7\nb,3,1,1,0.9\n"
    (tmp_path / "two.csv").write_text(text + "b,4,1,0,0.1\n")
    made = write_record(report_from_scores(read_scores(tmp_path / "two.csv"), 0.5))
    rows = {(r["unit"], r["task"]): r for r in made["results"] if r["scope"] == "pooled"}
    assert set(rows) == {("patient", "malignant_vs_benign"), ("lesion", "benign_vs_rest")}
    patient, lesion = rows.values()
    assert (patient["n"], patient["positives"]) == (4, 2)
    assert patient["auc"]["value"] == 0.75  # 0.6 and 0.9 against 0.7 and 0.1
    assert (lesion["n"], lesion["positives"]) == (5, 3)
    assert lesion["auc"]["value"] == pytest.approx(5 / 6)  # 0.8 0.3 0.9 against 0.4 0.1


def test_tables_of_two_and_of_three_classes_are_not_compared(
    table: ScoreTable, tmp_path: Path
) -> None:
    head = "site,patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic"
    (tmp_path / "three.csv").write_text(f"{head}\na,p0,1,benign,0.5,0.25,0.25\n")
    three = read_scores(tmp_path / "three.csv")
    with pytest.raises(DataError, match="not of the same kind") as caught:
        report_from_scores(table, THRESHOLD, against={"other": three})
    assert "same columns" in caught.value.hint


def test_a_table_without_sites_is_not_compared_with_one_that_has_them(
    table: ScoreTable, tmp_path: Path
) -> None:
    _, truth, score = cases()
    lines = [f"p{i},{t},{p}" for i, (t, p) in enumerate(zip(truth, score, strict=True))]
    (tmp_path / "none.csv").write_text("\n".join(["patient,truth,score", *lines, ""]))
    other = read_scores(tmp_path / "none.csv")
    with pytest.raises(DataError, match="some have no column site"):
        report_from_scores(table, THRESHOLD, against={"other": other})


def test_two_models_on_two_classes_compare(table: ScoreTable, tmp_path: Path) -> None:
    site, truth, score = cases()
    other = read_scores(written(tmp_path, (site, truth, np.round(score**2, 4))))
    made = report_from_scores(table, THRESHOLD, against={"other": other})
    rows = [c for c in made.comparisons if c.scope == "pooled"]
    assert [(c.unit, c.task) for c in rows] == [("patient", "malignant_vs_benign")]
    assert rows[0].difference.value == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("turned", "noted"), [(False, False), (True, True)])
def test_scores_of_the_opposite_class_are_noted(tmp_path: Path, turned: bool, noted: bool) -> None:
    site, truth, score = cases()
    table = read_scores(written(tmp_path, (site, truth, np.round(abs(turned - score), 4))))
    notes = report_from_scores(table, THRESHOLD).notes
    assert any("The AUC is below 0.5" in n for n in notes) == noted


def test_how_a_table_was_read_is_in_the_report(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("patient;truth;score\n1;0;0,2\n2;1;0,9\n")
    notes = report_from_scores(read_scores(tmp_path / "t.csv"), THRESHOLD).notes
    assert "The columns are separated by a semicolon." in notes
    assert "The table has two classes, benign and malignant." in notes
