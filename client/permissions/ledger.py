"""The ledger as a request is answered: each entry cites the permission it leaves under."""

from typing import Any

from hepafed.client.release import Ledger


class CitingLedger(Ledger):
    """A `Ledger` whose entries name `permission`."""

    permission = ""
    """The permissions of the request at hand, by id; "" between requests."""

    def record(
        self,
        kind: str,
        run: str,
        content: bytes | memoryview,
        *,
        kept: bool = False,
        direction: str = "out",
        permission: str = "",
        requester: str = "",
        **more: Any,  # noqa: ANN401 - plain values
    ) -> str:
        """Write down a payload as `Ledger.record` does, under the permission at hand."""
        return super().record(
            kind,
            run,
            content,
            kept=kept,
            direction=direction,
            permission=permission or self.permission,
            requester=requester,
            **more,
        )
