"""Slope and intercept from counts are those of a logistic regression on the cases."""

import numpy as np
import pytest
import statsmodels.api as sm
from hepafed.common.statistics.calibration import Calibration, calibrate, expected_error
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(40, 300), st.floats(0.4, 2.5), st.floats(-1, 1))
def test_the_fit_is_statsmodels(seed: int, n: int, slope: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    logits = np.round(rng.normal(size=n) * 1.5, 1)
    truth = rng.random(n) < 1 / (1 + np.exp(-(shift + slope * logits)))
    values, at = np.unique(logits, return_inverse=True)
    found = calibrate(
        values, np.bincount(at, truth, len(values)), np.bincount(at, ~truth, len(values))
    )
    if truth.all() or not truth.any():
        assert found == "all of one class"
        return
    yes, no = logits[truth], logits[~truth]
    if no.max() <= yes.min() or yes.max() <= no.min():
        assert found == "the classes are separated, but for one score at most: no finite slope"
        return
    assert isinstance(found, Calibration)
    both = sm.GLM(truth, sm.add_constant(logits), sm.families.Binomial()).fit(tol=1e-12)
    assert [found.intercept.value, found.slope.value] == pytest.approx(both.params, abs=1e-6)
    assert [found.intercept.se, found.slope.se] == pytest.approx(both.bse, rel=1e-4)
    large = sm.GLM(truth, np.ones(n), sm.families.Binomial(), offset=logits).fit(tol=1e-12)
    assert found.in_the_large.value == pytest.approx(large.params[0], abs=1e-6)
    assert found.in_the_large.low == pytest.approx(large.conf_int()[0][0], abs=1e-4)


@pytest.mark.parametrize(
    ("logits", "positives", "negatives", "reason"),
    [
        ([0.0, 1.0], [0, 3], [3, 0], "separated"),
        ([0.0, 1.0], [2, 3], [0, 0], "one class"),
        ([0.5], [2], [3], "equal"),
        ([0.0, 1.0, 2.0], [0, 2, 3], [3, 2, 0], "separated"),
        ([0.0, 1.0], [3, 0], [0, 3], "separated"),
        ([0.0, 1.0, 2.0], [3, 2, 0], [0, 2, 3], "separated"),
        ([0.0, 1.0], [0, 0], [2, 3], "one class"),
        ([-1.0, 0.5, 2.0], [0, 2, 0], [0, 3, 0], "equal"),
        ([1.0, 1.0 + 1e-9], [2, 3], [3, 2], "does not converge"),  # too close to tell apart
    ],
)
def test_what_has_no_finite_slope_is_said(
    logits: list[float], positives: list[int], negatives: list[int], reason: str
) -> None:
    found = calibrate(np.array(logits), np.array(positives, float), np.array(negatives, float))
    assert isinstance(found, str)
    assert reason in found


def test_a_certain_mistake_leaves_the_slope_finite() -> None:
    logits = np.array([-65504.0, -2.0, 0.0, 2.0, 65504.0])
    found = calibrate(logits, np.array([1.0, 3, 5, 9, 40]), np.array([40.0, 9, 5, 3, 1]))
    assert isinstance(found, Calibration)
    assert 0 < found.slope.value < 1


def test_expected_error_weighs_gaps_by_cases() -> None:
    counts, positives = np.array([10, 0, 30]), np.array([2, 0, 24])
    gaps = expected_error(counts, positives, np.array([1.0, 0.0, 27.0]))
    assert gaps == pytest.approx((1 + 3) / 40)


def test_a_logit_beyond_20_counts_as_20() -> None:
    positives, negatives = np.array([1.0, 3, 9]), np.array([8.0, 4, 2])
    far = calibrate(np.array([-900.0, 0.5, 900.0]), positives, negatives)
    cut = calibrate(np.array([-20.0, 0.5, 20.0]), positives, negatives)
    near = calibrate(np.array([-19.0, 0.5, 19.0]), positives, negatives)
    assert isinstance(near, Calibration)
    assert far == cut != near


def test_scores_without_cases_do_not_matter() -> None:
    logits = np.array([-900.0, -1.0, 0.0, 1.0, 30.0])
    found = calibrate(logits, np.array([0.0, 2, 3, 6, 0]), np.array([0.0, 5, 3, 1, 0]))
    assert found == calibrate(logits[1:4], np.array([2.0, 3, 6]), np.array([5.0, 3, 1]))


def test_a_fit_far_from_its_start_is_that_of_statsmodels() -> None:
    """Newton's full step loses likelihood here, so that it must be halved."""
    logits = np.array([-12.0, -11.0, -10.5, -10.0, 14.0])
    positives, negatives = np.array([1.0, 20, 2, 30, 40]), np.array([60.0, 1, 8, 2, 1])
    found = calibrate(logits, positives, negatives)
    assert isinstance(found, Calibration)
    counts = np.stack([positives, negatives], 1)
    both = sm.GLM(counts, sm.add_constant(logits), sm.families.Binomial()).fit(tol=1e-12)
    assert [found.intercept.value, found.slope.value] == pytest.approx(both.params, abs=1e-6)
    assert [found.intercept.se, found.slope.se] == pytest.approx(both.bse, rel=1e-4)
    n = positives + negatives  # their steps overflow without an end: by the score equation
    shift = brentq(lambda a: float(n @ expit(a + logits) - positives.sum()), -20, 20, xtol=1e-12)
    p = expit(shift + logits)
    assert found.in_the_large.value == pytest.approx(shift, abs=1e-6)
    assert found.in_the_large.se == pytest.approx((n @ (p * (1 - p))) ** -0.5, rel=1e-4)


def test_no_case_has_no_expected_error() -> None:
    assert np.isnan(expected_error(np.zeros(3, int), np.zeros(3, int), np.zeros(3)))
    assert expected_error(np.array([1, 0]), np.array([1, 0]), np.array([0.75, 0.0])) == 0.25
