"""A value outside its limits, and a word that is not known, are refused by their key."""

import math

import pytest
from hepafed.common.contract.rounds import one_of, within
from hepafed.common.errors import PlanError


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_the_limits_themselves_are_allowed(value: float) -> None:
    within("a.b", value, 0, 1)


@pytest.mark.parametrize("value", [-0.001, 1.001, math.nan, math.inf, -math.inf])
def test_a_number_outside_or_not_finite_is_refused_by_its_key(value: float) -> None:
    with pytest.raises(PlanError, match=r"^a\.b: .* is outside 0…1$"):
        within("a.b", value, 0, 1)


@pytest.mark.parametrize(
    ("word", "said"), [("medain", "; did you mean median?"), ("xyz", "one of median, krum")]
)
def test_an_unknown_word_is_refused_with_the_nearest(word: str, said: str) -> None:
    one_of("a.b", "krum", ("median", "krum"))
    with pytest.raises(PlanError) as caught:
        one_of("a.b", word, ("median", "krum"))
    assert caught.value.message.endswith(said)
