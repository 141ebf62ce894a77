"""The requests that came in, so that none is answered twice, also after a restart.

Their ids are in the ledger: an older copy of it is found, and with it what came since. Those of
questions that wait for a person, and came again, are counted in waits.json until the wait ends.
"""

from hepafed.client.permissions.waits import WaitBook
from hepafed.client.release import Ledger
from hepafed.common.contract.messages import Stamp
from hepafed.common.errors import RefusedError


class AnsweredStamps:
    """Knows the stamps of all requests that ever came in."""

    def __init__(self, ledger: Ledger, waits: WaitBook) -> None:
        self._ledger, self._waits = ledger, waits

    def check(self, stamp: Stamp) -> None:
        """Check that a request comes for the first time; the caller then writes it down.

        Raises
        ------
        RefusedError
            It came before.
        DataError
            An entry of the ledger was changed, cut out or put in.
        ConfigError
            waits.json is damaged.
        """
        waiting = any(stamp.id in w.stamps for w in self._waits.all())
        if waiting or stamp.id in self._ledger.stamps():
            raise RefusedError("the request was answered before: it is sent a second time")
