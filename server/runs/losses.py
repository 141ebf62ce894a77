"""Flower's error answers in words, and from which of them a site comes back."""

from dataclasses import dataclass

TRIES = 3
"""How often one question is put to a site whose worker ends over it, or whose answer is lost."""
OUTAGES = 10
"""How often one question is put to a site that goes offline again and again."""


@dataclass(frozen=True)
class Loss:
    """What an error answer of Flower says of a site."""

    name: str
    """Of the constant in Flower's `ErrorCode`."""
    words: str
    tries: int = 1
    """How often the question is put to the site in all."""


LOSSES = {
    0: Loss("UNKNOWN", "its SuperNode failed, and Flower does not say why (supernode.log there)"),
    1: Loss("LOAD_CLIENT_APP_EXCEPTION", "its SuperNode could not start the work"),
    2: Loss("CLIENT_APP_RAISED_EXCEPTION", "its worker met an unexpected error (worker.log there)"),
    3: Loss("MESSAGE_UNAVAILABLE", "the question was lost on its way", TRIES),
    4: Loss("REPLY_MESSAGE_UNAVAILABLE", "its answer was lost on its way", TRIES),
    5: Loss("NODE_UNAVAILABLE", "it went offline before it answered", OUTAGES),
    6: Loss("MOD_FAILED_PRECONDITION", "its SuperNode refused the question"),
    7: Loss("INVALID_FAB", "its SuperNode refused the run's package"),
    8: Loss("CLIENT_APP_CRASHED", "its worker ended before it answered (worker.log there)", TRIES),
}
"""By Flower's number; tests/contracts holds the numbers and names to Flower.

A hostile site can send each of them.
"""

BEGAN_ANEW = Loss("", "its connection began anew before it answered", OUTAGES)
"""The site's SuperNode was started again, so what it was asked before is lost."""


def loss_of(code: int) -> Loss:
    """Return what an error answer says; of a code that we do not know, its number."""
    return LOSSES.get(code) or Loss("", f"Flower reports its error {code}")
