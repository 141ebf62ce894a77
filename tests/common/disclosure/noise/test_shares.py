"""The noise of the honest sites together is enough: values by hand from the theorem."""

import math

import pytest
from hepafed.common.disclosure.noise.shares import (
    LARGEST_SHARE,
    LEAST_SHARE,
    UNIT,
    honest_sites,
    share_for,
    told_by,
    variance_of,
)


def test_one_sites_noise_tells_half_the_squared_change_over_the_variance() -> None:
    assert told_by(10 * UNIT, 1, 36, 2) == pytest.approx(2 / (2 * 10))


def test_the_noise_of_several_honest_sites_adds_up() -> None:
    # with a variance of 10 a site the sum is a discrete Gaussian but for 10 exp(−98.7)
    assert told_by(10 * UNIT, 3, 36, 2) == pytest.approx(2 / (2 * 30), rel=1e-12)


def test_little_noise_of_a_site_pays_for_not_being_gaussian_in_the_sum() -> None:
    # variance ½, two sites: gap 10 exp(−2π² · ½ · ½) = 0.07192; min(√(2 + 36 gap / 2), √2 + 6 gap)
    gap = 10 * math.exp(-(math.pi**2) / 2)
    assert gap == pytest.approx(0.07192, abs=1e-4)
    assert told_by(UNIT // 2, 2, 36, 2) == pytest.approx((2 + 18 * gap) / 2)
    # with 4 counts: √(2 + 2 gap) = 1.464 against √2 + 2 gap = 1.558
    assert told_by(UNIT // 2, 2, 4, 2) == pytest.approx((2 + 2 * gap) / 2)
    # variance 1 and three sites have a term for k = 1 and one for k = 2
    gaps = 10 * (math.exp(-(math.pi**2)) + math.exp(-4 * math.pi**2 / 3))
    assert told_by(UNIT, 3, 36, 2) == pytest.approx((math.sqrt(2 / 3) + 6 * gaps) ** 2 / 2)


@pytest.mark.parametrize("honest", [1, 2, 4, 30])
@pytest.mark.parametrize("rho", [0.0085, 0.0305, 0.224, 1.2])
def test_the_share_is_the_smallest_that_is_enough(rho: float, honest: int) -> None:
    share = share_for(rho, honest, 36, 2)
    assert told_by(share, honest, 36, 2) <= rho
    assert share == LEAST_SHARE or told_by(share - 1, honest, 36, 2) > rho


def test_a_share_is_never_below_what_the_theorem_holds_for() -> None:
    assert share_for(50.0, 1, 36, 2) == LEAST_SHARE == UNIT // 4
    assert share_for(1e-30, 1, 36, 2) == LARGEST_SHARE


@pytest.mark.parametrize(
    ("participants", "colluding", "honest"),
    [(2, 0, 2), (2, 1, 1), (2, 5, 1), (5, 1, 4), (5, 4, 1), (5, 999, 1), (3, 0, 3)],
)
def test_a_site_counts_on_the_honest_ones_and_always_on_itself(
    participants: int, colluding: int, honest: int
) -> None:
    assert honest_sites(participants, colluding) == honest


def test_a_share_is_a_whole_number_of_parts_of_a_variance() -> None:
    assert variance_of(3 * UNIT + 1) == 3 + variance_of(1)
    assert float(variance_of(1)) == 1 / 65536
