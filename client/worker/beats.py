"""While `client start` runs it tells the coordinator so, and hears of a second client."""

import threading
from collections.abc import Callable

from hepafed.common.contract import BEAT_SECONDS
from hepafed.common.errors import HepaFedError


def keep_beating(
    ask: Callable[[], tuple[str, ...]],
    tell: Callable[[str], None],
    stopping: threading.Event,
    seconds: float = BEAT_SECONDS,
) -> None:
    """Ask every so many seconds since when other clients use this site's key, until `stopping`.

    `tell` is called once for each answer that is another one. A coordinator that does not answer is
    asked again: who supervises the connection says why.
    """
    told: tuple[str, ...] = ()
    while not stopping.wait(seconds):
        try:
            others = ask()
        except HepaFedError:
            continue
        if others and others != told:
            tell(f"another client uses this site's key since {' and '.join(others)}")
        told = others
