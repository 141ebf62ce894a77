"""No site has more than the cap of a mean, and smaller sites keep their examples."""

from fractions import Fraction

import pytest
from hepafed.server.training.strategies import shared
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("examples", "cap", "expected"),
    [
        ((100, 100, 100), 0.4, (100, 100, 100)),
        ((1000, 100, 100), 0.4, (133, 100, 100)),
        ((1000, 800, 100), 0.4, (200, 200, 100)),
        ((80, 60, 60), 0.4, (80, 60, 60)),
        ((81, 60, 60), 0.4, (80, 60, 60)),
        ((1000, 10), 0.4, (1, 1)),
        ((1000, 10), 0.5, (1, 1)),
        ((7,), 0.4, (1,)),
        ((1000, 10, 1), 0.5, (11, 10, 1)),
        ((10**9, 1, 1, 1, 1), 0.2, (1, 1, 1, 1, 1)),
        ((10**9, 10**9, 5, 5, 5), 0.25, (7, 7, 5, 5, 5)),
    ],
)
def test_the_largest_sites_are_cut_to_the_cap(
    examples: tuple[int, ...], cap: float, expected: tuple[int, ...]
) -> None:
    named = dict(zip("abcdefg", examples, strict=False))
    assert tuple(shared(named, cap).values()) == expected


@given(
    st.dictionaries(st.text("abc", min_size=1), st.integers(1, 10**9), min_size=1, max_size=20),
    st.integers(1, 50).map(lambda n: n / 100),
)
def test_no_share_is_above_the_cap_and_none_grows(examples: dict[str, int], cap: float) -> None:
    made = shared(examples, cap)
    assert list(made) == list(examples)
    assert all(1 <= made[s] <= n for s, n in examples.items())
    part = Fraction(cap).limit_denominator(100)
    if part * len(examples) <= 1:
        assert set(made.values()) == {1}
        return
    assert all(Fraction(n, sum(made.values())) <= part for n in made.values())
    cut = {n for s, n in made.items() if n < examples[s]}
    assert len(cut) <= 1, "all that are cut weigh the same"
    assert all(n <= min(cut, default=n) for n in made.values())
    if cut:  # and they weigh as much as they may, in whole examples
        more = {s: n + (n in cut) * (n < examples[s]) for s, n in made.items()}
        assert any(Fraction(n, sum(more.values())) > part for n in more.values())
