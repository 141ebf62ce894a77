"""The requests that came in, so that none is answered twice, also after a restart.

Their ids are in the ledger: an older copy of it is found, and with it what came since.
"""

from datetime import datetime

from hepafed.client.release import Ledger
from hepafed.common.contract.messages import Stamp
from hepafed.common.errors import RefusedError


class AnsweredStamps:
    """Knows the stamps of all requests that can still be valid, from the ledger on."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._expires: dict[str, datetime] | None = None

    def take(self, stamp: Stamp, now: datetime) -> None:
        """Take a request, which the caller writes into the ledger before it is answered.

        Raises
        ------
        RefusedError
            It came before.
        DataError
            An entry of the ledger was changed, cut out or put in.
        """
        if self._expires is None:
            held = self._ledger.stamps()
            self._expires = {i: datetime.fromisoformat(at) for i, at in held.items()}
        if stamp.id in self._expires:
            raise RefusedError("the request was answered before: it is sent a second time")
        valid = {i: at for i, at in self._expires.items() if at >= now}
        self._expires = {**valid, stamp.id: datetime.fromisoformat(stamp.expires)}
