"""Variables of a subgroup come from what ingest measured and from what the site declared."""

from collections.abc import Callable

import pytest
from hepafed.client.cohort.measurements import Measurements
from hepafed.client.cohort.store import Cohort
from hepafed.client.cohort.subgroups import field_strength, groups_of, size_level

from tests.client.stores import acquisition

Make = Callable[..., Cohort]


@pytest.mark.parametrize(
    ("size", "level"),
    [
        ((19.9, 5.0, 90.0), "<2 cm"),
        ((19.9, 5.0, 20.0), "<2 cm"),
        ((5.0, 20.0, 1.0), "2-5 cm"),
        ((50.0, 3.0, 1.0), "2-5 cm"),
        ((50.1, 3.0, 1.0), ">5 cm"),
        ((), ""),
    ],
)
def test_size_is_the_longest_extent_in_the_plane_cut_at_2_and_5_cm(
    size: tuple[float, ...], level: str
) -> None:
    assert size_level(Measurements("box", size)) == level


def test_vendor_and_field_strength_are_those_of_the_lesions_examination(cohort: Make) -> None:
    odd: dict[int, dict[str, object]] = {
        1: {"manufacturer": "ge", "field_strength": 1.49},
        2: {"manufacturer": "other", "field_strength": None},
    }
    store = cohort(4, changes=odd)
    found = groups_of(store.select("t2", "external"), store.acquisitions())
    assert found["vendor"].tolist() == ["siemens", "ge", "other", "siemens"]
    assert found["field_strength"].tolist() == ["3 T", "1.5 T", "", "3 T"]
    assert set(found["lesion_size"].tolist()) == {"2-5 cm"}


def test_what_the_site_declared_is_kept_with_the_lesion(cohort: Make) -> None:
    facts = {k: Measurements("box", (30.0, 30.0, 30.0), groups={"sex": "f"}) for k in (0, 2)}
    store = cohort(3, facts=facts)
    found = groups_of(store.select("t2", "external"), store.acquisitions())
    assert found["sex"].tolist() == ["f", "", "f"]


@pytest.mark.parametrize(
    ("tesla", "name"),
    [
        (1.39, "other"),
        (1.4, "1.5 T"),
        (1.6, "1.5 T"),
        (1.61, "other"),
        (2.79, "other"),
        (2.8, "3 T"),
        (3.2, "3 T"),
        (3.21, "other"),
        (0.0, "other"),
        (None, "not stated"),
    ],
)
def test_a_field_strength_is_named_up_to_either_end_of_its_band(
    tesla: float | None, name: str
) -> None:
    assert field_strength(tesla) == name


def test_scanners_that_differ_within_an_examination_are_several(cohort: Make) -> None:
    store = cohort(2)
    more = [
        acquisition("e0", "p", "adc", manufacturer="ge", field_strength=1.5),
        acquisition("e1", "p", "adc", field_strength=None),
    ]
    found = groups_of(store.select("t2", "external"), [*store.acquisitions(), *more])
    assert found["vendor"].tolist() == ["several", "siemens"]
    assert found["field_strength"].tolist() == ["several", "3 T"]


def test_a_measured_variable_is_not_replaced_by_a_declared_one(cohort: Make) -> None:
    facts = {0: Measurements("box", (30.0, 30.0, 30.0), groups={"vendor": "x", "b": "1", "a": "2"})}
    store = cohort(1, facts=facts)
    found = groups_of(store.select("t2", "external"), store.acquisitions())
    assert found["vendor"].tolist() == ["siemens"]
    assert list(found) == ["lesion_size", "vendor", "field_strength", "a", "b"]
