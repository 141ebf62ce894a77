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


def test_of_one_examination_the_most_doubtful_lesion_is_first() -> None:
    odd = {
        "b": Measurements("box", SIZE, in_field=0.5),
        "d": Measurements("box", SIZE, in_body=0.1),
    }
    rows = [
        Lesion(x, "p", "e", 0, "t2", 1, "c", odd.get(x, Measurements("box", SIZE)).text())
        for x in "cabd"
    ]
    (line,) = consistency(rows, [], {})
    assert [(x.lesion, x.doubt) for x in line.lesions] == [
        ("d", 10.0), ("b", 4.0), ("a", 0.0), ("c", 0.0),
    ]  # fmt: skip
    assert line.doubt == 10.0


def test_a_remark_on_the_examination_makes_each_of_its_lesions_doubtful() -> None:
    swapped = Measurements("box", SIZE, phases_in_order=False)
    rows = [
        Lesion("a", "p1", "e1", 0, "t2", 1, "c", Measurements("mask", (3.0, 3.0, 9.0)).text()),
        Lesion("b", "p2", "e2", 0, "t2", 1, "c", swapped.text()),
        Lesion("c", "p2", "e2", 0, "t2", 1, "c", Measurements("box", SIZE).text()),
    ]
    first, second = consistency(rows, [], {})
    assert [(x.lesion, x.doubt) for x in first.lesions] == [("b", 4.0), ("c", 4.0)]
    assert [x.lesion for x in second.lesions] == ["a"]
