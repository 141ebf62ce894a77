"""While `client start` runs it tells the coordinator so, and hears of a second client."""

import threading
from collections.abc import Callable

from hepafed.common.contract import BEAT_SECONDS
from hepafed.common.errors import HepaFedError

AGAIN_SECONDS = 2.0
"""How soon news are told again to a coordinator that did not answer."""


def keep_beating(
    ask: Callable[[], tuple[str, ...]],
    tell: Callable[[str], None],
    stopping: threading.Event,
    news: threading.Event,
    seconds: float = BEAT_SECONDS,
    again: float = AGAIN_SECONDS,
) -> None:
    """Ask every so many seconds since when other clients use this site's key, until `stopping`.

    While `news` is set it is asked at once: the coordinator is to hear of another connection.

    `tell` is called once for each answer that is another one. A coordinator that does not answer is
    asked again: who supervises the connection says why.
    """
    told: tuple[str, ...] = ()
    while not stopping.is_set():
        anew = news.wait(seconds)
        news.clear()
        if stopping.is_set():
            return
        try:
            others = ask()
        except HepaFedError:
            if anew and not stopping.wait(again):
                news.set()
            continue
        if others and others != told:
            tell(f"another client uses this site's key since {' and '.join(others)}")
        told = others
