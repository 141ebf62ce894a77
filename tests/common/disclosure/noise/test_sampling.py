"""Samples are those of a discrete Gaussian, by its own weights; the source of chance is given."""

import itertools
import math
import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hepafed.common.disclosure.noise.sampling import discrete_gaussian, noise_of
from scipy.stats import chisquare

SAMPLES = 6000


def weights(variance: Fraction, reach: int) -> dict[int, float]:
    """Return the probabilities of −reach … reach, by their definition."""
    raw = {x: math.exp(-x * x / (2 * float(variance))) for x in range(-reach, reach + 1)}
    total = sum(raw.values())
    return {x: w / total for x, w in raw.items()}


@pytest.mark.parametrize(
    "variance", [Fraction(1, 4), Fraction(2, 3), Fraction(1), Fraction(19, 2), Fraction(32)]
)
def test_samples_follow_the_exact_probabilities(variance: Fraction) -> None:
    draw = random.Random(2026).randrange
    found = Counter(discrete_gaussian(variance, draw) for _ in range(SAMPLES))
    exact = weights(variance, 60)
    common = [x for x, p in exact.items() if SAMPLES * p >= 8]
    observed = [found[x] for x in common]
    expected = [SAMPLES * exact[x] for x in common]
    observed.append(SAMPLES - sum(observed))
    expected.append(SAMPLES - sum(expected))
    assert chisquare(observed, expected).pvalue > 1e-3


def test_another_variance_would_have_been_noticed() -> None:
    draw = random.Random(2026).randrange
    found = Counter(discrete_gaussian(Fraction(1), draw) for _ in range(SAMPLES))
    exact = weights(Fraction(6, 5), 60)
    common = [x for x, p in exact.items() if SAMPLES * p >= 8]
    observed, expected = [found[x] for x in common], [SAMPLES * exact[x] for x in common]
    observed.append(SAMPLES - sum(observed))
    expected.append(SAMPLES - sum(expected))
    assert chisquare(observed, expected).pvalue < 1e-6


def test_the_sum_of_three_sites_noise_has_three_times_the_variance_and_no_bias() -> None:
    draw = random.Random(7).randrange
    variance = Fraction(131072 + 3, 65536)
    total = sum(noise_of(variance, 4000, draw) for _ in range(3))
    assert total.dtype == np.int64
    assert total.shape == (4000,)
    expected = 3 * float(variance)
    assert abs(total.mean()) < 4 * math.sqrt(expected / 4000)
    assert abs(total.var() / expected - 1) < 4 * math.sqrt(2 / 4000)


def test_the_counts_of_a_vector_have_noise_of_their_own() -> None:
    made = noise_of(Fraction(50), 200)
    assert len(set(made.tolist())) > 15
    assert abs(np.corrcoef(made[:-1], made[1:])[0, 1]) < 0.35


def test_the_same_draws_give_the_same_noise_and_only_integers_are_asked_for() -> None:
    asked = []

    def draw(below: int) -> int:
        asked.append(below)
        return source.randrange(below)

    source = random.Random(3)
    first = [discrete_gaussian(Fraction(7, 3), draw) for _ in range(20)]
    source = random.Random(3)
    assert first == [discrete_gaussian(Fraction(7, 3), draw) for _ in range(20)]
    assert all(type(n) is int and n >= 1 for n in asked)


def test_noise_from_the_systems_source_never_repeats() -> None:
    drawn = [tuple(noise_of(Fraction(40), 36).tolist()) for _ in range(3)]
    assert all(a != b for a, b in itertools.combinations(drawn, 2))
