"""Pseudonyms by HMAC-SHA256 with a key that never leaves the site's home."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from hepafed.common.errors import ConfigError
from hepafed.common.files import write_whole
from hepafed.common.kept_files import fault_of, is_noted, note_kept
from hepafed.common.locks import wait_for_lock

KEY_FILE = "pseudonym.key"
KEY_BYTES = 32
KEY_HINT = (
    f"restore a copy of {KEY_FILE}. Without one nobody can be removed or excluded by name: begin "
    "anew in an empty home"
)


class Pseudonyms:
    """The same pseudonym for the same identity, at this site alone.

    ConfigError where the key is missing or damaged: under another one each known patient would be
    taken for a new one.
    """

    def __init__(self, home: Path) -> None:
        path = home / KEY_FILE
        if fault := fault_of(path):
            raise ConfigError(f"{KEY_FILE} {fault}", KEY_HINT)
        if not path.exists():
            make_key(path)
        self._key = path.read_bytes()
        if len(self._key) != KEY_BYTES:
            raise ConfigError(f"{KEY_FILE} is damaged: it has not {KEY_BYTES} bytes", KEY_HINT)
        if not is_noted(path):
            note_kept(path)

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
            write_whole(path, secrets.token_bytes(KEY_BYTES), private=True)
    finally:
        os.close(folder)
