"""What is suspicious in a lesion begins at its bound, and not at it."""

import pytest
from hepafed.client.cohort.measurements import Measurements
from hepafed.client.cohort.records import Lesion
from hepafed.client.quality.consistency import consistency

SIZE = (30.0, 32.0, 25.0)


def remarks(measured: Measurements) -> tuple[str, ...]:
    row = Lesion("l", "p", "e", 0, "t2", 1, "c", measured.text())
    return consistency([row], [], {})[0].lesions[0].remarks


@pytest.mark.parametrize(
    ("fine", "odd"),
    [
        (Measurements("box", SIZE, in_body=0.6), Measurements("box", SIZE, in_body=0.599)),
        (Measurements("box", SIZE, in_field=0.9), Measurements("box", SIZE, in_field=0.899)),
        (Measurements("box", SIZE, apart=20.0), Measurements("box", SIZE, apart=20.1)),
        (Measurements("box", (9.0, 9.0, 260.0)), Measurements("box", (9.0, 9.0, 260.1))),
        (Measurements("box", (3.9, 4.0, 9.0)), Measurements("box", (3.9, 3.8, 9.0))),
        # π/6 × 160 × 170 × 175 = 2492 ml, × 176 = 2507 ml
        (Measurements("box", (160.0, 170.0, 175.0)), Measurements("box", (160.0, 170.0, 176.0))),
    ],
    ids=["body", "field", "apart", "long", "small", "large"],
)
def test_a_lesion_is_remarked_on_beyond_its_bound_alone(
    fine: Measurements, odd: Measurements
) -> None:
    assert remarks(fine) == ()
    assert len(remarks(odd)) == 1
