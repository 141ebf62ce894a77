"""Pseudonyms by HMAC-SHA256 with a key that never leaves the site's home."""

import hashlib
import hmac
import secrets
from pathlib import Path

from hepafed.common.files import write_whole

KEY_FILE = "pseudonym.key"


class Pseudonyms:
    """Makes the same pseudonym for the same identity, at this site alone."""

    def __init__(self, home: Path) -> None:
        path = home / KEY_FILE
        if not path.exists():
            write_whole(path, secrets.token_bytes(32), private=True)
        self._key = path.read_bytes()

    def of(self, kind: str, *identity: str) -> str:
        """Give 20 hex digits for an identity of some kind (`patient`, `lesion`, …)."""
        message = "\0".join([kind, *identity]).encode()
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:20]
