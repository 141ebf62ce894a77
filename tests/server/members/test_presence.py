"""Two clients at once are told from one that was started again."""

from datetime import UTC, datetime, timedelta

import pytest
from hepafed.server.members.presence import MOST, Presence

BEGAN = datetime(2026, 1, 1, 23, 59, tzinfo=UTC)


class Watched(Presence):
    """A presence with a clock of its own; a client lives 150 s after it was heard."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(lambda: BEGAN + timedelta(seconds=self.now), 150.0)

    def at(self, seconds: float, instance: str, site: str = "s") -> bool:
        self.now = seconds
        return self.beat(site, instance)


def since(*seconds: float) -> list[datetime]:
    return [BEGAN + timedelta(seconds=s) for s in seconds]


def test_a_client_that_was_started_again_is_one() -> None:
    seen = Watched()
    assert not any((seen.at(0, "a"), seen.at(60, "a"), seen.at(61, "b"), seen.at(121, "b")))
    assert seen.at_once("s") == []
    assert seen.beside("s", "b") == []


def test_two_at_once_are_found_when_the_older_is_heard_after_the_newer_began() -> None:
    seen = Watched()
    seen.at(0, "a")
    assert not seen.at(30, "b")
    assert seen.at(60, "a"), "it ran before and after b began"
    assert not seen.at(90, "b"), "it is said once"
    assert not seen.at(120, "a")
    assert seen.at_once("s") == since(0, 30)
    assert (seen.beside("s", "a"), seen.beside("s", "b")) == (since(30), since(0))
    assert seen.at_once("other") == []


@pytest.mark.parametrize(("later", "others"), [(150, 1), (150.1, 0)])
def test_a_client_that_is_heard_no_more_counts_no_more(later: float, others: int) -> None:
    seen = Watched()
    for seconds, instance in ((0, "a"), (30, "b"), (60, "a"), (90, "b")):
        seen.at(seconds, instance)
    seen.at(90 + later, "a")
    assert len(seen.beside("s", "a")) == others
    assert bool(seen.at_once("s")) == bool(others)


def test_of_a_client_that_was_never_heard_every_live_one_is_another() -> None:
    seen = Watched()
    seen.at(5, "a")
    assert seen.beside("s", "") == seen.beside("s", "unknown") == since(5)
    assert seen.beside("s", "a") == []
    seen.now = 156
    assert seen.beside("s", "") == []


def test_a_site_that_states_ever_new_ids_takes_no_memory() -> None:
    seen = Watched()
    for number in range(5 * MOST):
        seen.at(number / 10, f"{number:016x}")
    assert len(seen.beside("s", "")) == MOST
    assert seen.beside("s", "") == since(*((n + 4 * MOST) / 10 for n in range(MOST)))


def test_sites_are_kept_apart() -> None:
    seen = Watched()
    for seconds, instance, site in ((0, "a", "s"), (1, "b", "t"), (2, "a", "s"), (3, "b", "t")):
        assert not seen.at(seconds, instance, site)
    assert seen.at_once("s") == seen.at_once("t") == []


def test_connections_are_counted_by_site_and_each_once() -> None:
    seen = Watched()
    assert seen.connections("s") == 0
    for connection in ("a", "b", "a", "b", "b"):  # of two clients at once they come in turn
        seen.connected("s", connection)
    seen.connected("t", "a")
    assert (seen.connections("s"), seen.connections("t")) == (2, 1)


def test_the_count_of_connections_never_falls() -> None:
    seen = Watched()
    for n in range(3 * MOST):
        seen.connected("s", f"{n}")
    assert seen.connections("s") == 3 * MOST
