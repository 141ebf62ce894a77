"""The 3×3 tables have row shares; rates of a class by its largest probability follow from them."""

from dataclasses import replace

import numpy as np
from hepafed.server.formats import Report
from hepafed.server.report.tables.classes import by_largest, confusion, counts_of
from sklearn.metrics import multilabel_confusion_matrix

MATRIX = ((30, 5, 2), (4, 20, 6), (1, 0, 12))


def with_matrix(report: Report, counts: tuple[tuple[int, ...], ...] | None) -> Report:
    rows = (replace(m, confusion=counts) if m.scope == "pooled" else m for m in report.multiclass)
    return replace(report, multiclass=tuple(rows))


def test_the_counts_of_each_class_are_those_of_an_oracle() -> None:
    cells = [(t, c) for t in range(3) for c in range(3) for _ in range(MATRIX[t][c])]
    truth, called = np.array(cells).T
    for i, ((tn, fp), (fn, tp)) in enumerate(multilabel_confusion_matrix(truth, called)):
        assert counts_of(MATRIX, i) == [
            (tp, tp + fn),
            (tn, tn + fp),
            (tp, tp + fp),
            (tn, tn + fn),
            (tp + tn, 80),
        ]


def test_each_row_of_the_table_has_its_shares_and_its_sum(report: Report) -> None:
    first, second, _ = confusion(with_matrix(report, MATRIX)).rows[:3]
    assert first == ("Pooled", "benign", (30, "81 %"), (5, "14 %"), (2, "5 %"), 37)
    assert second[-1] == 30


def test_a_class_without_lesions_has_no_share_and_no_rate(report: Report) -> None:
    changed = with_matrix(report, ((3, 0, 1), (0, 0, 0), (0, 0, 4)))
    assert confusion(changed).rows[1] == ("Pooled", "primary malignant", *[(0, "")] * 3, 0)
    row = next(r for r in by_largest(changed).rows if r[0] == "Primary malignant")
    assert row[2] == ("–", "no such lesion")
    assert row[4] == ("–", "no such lesion")


def test_both_ways_to_call_a_class_stand_below_each_other(report: Report) -> None:
    rows = by_largest(with_matrix(report, MATRIX)).rows
    assert [r[:2] for r in rows[:2]] == [
        ("Benign", "Largest probability"),
        ("Benign", "Probability at least 0.5"),
    ]
    assert rows[0][2] == ("81 %", "30/37")
    assert len(rows) == 6
    assert by_largest(with_matrix(report, None)).rows == ()
