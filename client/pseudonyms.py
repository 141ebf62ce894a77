"""Pseudonyms by HMAC-SHA256 with a key that never leaves the site's home."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from hepafed.common.files import write_whole
from hepafed.common.locks import wait_for_lock

KEY_FILE = "pseudonym.key"


class Pseudonyms:
    """The same pseudonym for the same identity, at this site alone."""

    def __init__(self, home: Path) -> None:
        path = home / KEY_FILE
        if not path.exists():
            make_key(path)
        self._key = path.read_bytes()

    @classmethod
    def unwritten(cls) -> "Pseudonyms":
        """Return pseudonyms whose key is written nowhere: they hold within this process alone."""
        made = cls.__new__(cls)
        made._key = secrets.token_bytes(32)
        return made

    def of(self, kind: str, *identity: str) -> str:
        """Return 20 hex digits for an identity of some kind (`patient`, `lesion`, …)."""
        # a file name that is not UTF-8 has its odd bytes as surrogates
        message = "\0".join([kind, *identity]).encode("utf-8", "surrogateescape")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:20]


def make_key(path: Path) -> None:
    """Write a fresh key; of two processes that do so at once the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        wait_for_lock(folder)
        if not path.exists():
            write_whole(path, secrets.token_bytes(32), private=True)
    finally:
        os.close(folder)
