"""The facts of a stack, as its first slice and its series say them."""

import pytest
from hepafed.client.dicom.roles.rule import StackFacts
from hepafed.client.dicom.roles.stack_facts import facts_of

from tests.client.dicom.slices import header


def test_the_facts_of_a_stack_are_what_its_first_slice_says() -> None:
    h = header(
        image_type=("ORIGINAL", "PRIMARY", "DIXON"), component="PHASE", weighting="T1",
        description="t1 vibe", manufacturer="SOMEONE", pulse="fl3d", scanning=("GR", "IR"),
        volumetric=True, echo_time=2.4, repetition_time=5.5, inversion_time=7.0, flip_angle=9.0,
        b_value=3.0, temporal=2.0, contrast=True,
    )  # fmt: skip
    assert facts_of(h, [h]) == StackFacts(
        image_type=frozenset({"ORIGINAL", "PRIMARY", "DIXON"}), component="PHASE", weighting="T1",
        description="t1 vibe", manufacturer="SOMEONE", pulse="fl3d",
        scanning=frozenset({"GR", "IR"}), volumetric=True, echo_time=2.4, repetition_time=5.5,
        inversion_time=7.0, flip_angle=9.0, b_value=3.0, weighted=True, temporal=2.0,
        contrast=True,
    )  # fmt: skip


@pytest.mark.parametrize("code", ["FS", "FAT", "SFS"])
@pytest.mark.parametrize("field", ["options", "variant"])
def test_fat_saturation_may_stand_among_options_or_variants(field: str, code: str) -> None:
    h = header(**{field: ("PFP", code)})
    assert facts_of(h, [h]).fat_saturated
    other = header(options=("PFP", "F"), variant=("SK",))
    assert not facts_of(other, [other]).fat_saturated


@pytest.mark.parametrize(
    ("b_values", "weighted"),
    [((0.0, None), False), ((0.0, 800.0), True), ((None, 0.5), True), ((None,), False)],
)
def test_a_series_is_weighted_where_any_slice_has_a_b_value_above_0(
    b_values: tuple[float | None, ...], weighted: bool
) -> None:
    series = [header(b_value=b) for b in b_values]
    assert facts_of(series[0], series).weighted is weighted


@pytest.mark.parametrize(
    ("echoes", "dual"),
    [
        ((2.3, 2.3, 2.3), False),
        ((2.3, 4.6), True),
        ((2.3, None), False),
        ((2.3, 4.6, 6.9), True),
        ((2.3, 4.6, 6.9, 9.2), False),
        ((2.3, 2.304), False),
        ((2.3, 2.34), False),
        ((2.3, 2.36), True),
        ((None, None), False),
    ],
)
def test_two_or_three_echo_times_that_do_not_only_jitter_make_a_dual_echo(
    echoes: tuple[float | None, ...], dual: bool
) -> None:
    series = [header(echo_time=e) for e in echoes]
    assert facts_of(series[0], series).dual is dual


@pytest.mark.parametrize(
    ("echo", "tesla", "cycles"),
    [
        (4.6, 1.5, 0.9988564),
        (2.3, 1.5, 0.4994282),
        (1.15, 3.0, 0.4994282),
        (10.0, 0.5, 0.7238090),
        (10.0, 19.9, 28.8075982),
        (10.0, 20.0, None),
        (10.0, 0.0, None),
        (10.0, -1.5, None),
        (10.0, None, None),
        (None, 1.5, None),
    ],
)
def test_fat_turns_144_76_times_a_second_and_tesla_against_water(
    echo: float | None, tesla: float | None, cycles: float | None
) -> None:
    h = header(echo_time=echo, field_strength=tesla)
    found = facts_of(h, [h]).cycles
    assert found == (None if cycles is None else pytest.approx(cycles, abs=1e-6))
