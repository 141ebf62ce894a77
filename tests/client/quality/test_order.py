"""What is looked at first: the weight of the remarks, and their number."""

import pytest
from hepafed.client.quality.order import Remark, doubt


def remarks(*kinds: str) -> list[Remark]:
    return [Remark(k, "text") for k in kinds]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), 0.0),
        (("outlier",), 1.0),
        (("field",), 4.0),
        (("body",), 10.0),
        (("body", "leak", "small"), 21.0),
        (("some-new-kind",), 4.0),
        (("outlier", "outlier", "outlier"), 3.0),
        (("outlier",) * 8, 3.0),
        (("outlier",) * 8 + ("small",), 4.0),
    ],
)
def test_remarks_add_up_by_weight_and_of_one_kind_three_count(
    kinds: tuple[str, ...], expected: float
) -> None:
    assert doubt(remarks(*kinds)) == expected


def test_one_strong_remark_outweighs_many_weak_ones() -> None:
    weak = remarks(*["outlier"] * 9, *["small"] * 2, "classes")
    assert doubt(weak) < doubt(remarks("apart"))
