"""Rates, ratios and predictive values equal their definitions, at the ends of their range too."""

import itertools
import math

import pytest
from hepafed.common.statistics.rates import (
    LEVEL,
    Rate,
    Ratio,
    Z,
    likelihood_ratios,
    net_benefit,
    predictive_ends,
    rate,
    values_at_prevalence,
    wilson,
)
from scipy.stats import binom, binomtest
from statsmodels.stats.proportion import proportion_confint


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (1, 2), (0, 9), (9, 9), (3, 17), (80, 81)])
def test_both_intervals_are_statsmodels(k: int, n: int) -> None:
    found = rate(k, n)
    assert (found.numerator, found.denominator, found.value) == (k, n, k / n)
    wilson = proportion_confint(k, n, method="wilson")
    exact = binomtest(k, n).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx(wilson, abs=1e-12)
    assert (found.exact_low, found.exact_high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_the_ends_of_a_share_of_none_or_all_are_exactly_0_and_1() -> None:
    none, every = rate(0, 7), rate(7, 7)
    assert (none.low, none.exact_low) == (0.0, 0.0)
    assert (every.high, every.exact_high) == (1.0, 1.0)


def test_a_share_of_nobody_has_neither_value_nor_interval() -> None:
    assert rate(0, 0) == Rate(0, 0, None, None, None, None, None)


def test_intervals_are_of_95_per_cent() -> None:
    assert (LEVEL, pytest.approx(1.959963984540054, abs=1e-12)) == (0.95, Z)


def test_each_likelihood_ratio_has_simels_interval() -> None:
    """Of 60 diseased 45 are found, of 90 healthy 72 are cleared."""
    positive, negative = likelihood_ratios(45, 60, 72, 90)
    for found, (a, b) in ((positive, (45, 18)), (negative, (15, 72))):
        value = (a / 60) / (b / 90)
        half = 1.959963984540054 * math.sqrt(1 / a - 1 / 60 + 1 / b - 1 / 90)
        assert found.value == pytest.approx(value)
        assert found.low == pytest.approx(value * math.exp(-half))
        assert found.high == pytest.approx(value * math.exp(half))


def test_a_likelihood_ratio_of_nothing_is_0_without_an_interval() -> None:
    assert likelihood_ratios(0, 8, 4, 9)[0] == Ratio(0.0)
    assert likelihood_ratios(8, 8, 4, 9)[1] == Ratio(0.0)


@pytest.mark.parametrize(
    ("counts", "none"),
    [
        ((5, 8, 9, 9), (True, False)),  # no false alarm
        ((5, 8, 0, 9), (False, True)),  # nobody cleared
        ((0, 0, 4, 9), (True, True)),  # nobody diseased
        ((5, 8, 0, 0), (True, True)),  # nobody healthy
    ],
)
def test_a_likelihood_ratio_over_nothing_is_none(
    counts: tuple[int, int, int, int], none: tuple[bool, bool]
) -> None:
    found = likelihood_ratios(*counts)
    assert tuple(r == Ratio(None) for r in found) == none


def test_a_ratio_over_one_case_still_has_a_value() -> None:
    assert likelihood_ratios(1, 1, 0, 1)[0].value == 1.0
    assert likelihood_ratios(3, 4, 5, 6)[0].value == pytest.approx(4.5)


def test_predictive_values_follow_bayes() -> None:
    """Of 1,000 with 50 diseased: 40 found and 190 false alarms; 760 cleared, 10 missed."""
    ppv, npv = values_at_prevalence(0.8, 0.8, 0.05)
    assert ppv == pytest.approx(40 / 230)
    assert npv == pytest.approx(760 / 770)


def test_predictive_values_of_calls_that_nobody_gets_are_none() -> None:
    assert values_at_prevalence(0.0, 1.0, 0.3) == (None, pytest.approx(0.7))
    assert values_at_prevalence(1.0, 0.0, 0.3) == (pytest.approx(0.3), None)


def test_a_net_benefit_weighs_false_alarms_by_the_odds_of_the_threshold() -> None:
    assert net_benefit(12, 30, 90, 0.25) == pytest.approx((12 - 30 / 3) / 90)


def test_ends_of_a_predictive_value_add_the_squares_of_both_rates_on_the_log_scale() -> None:
    """Of a sensitivity 0.8 (0.6 to 0.9) and a specificity 0.7 (0.5 to 0.8), at odds of 1 : 3."""
    ppv, npv = predictive_ends((0.8, 0.6, 0.9), (0.7, 0.5, 0.8), 0.25)
    down = math.sqrt(math.log(0.8 / 0.6) ** 2 + math.log(0.5 / 0.3) ** 2)
    up = math.sqrt(math.log(0.9 / 0.8) ** 2 + math.log(0.3 / 0.2) ** 2)
    odds = (0.8 / 0.3) / 3
    assert ppv == pytest.approx([_share(odds * math.exp(-down)), _share(odds * math.exp(up))])
    down = math.sqrt(math.log(0.7 / 0.5) ** 2 + math.log(0.4 / 0.2) ** 2)
    up = math.sqrt(math.log(0.8 / 0.7) ** 2 + math.log(0.2 / 0.1) ** 2)
    odds = (0.7 / 0.2) * 3
    assert npv == pytest.approx([_share(odds * math.exp(-down)), _share(odds * math.exp(up))])


def _share(odds: float) -> float:
    return odds / (1 + odds)


def test_a_rate_of_0_or_1_leaves_a_predictive_value_one_end() -> None:
    perfect, some, nobody = (1.0, 0.8, 1.0), (0.7, 0.5, 0.8), (0.0, 0.0, 0.2)
    ppv, npv = predictive_ends(some, perfect, 0.5)
    assert ppv == pytest.approx((0.5 / 0.7, 1.0))  # 0.5 to 0.2
    assert npv is not None
    assert 0 < npv[0] < 1 / 1.3 < npv[1] < 1
    assert predictive_ends(perfect, some, 0.5)[1] == pytest.approx((0.5 / 0.7, 1.0))
    assert predictive_ends(nobody, some, 0.5)[0] == pytest.approx((0.0, 0.5))  # 0.2 to 0.2
    assert predictive_ends(nobody, perfect, 0.5)[0] is None
    assert predictive_ends(perfect, nobody, 0.5)[1] is None


@pytest.mark.parametrize("prevalence", [0.02, 0.3])
@pytest.mark.parametrize(("se", "sp"), [(0.9, 0.8), (0.8, 0.95), (0.6, 0.6)])
def test_the_interval_of_a_predictive_value_covers_it(
    se: float, sp: float, prevalence: float
) -> None:
    """Coverage by adding up the chances of all pairs of counts, of 40 diseased and 60 healthy."""
    truth = values_at_prevalence(se, sp, prevalence)
    held = [0.0, 0.0]
    given = [0.0, 0.0]
    for a, b in itertools.product(range(41), range(61)):
        chance = float(binom.pmf(a, 40, se) * binom.pmf(b, 60, sp))
        if chance < 1e-9:
            continue
        rates = [(k / n, *wilson(k / n, n, Z)) for k, n in ((a, 40), (b, 60))]
        for i, ends in enumerate(predictive_ends(rates[0], rates[1], prevalence)):
            if ends is not None:
                given[i] += chance
                held[i] += chance * (ends[0] <= (truth[i] or 0.0) <= ends[1])
    shares = [h / g for h, g in zip(held, given, strict=True)]
    assert all(0.93 <= s <= 0.985 for s in shares), shares
