"""Which SuperNodes may connect: asked before a body is read, answered from members.json."""

from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)
from hepafed.server.members.roster import Members

HEADER = "flwr-public-key"
"""The header with the node's public key, PEM in base64; Flower checks the signature beside it."""


class Admission:
    """The keys of enrolled sites, read anew when members.json has changed on disk."""

    def __init__(self, home: Path, members: Members) -> None:
        self._path = home / "members.json"
        self._members = members
        self._version = (0, 0)
        self._keys: frozenset[str] = frozenset()

    def knows(self, key: str) -> bool:
        """Return whether `key`, as `HEADER` has it, is of an enrolled site that is not revoked."""
        if not self._path.exists():
            return False
        found = self._path.stat()
        version = (found.st_ino, found.st_mtime_ns)
        if version != self._version:
            sites = self._members.sites().values()
            lines = [s.public_key for s in sites if s.public_key and not s.revoked]
            self._keys, self._version = frozenset(map(_as_sent, lines)), version
        return key in self._keys


def _as_sent(line: str) -> str:
    """Return an OpenSSH line as a SuperNode sends it (flwr's NodeAuthHttpInterceptor)."""
    key = load_ssh_public_key(line.encode())
    return b64encode(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).decode()
