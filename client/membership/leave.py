"""Leave a federation: have the membership ended, then remove the keys; the cohort stays."""

import shutil
from pathlib import Path

from hepafed.client.home import sole_use
from hepafed.client.membership.status import end
from hepafed.client.release import Ledger
from hepafed.common.contract import SiteConfig, read_toml
from hepafed.common.errors import RefusedError, UnreachableError
from hepafed.common.kept_files import note_gone

OFFLINE = "if the coordinator can no longer be reached: client leave --offline"


def leave(home: Path, *, offline: bool) -> list[str]:
    """End this site's membership, remove keys/, flower/ and site.toml; return what to say.

    The cohort, the ledger, the pseudonym key and the memory of exchanges stay. Interrupted, it
    can be done again.

    Raises
    ------
    ConfigError
        `home` has not joined, or `client start` runs in it.
    UnreachableError
        The coordinator does not answer (nothing is removed), unless `offline`.
    PayloadError
        It answered something else.
    """
    config = read_toml(
        SiteConfig, home / "site.toml", "this site has not joined a federation; check --home"
    )
    said = []
    with sole_use(home):
        if offline:
            said.append(
                "the coordinator was not told; it counts this site as a member until server revoke "
                f"{config.site}"
            )
        elif (home / "keys" / "token").exists():
            try:
                end(home, config)
            except RefusedError:
                said.append("the coordinator had ended the membership already")
            except UnreachableError as e:
                raise UnreachableError(e.message, OFFLINE) from e
        if (home / "keys" / "node.key").exists():
            Ledger(home).record("left", "", config.site.encode())
        for folder in (home / "keys", home / "flower"):
            if folder.exists():
                shutil.rmtree(folder)
        (home / "site.toml").unlink()
        note_gone(home / "site.toml")
    return [f"{config.site} has left {config.address}", *said]
