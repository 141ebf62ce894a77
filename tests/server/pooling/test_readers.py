"""Readers and the model are compared on the patients that each reader judged, class by class."""

import math

import numpy as np
import pytest
from hepafed.common.statistics import clustered_kappa
from hepafed.server.pooling.evidence import Evidence
from hepafed.server.pooling.readers import agreement_rows, reader_rows
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

Z = 1.959963984540054
SECOND = [[[17, 5], [1, 4]], [[3, 2], [7, 11]]]
"""Patients by truth, call of the model, call of the reader; the cells differ from each other."""
FIRST = [[[2, 0], [3, 1]], [[1, 6], [0, 9]]]


def known(calls: object, pairs: object = (), readers: tuple[str, ...] = ("a", "b")) -> Evidence:
    held = {"reader_calls": calls, "reader_pairs": pairs}
    made = {n: v if isinstance(v, str) else np.array(v, np.int64) for n, v in held.items()}
    return Evidence(cells={}, sections=made, readers=readers)


def bonett_price(first: int, second: int, n: int) -> tuple[float, float, float]:
    a, b = (first + 1) / (n + 2), (second + 1) / (n + 2)
    half = Z * math.sqrt((a + b - (a - b) ** 2) / (n + 2))
    return (first - second) / n, a - b - half, a - b + half


def exact_p(first: int, second: int) -> float:
    return float(binomtest(first, first + second).pvalue)


def test_each_reader_has_the_row_of_its_own_calls() -> None:
    rows = reader_rows(known([FIRST, SECOND]), None)
    assert [(r.reader, r.n, r.positives) for r in rows] == [("a", 22, 16), ("b", 50, 23)]


def test_the_rates_of_reader_and_model_are_of_the_same_patients() -> None:
    row = reader_rows(known([FIRST, SECOND]), None)[1]
    rates = (row.sensitivity, row.specificity, row.model_sensitivity, row.model_specificity)
    assert [(r.numerator, r.denominator) for r in rates] == [(13, 23), (18, 27), (18, 23), (22, 27)]


def test_only_patients_on_whom_one_of_both_is_right_are_tested() -> None:
    row = reader_rows(known([FIRST, SECOND]), None)[1]
    # malignant: 7 by the model alone, 2 by the reader alone; benign: 5 and 1
    assert (row.model_right_reader_wrong, row.model_wrong_reader_right) == (12, 3)
    assert row.mcnemar_exact_p == pytest.approx(exact_p(12, 3))
    assert row.sensitivity_mcnemar_exact_p == pytest.approx(exact_p(7, 2))
    assert row.specificity_mcnemar_exact_p == pytest.approx(exact_p(5, 1))


def test_the_differences_are_model_minus_reader_in_their_class() -> None:
    row = reader_rows(known([FIRST, SECOND]), None)[1]
    for found, wanted in (
        (row.sensitivity_difference, bonett_price(7, 2, 23)),
        (row.specificity_difference, bonett_price(5, 1, 27)),
    ):
        assert (found.value, found.low, found.high) == pytest.approx(wanted)
        assert found.reason == ""


def test_kappa_is_of_the_calls_whatever_the_truth() -> None:
    row = reader_rows(known([FIRST, SECOND]), None)[1]
    # model and reader: 20 both benign, 7 reader alone, 8 model alone, 15 both malignant
    model, reader = [0] * 27 + [1] * 23, [0] * 20 + [1] * 7 + [0] * 8 + [1] * 15
    assert row.kappa_with_model.value == pytest.approx(cohen_kappa_score(model, reader))


def test_a_class_that_nobody_read_has_no_figure_and_shows_no_non_inferiority() -> None:
    (row,) = reader_rows(known([[[[3, 1], [2, 4]], [[0, 0], [0, 0]]]], readers=("a",)), 0.99)
    gain = row.sensitivity_difference
    assert (gain.value, gain.low, gain.high) == (None, None, None)
    assert gain.reason == "the reader judged no malignant patient"
    assert row.sensitivity_mcnemar_exact_p is None
    assert row.specificity_difference.value == pytest.approx(-0.1)  # 1 of 10 less than the reader
    assert row.non_inferiority is not None
    assert (row.non_inferiority.sensitivity, row.non_inferiority.specificity) == (False, True)
    (row,) = reader_rows(known([[[[0, 0], [0, 0]], [[3, 1], [2, 4]]]], readers=("a",)), None)
    gain = row.specificity_difference
    assert (gain.value, gain.low, gain.high) == (None, None, None)
    assert gain.reason == "the reader judged no benign patient"
    assert row.specificity_mcnemar_exact_p is None


def test_where_both_call_every_patient_alike_there_is_no_kappa() -> None:
    (row,) = reader_rows(known([[[[4, 0], [0, 0]], [[5, 0], [0, 0]]]], readers=("a",)), None)
    assert row.kappa_with_model.value is None
    assert row.kappa_with_model.reason == "both call every patient alike, or there is none"


def test_non_inferiority_is_shown_where_the_whole_interval_is_above_minus_the_margin() -> None:
    calls = known([FIRST, SECOND])
    sensitivity, specificity = -bonett_price(7, 2, 23)[1], -bonett_price(5, 1, 27)[1]
    assert 0 < specificity < sensitivity  # the two ends are below 0, and differ
    for margin, wanted in (
        (specificity - 1e-6, (False, False)),
        (specificity + 1e-6, (False, True)),
        (sensitivity - 1e-6, (False, True)),
        (sensitivity + 1e-6, (True, True)),
    ):
        held = reader_rows(calls, margin)[1].non_inferiority
        assert held is not None
        assert (held.margin, held.sensitivity, held.specificity) == (margin, *wanted)


def test_an_interval_that_ends_at_minus_the_margin_shows_nothing() -> None:
    calls = known([FIRST, SECOND])
    low = reader_rows(calls, None)[1].specificity_difference.low
    assert low is not None
    held = reader_rows(calls, -low)[1].non_inferiority
    assert held is not None
    assert not held.specificity


def test_without_a_margin_nothing_is_said_of_non_inferiority() -> None:
    assert [r.non_inferiority for r in reader_rows(known([FIRST, SECOND]), None)] == [None, None]
    (row,) = reader_rows(known([FIRST], readers=("a",)), 0.0)
    assert row.non_inferiority is not None  # a margin of 0 is one


def test_readers_that_a_site_withholds_have_no_row() -> None:
    assert reader_rows(known("suppressed by a site", "suppressed by a site"), 0.1) == []
    assert agreement_rows(known("suppressed by a site", "suppressed by a site")) == []


def test_agreement_is_of_each_pair_of_readers_on_what_both_read() -> None:
    pairs = [[[8, 1], [2, 5]], [[1, 4], [3, 2]], [[6, 0], [0, 0]]]
    rows = agreement_rows(known(np.zeros((3, 2, 2, 2)), pairs, readers=("a", "b", "c")))
    assert [(r.readers, r.n) for r in rows] == [
        (("a", "b"), 16),
        (("a", "c"), 10),
        (("b", "c"), 6),
    ]
    one, other = [0] * 9 + [1] * 7, [0] * 8 + [1] + [0] * 2 + [1] * 5
    assert rows[0].kappa.value == pytest.approx(cohen_kappa_score(one, other))
    one, other = [0] * 5 + [1] * 5, [0] + [1] * 4 + [0] * 3 + [1] * 2
    assert rows[1].kappa.value == pytest.approx(cohen_kappa_score(one, other))
    assert (rows[2].kappa.value, rows[2].kappa.reason) == (
        None,
        "no patient is read by both, or all alike",
    )


def test_kappa_has_the_interval_that_covers_beside_the_plain_one() -> None:
    (row, _) = reader_rows(known([SECOND, FIRST], ()), None)
    table = np.array(SECOND).sum(0)
    its = clustered_kappa(table)
    assert its is not None
    found = row.kappa_with_model
    assert found.clustered is not None
    assert (found.clustered.low, found.clustered.high) == (its.low, its.high)
    assert (found.clustered.method, found.clustered.patients) == ("score", table.sum())
    assert found.low != found.clustered.low
    assert found.low is not None
