"""An upload whose round is over is refused and noted, once, with its seconds."""

from pathlib import Path

import pytest
from hepafed.common.errors import BusyError, RefusedError
from hepafed.server.runs.inbox import Expected, Inbox, Late


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(tmp_path: Path, clock: Clock) -> Inbox:
    """Round 1 of run r, which site b answered."""
    made = Inbox(tmp_path, clock)
    made.open_round(Expected("r", 1, frozenset(["a", "b"]), 3))
    path = made.folder / "part"
    path.write_bytes(b"abc")
    made.arrived("b", "r", 1, "d", path)
    assert made.take("b", "d")
    return made


def refused(inbox: Inbox, site: str, run: str = "r", number: int = 1) -> None:
    with pytest.raises(RefusedError, match="no update of this run and round is expected"):
        inbox.admit(site, run, number, 3)


@pytest.mark.parametrize("next_round", [False, True])
def test_who_comes_after_its_round_is_noted_once(
    inbox: Inbox, clock: Clock, next_round: bool
) -> None:
    inbox.close_round()
    if next_round:
        inbox.open_round(Expected("r", 2, frozenset(["a", "b"]), 3))
    clock.now = 175.5
    refused(inbox, "a")
    clock.now = 180.0
    refused(inbox, "a")
    assert inbox.late("r") == [Late("r", "a", 1, 75.5)]
    assert inbox.late("r") == []


@pytest.mark.parametrize(
    ("site", "run", "number"), [("b", "r", 1), ("c", "r", 1), ("a", "q", 1), ("a", "r", 2)]
)
def test_who_answered_in_time_or_was_not_asked_is_not_late(
    inbox: Inbox, site: str, run: str, number: int
) -> None:
    inbox.close_round()
    refused(inbox, site, run, number)
    assert inbox.late("r") == inbox.late("q") == []


def test_while_a_round_is_open_nobody_is_late(inbox: Inbox) -> None:
    inbox.admit("a", "r", 1, 3)
    assert inbox.late("r") == []


def test_a_closed_round_takes_nothing_and_what_was_taken_stays(inbox: Inbox) -> None:
    inbox.close_round()
    path = inbox.folder / "part"
    path.write_bytes(b"abc")
    with pytest.raises(BusyError):
        inbox.arrived("a", "r", 1, "d", path)
    assert not path.exists()
    assert (inbox.folder / "b.update").exists()


def test_a_round_that_is_opened_again_waits_for_its_sites_again(inbox: Inbox) -> None:
    inbox.close_round()
    inbox.open_round(Expected("r", 1, frozenset(["a"]), 3))
    inbox.admit("a", "r", 1, 3)
    assert inbox.late("r") == []


def test_another_run_is_told_nothing_of_this_one(inbox: Inbox) -> None:
    inbox.close_round()
    refused(inbox, "a")
    inbox.open_round(Expected("q", 1, frozenset(["a"]), 3))
    assert inbox.late("q") == []
    refused(inbox, "a")
    assert inbox.late("r") == []
