"""A site's ledger with a key, and a coordinator that keeps and countersigns its heads."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from hepafed.client.release.ledger import Ledger
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.messages import HeadReceipt, LedgerHead
from hepafed.common.errors import RefusedError
from hepafed.server.members import LedgerHeads

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
SITE = "hospital-b"


class Pair:
    """A site and its coordinator, without a wire between them."""

    def __init__(self, folder: Path) -> None:
        self.home, self.server = folder / "site", folder / "server"
        make_authority(self.server / "keys", NOW)
        self.identity = make_node_key(self.home / "keys" / "node.key")
        shutil.copy(self.server / "keys" / "ca.pem", self.home / "keys" / "ca.pem")
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(self.home)
        self.heads = LedgerHeads(self.server, now=lambda: NOW)

    def asked(self, run: str) -> LedgerHead:
        """Ask and answer once, as `SiteApp` and `Sites` do; return the head of the answer.

        Raises
        ------
        RefusedError
            The site does not hold what the coordinator has seen; it has said so, and the
            coordinator has heard it.
        """
        receipt = self.receipt()
        self.ledger.record_request("tune", run, f'{{"run":"{run}"}}', receipt=receipt)
        refused: RefusedError | None = None
        try:
            if receipt is not None:
                self.ledger.must_hold(receipt)
        except RefusedError as e:
            refused = e
        self.ledger.record_message("refused" if refused else "tuned", run, f'{{"of":"{run}"}}')
        head = self.ledger.head(receipt)
        if refused:
            raise refused
        self.heads.see(SITE, self.identity, head)
        return head

    def receipt(self) -> HeadReceipt | None:
        return self.heads.receipt(SITE, self.identity)

    def backup(self, name: str) -> Path:
        """Copy the site's home; return where."""
        return Path(shutil.copytree(self.home, self.home.parent / name))

    def restore(self, backup: Path) -> None:
        shutil.rmtree(self.home)
        shutil.copytree(backup, self.home)
        self.restart()
