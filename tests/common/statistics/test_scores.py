"""Histograms and cells lose no case and order scores; a broken score table is refused by row."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.contract.figures import Cells
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import DataError
from hepafed.common.statistics.bins import (
    BINS,
    Histogram,
    bin_logits,
    cells_of,
    intervals_of,
    logit_of_bin,
)
from hepafed.common.statistics.scores import (
    ScoreTable,
    logit_of,
    patients_of,
    read_scores,
    reader_calls,
    rows_of,
    task_scores,
    write_scores,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

logits = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6))


def table(rng: np.random.Generator, lesions: int, *, scale: float = 1.0) -> ScoreTable:
    raw = rng.normal(size=(lesions, 3)) * scale
    log_probs = raw - np.logaddexp.reduce(raw, axis=1, keepdims=True)
    return ScoreTable(
        site=np.full(lesions, "a"),
        patient=np.array([f"p{i // 2}" for i in range(lesions)]),
        lesion=np.array([f"l{i}" for i in range(lesions)]),
        truth=rng.integers(0, 3, lesions),
        log_probs=log_probs,
        readers={},
    )


@given(logits)
def test_bins_are_in_the_order_of_the_logits(values: np.ndarray) -> None:
    order = np.argsort(values, kind="stable")
    assert (np.diff(bin_logits(values)[order]) >= 0).all()
    assert bin_logits(-values[:1] * 0) == bin_logits(values[:1] * 0)


@given(st.floats(-60000, 60000))
def test_a_bin_stands_for_its_logits(value: float) -> None:
    back = logit_of_bin(int(bin_logits(np.array([value]))[0]))
    assert back == pytest.approx(value, rel=1e-3, abs=1e-7)


counts = arrays(np.int64, 300, elements=st.integers(0, 2))


@given(counts, counts, st.integers(1, 30))
def test_cells_hold_every_case_and_no_cell_is_too_small(
    positives: np.ndarray, negatives: np.ndarray, minimum: int
) -> None:
    wide = np.zeros((2, BINS), np.int64)
    wide[0, ::220][:298], wide[1, ::220][:298] = positives[:298], negatives[:298]
    cells = cells_of(Histogram(wide[0], wide[1]), minimum)
    if wide.sum() < minimum or wide.sum() == 0:
        assert cells is None
        return
    assert cells is not None
    rows = intervals_of(cells)
    assert rows.totals == (wide[0].sum(), wide[1].sum())
    assert (rows.positives + rows.negatives >= minimum).all()
    for low, high, held in zip(rows.low, rows.high, rows.positives, strict=True):
        assert wide[0, low:high].sum() == held


@pytest.mark.parametrize(
    ("edges", "positives", "negatives"),
    [
        ((0, 5, 5), (1, 1), (0, 0)),
        ((0, 5), (1, 2), (0, 0)),
        ((0, 5), (-1,), (3,)),
        ((-1, 5), (1,), (1,)),
        ((0, BINS + 1), (1,), (1,)),
    ],
)
def test_cells_out_of_order_are_refused(
    edges: tuple[int, ...], positives: tuple[int, ...], negatives: tuple[int, ...]
) -> None:
    with pytest.raises(DataError):
        intervals_of(Cells(edges=edges, positives=positives, negatives=negatives))


def test_a_patient_scores_as_the_most_suspicious_lesion() -> None:
    made = table(np.random.default_rng(0), 10)
    scores = task_scores(made, "patient", "malignant_vs_benign")
    malignant = 1 - np.exp(made.log_probs[:, 0])
    np.testing.assert_allclose(scores.probabilities, malignant.reshape(5, 2).max(1))
    np.testing.assert_array_equal(scores.truth, (made.truth.reshape(5, 2) > 0).any(1))


def test_a_saturated_score_keeps_its_order() -> None:
    made = table(np.random.default_rng(1), 200, scale=60.0)
    scores = task_scores(made, "lesion", "benign_vs_rest")
    assert len(np.unique(scores.logits)) == 200
    assert len(np.unique(scores.probabilities)) < 200


def test_a_table_reads_back_as_written(tmp_path: Path) -> None:
    made = table(np.random.default_rng(2), 12)
    write_scores(made, tmp_path / "s.csv")
    back = read_scores(tmp_path / "s.csv")
    np.testing.assert_allclose(back.log_probs, made.log_probs, atol=1e-12)
    np.testing.assert_array_equal(back.truth, made.truth)
    assert (tmp_path / "s.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("a,p,l,benign,0.5,0.6,0.5", "row 2"),
        ("a,p,l,cyst,1,0,0", "truth"),
        ("a,p,l,benign,x,0,0", "number"),
        ("a,p,l,benign,nan,0,0", "p_benign is nan"),
        ("a,p,l,benign,1,0,0\na,p,l,benign,1,0,0", "row 3"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, named: str) -> None:
    head = "site,patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic\n"
    (tmp_path / "s.csv").write_text(head + row + "\n")
    with pytest.raises(DataError, match=named):
        read_scores(tmp_path / "s.csv")


def test_a_summary_of_too_few_withholds_counts_and_cells() -> None:
    summary = summarise(
        table(np.random.default_rng(3), 4),
        run="r",
        model="m",
        weights="w",
        threshold=0.5,
        minimum_count=5,
    )
    assert summary.confusion is None
    assert [(t.cells, t.true_positives, t.true_negatives) for t in summary.tasks] == [
        (None, None, None)
    ] * 4
    assert {f"{t.unit} {t.task}: cells" for t in summary.tasks} <= set(summary.suppressed)
    assert {"squares", "reliability", "decision"} <= set(summary.suppressed)
    assert not any(summary.sections.values())
    assert not summary.figures


def rows(*lesions: tuple[str, str, int, tuple[float, float, float]]) -> ScoreTable:
    site, patient, truth, p = zip(*lesions, strict=True)
    return ScoreTable(
        site=np.array(site),
        patient=np.array(patient),
        lesion=np.array([str(i) for i in range(len(lesions))]),
        truth=np.array(truth),
        log_probs=np.log(np.array(p)),
        readers={"r": np.array([i % 3 - 1 for i in range(len(lesions))], np.int8)},
        groups={"x": np.array([f"v{i}" for i in range(len(lesions))])},
    )


FIVE = rows(
    ("b", "p", 0, (0.5, 0.25, 0.25)),
    ("a", "q", 2, (0.125, 0.5, 0.375)),
    ("a", "p", 0, (0.75, 0.125, 0.125)),
    ("b", "p", 1, (0.25, 0.5, 0.25)),
    ("a", "p", 0, (0.875, 0.0625, 0.0625)),
)


def test_patients_are_numbered_by_site_then_id() -> None:
    number, count = patients_of(FIVE)
    assert (number.tolist(), count) == ([2, 1, 0, 2, 0], 3)
    none = rows_of(FIVE, np.zeros(0, np.int64))
    assert (patients_of(none)[0].tolist(), patients_of(none)[1]) == ([], 0)


def test_rows_are_taken_with_all_their_columns() -> None:
    part = rows_of(FIVE, np.array([3, 0]))
    assert part.site.tolist() == ["b", "b"]
    assert part.patient.tolist() == ["p", "p"]
    assert part.lesion.tolist() == ["3", "0"]
    assert part.truth.tolist() == [1, 0]
    assert np.exp(part.log_probs[:, 0]) == pytest.approx([0.25, 0.5])
    assert part.readers["r"].tolist() == [-1, -1]
    assert part.groups["x"].tolist() == ["v3", "v0"]
    assert part.content.tolist() == []
    known = replace(FIVE, content=np.array(list("vwxyz")))
    assert rows_of(known, np.array([3, 0])).content.tolist() == ["y", "v"]
    masked = rows_of(FIVE, FIVE.truth > 0)
    assert masked.lesion.tolist() == ["1", "3"]


def test_a_lesion_task_is_its_class_against_the_two_others() -> None:
    found = task_scores(FIVE, "lesion", "primary_malignant_vs_rest")
    p = np.array([0.25, 0.5, 0.125, 0.5, 0.0625])
    assert found.probabilities == pytest.approx(p)
    assert found.logits == pytest.approx(np.log(p / (1 - p)), abs=1e-8)
    assert found.truth.tolist() == [False, False, False, True, False]


def test_a_patient_task_takes_each_patients_most_suspicious_lesion() -> None:
    found = task_scores(FIVE, "patient", "malignant_vs_benign")
    p = np.array([0.25, 0.875, 0.75])
    assert found.probabilities == pytest.approx(p)
    assert found.logits == pytest.approx(np.log(p / (1 - p)), abs=1e-8)
    assert found.truth.tolist() == [False, True, True]


def test_scores_that_differ_by_rounding_alone_are_one() -> None:
    scores = task_scores(
        rows(*(("s", f"{i}", 0, (0.3, 0.3 + i * 1e-16, 0.4)) for i in range(9))),
        "lesion",
        "metastatic_vs_rest",
    )
    assert len(np.unique(scores.logits)) == 1
    apart = rows(("s", "1", 0, (0.5, 0.25, 0.25)), ("s", "2", 0, (0.5 + 1e-8, 0.25, 0.25 - 1e-8)))
    assert len(np.unique(task_scores(apart, "lesion", "benign_vs_rest").logits)) == 2


def test_a_readers_call_of_a_patient_is_the_largest_over_the_lesions() -> None:
    """Calls -1, 0, 1, -1, 0 of lesions of the patients 2, 1, 0, 2, 0."""
    assert reader_calls(FIVE, "r").tolist() == [1, 0, -1]
    assert reader_calls(FIVE, "nobody").tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("p", "logit"),
    [(0.5, 0.0), (0.2, -1.386294361), (0.9, 2.197224577), (0, -np.inf), (1, np.inf)],
)
def test_a_threshold_is_a_logit_rounded_as_scores_are(p: float, logit: float) -> None:
    assert logit_of(p) == logit
