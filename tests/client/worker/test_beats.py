"""A running client tells the coordinator so, and says a second client once."""

import threading
from collections.abc import Callable

from hepafed.client.worker.beats import keep_beating
from hepafed.common.errors import UnreachableError

NOON, ONE = "2026-01-01 12:00 UTC", "2026-01-01 13:00 UTC"


def beaten(*answers: tuple[str, ...] | None) -> list[str]:
    """Give what is told over beats with these answers; None: the coordinator does not answer."""
    stopping, left, told = threading.Event(), list(answers), list[str]()

    def ask() -> tuple[str, ...]:
        found = left.pop(0)
        if not left:
            stopping.set()
        if found is None:
            raise UnreachableError("no answer")
        return found

    tell: Callable[[str], None] = told.append
    keep_beating(ask, tell, stopping, threading.Event(), 0.0)
    assert left == []
    return told


def test_one_client_alone_is_told_nothing() -> None:
    assert beaten((), ()) == []


def test_a_second_client_is_told_once_and_again_when_it_is_another() -> None:
    assert [t.partition("since ")[2] for t in beaten((NOON,), (NOON,), (ONE,), (), (ONE,))] == [
        NOON,
        ONE,
        ONE,
    ]
    assert beaten((NOON, ONE))[0].endswith(f"{NOON} and {ONE}")


def test_a_coordinator_that_does_not_answer_ends_nothing() -> None:
    assert len(beaten((NOON,), None, (NOON,))) == 1


def test_nothing_is_asked_once_the_client_stops() -> None:
    stopping = threading.Event()
    stopping.set()

    def never() -> tuple[str, ...]:
        raise AssertionError("asked")

    keep_beating(never, lambda _: None, stopping, threading.Event(), 0.0)


def test_another_connection_is_told_at_once_and_again_until_it_was_heard() -> None:
    stopping, news, asked = threading.Event(), threading.Event(), 0

    def ask() -> tuple[str, ...]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise UnreachableError("no answer")
        stopping.set()
        return ()

    news.set()
    keep_beating(ask, lambda _: None, stopping, news, seconds=1e6, again=0.0)
    assert (asked, news.is_set()) == (3, False)
