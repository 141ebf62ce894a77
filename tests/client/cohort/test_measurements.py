"""Radiologists' readings travel from the labels table to the site's own score table."""

from collections.abc import Callable

import numpy as np
import pytest
from hepafed.client.cohort.measurements import Measurements, Signals, measurements_from, readings
from hepafed.client.cohort.store import Cohort

SIGNALS = Signals(
    contrast={"t2": -3.25},
    agreement={"t2": (0.9, 0.4, 0.3), "dwi": (0.8, 0.85, 0.1)},
    course={"arterial": 0.7, "portal": -0.1},
    decay=0.4,
    adc_with_dwi=-0.6,
)

Make = Callable[..., Cohort]


def test_readings_follow_their_lesions_into_a_selection(cohort: Make) -> None:
    read = {0: {"ann": 1, "bob": 0}, 2: {"ann": 0}}
    store = cohort(4, facts={k: Measurements("box", readers=r) for k, r in read.items()})
    selection = store.select("t2", "external")
    calls = readings(selection.facts)
    assert selection.lesions == ["0000", "0001", "0002", "0003"]
    assert calls["ann"].tolist() == [1, -1, 0, -1]
    assert calls["ann"].dtype == np.int8
    assert calls["bob"].tolist() == [0, -1, -1, -1]


@pytest.mark.parametrize(
    "measured",
    [
        Measurements(),
        Measurements("mask", (1.0, 2.5, 3.0), 0.5, 1.0, 12.3, True, {"ann": 1}),
        Measurements("box", (1.0, 1.0, 1.0), None, None, None, False),
        Measurements("box", (1.0, 2.0, 1.5), signals=SIGNALS),
    ],
)
def test_measurements_read_back_as_they_were(measured: Measurements) -> None:
    assert measurements_from(measured.text()) == measured
    assert measurements_from("") == Measurements()


def test_without_readers_there_are_no_readings(cohort: Make) -> None:
    assert readings(cohort(2).select("t2", "external").facts) == {}
    assert readings([]) == {}
