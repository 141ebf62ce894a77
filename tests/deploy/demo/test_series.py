"""How the phases of a dynamic that is one series are told apart."""

from pathlib import Path

import pytest
from hepafed.deploy.demo.dialects import GE
from hepafed.deploy.demo.series import dynamic_marks, uid

from tests.deploy.demo.series import written


@pytest.mark.parametrize(
    ("layout", "times", "triggers"),
    [
        ("times", ["100100", "100200"], [None, None]),
        ("triggers", ["100100", "100100"], [0.0, 60_000.0]),
        ("both", ["100100", "100200"], [0.0, 60_000.0]),
        ("restart", ["100100", "100200"], [0.0, 0.0]),
    ],
)
def test_phases_are_told_apart_by_the_times_of_the_layout(
    tmp_path: Path, layout: str, times: list[str], triggers: list[float | None]
) -> None:
    files = written(
        tmp_path, GE, "dynamic", (None, None), dynamic_marks(layout, [0, 60]), contrast=True
    )
    assert [f.AcquisitionTime for f in files[::4]] == times
    assert [f.get("TriggerTime") for f in files[::4]] == triggers
    assert [f.TemporalPositionIdentifier for f in files[::4]] == [1, 2]


def test_a_uid_is_that_of_its_words_and_valid() -> None:
    assert uid("a", 1) == uid("a", "1") != uid("a1")
    assert len(uid("a")) <= 64
    assert uid("a").startswith("2.25.")
