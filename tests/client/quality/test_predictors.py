"""What the audit may know of a lesion: facts of the acquisition, and grey levels without places."""

from collections.abc import Callable

import numpy as np
import pytest
from hepafed.client.cohort.store import Cohort
from hepafed.client.quality.predictors import BORDER, acquisition_table, grey_tables

Make = Callable[..., Cohort]


def test_facts_that_are_the_same_for_all_are_left_out(cohort: Make) -> None:
    store = cohort(6)
    assert acquisition_table(store.rows(), store.acquisitions()).shape == (6, 0)


@pytest.mark.parametrize(
    ("change", "values"),
    [
        ({"field_strength": 1.5}, [3.0, 3.0, 1.5, 3.0]),
        ({"rows": 256}, [320.0, 320.0, 256.0, 320.0]),
        ({"between_slices": 4.0}, [5.0, 5.0, 4.0, 5.0]),
        ({"b_value": 600.0}, [800.0, 800.0, 600.0, 800.0]),
        ({"b_values": "0,50,800"}, [2.0, 2.0, 3.0, 2.0]),
    ],
)
def test_a_fact_that_differs_is_a_figure(
    cohort: Make, change: dict[str, object], values: list[float]
) -> None:
    store = cohort(4, changes={2: change}, sequences=("dwi",))
    table = acquisition_table(store.rows(), store.acquisitions())
    assert values in table.T.tolist()


def test_the_manufacturer_is_one_figure_for_each(cohort: Make) -> None:
    store = cohort(4, changes={1: {"manufacturer": "ge"}, 3: {"manufacturer": "philips"}})
    table = acquisition_table(store.rows(), store.acquisitions())
    assert table.T.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 1, 0]]


def test_whether_a_fact_is_stated_is_a_figure_too(cohort: Make) -> None:
    store = cohort(4, changes={1: {"field_strength": None}}, sequences=("t2",))
    table = acquisition_table(store.rows(), store.acquisitions())
    assert table.T.tolist() == [[0, 1, 0, 0]]


def test_pictures_without_an_examination_have_no_facts(cohort: Make) -> None:
    store = cohort(3)
    assert acquisition_table(store.rows(), ()).shape == (3, 0)


def test_the_border_lies_outside_every_lesion_s_box(cohort: Make) -> None:
    assert BORDER == 30
    pictures = {}
    for k in range(3):
        pictures[k] = np.zeros((160, 160), np.float16)
        pictures[k][30:130, 30:130] = k
        pictures[k][0, 0] = 7
    border, whole = grey_tables(store := cohort(3, pictures=pictures), store.rows())
    assert border.shape == (3, 0)
    assert whole.shape[1] > 0


def test_grey_levels_know_no_place(cohort: Make) -> None:
    rng = np.random.default_rng(0)
    shown = rng.normal(size=(160, 160)).astype(np.float16)
    other = rng.normal(2.0, size=(160, 160)).astype(np.float16)
    pictures = {0: shown, 1: shown[::-1], 2: shown.T, 3: other}
    for table in grey_tables(store := cohort(4, pictures=pictures), store.rows()):
        assert table.shape[1] == 22
        assert np.ptp(table[:3], axis=0).max() < 1e-5
        assert np.abs(table[3] - table[0]).max() > 1
