"""The lines of a ledger: one JSON object each, its signature last, chained to all before.

A line of release 0.1.0 has `before`, the SHA-256 of the line before it, and neither number nor
signature. A later one has `entry`, its number, and `chain`, the link of all lines before
(`hepafed.common.heads`); in a home that has joined it is signed by the site's enrolled key.
"""

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.errors import DataError
from hepafed.common.heads import BEGINNING, link

_PURPOSE = b"hepafed ledger entry 1 "
_MARK = b',"signature":"'


@dataclass(frozen=True)
class Line:
    """A whole line of the file."""

    raw: bytes
    """Its bytes, without the line's end."""
    entry: dict[str, Any]
    number: int
    """Its place in the file, from 1."""
    chain: str
    """The link of the chain at this line."""

    @property
    def digest(self) -> str:
        """The line's SHA-256."""
        return hashlib.sha256(self.raw).hexdigest()


def line_of(raw: bytes, before: Line | None) -> Line | None:
    """Return a line with the chain counted on from the one before; None when it is no entry."""
    entry = parsed(raw)
    if entry is None:
        return None
    reached = before.chain if before else BEGINNING
    number = before.number + 1 if before else 1
    return Line(raw, entry, number, link(reached, hashlib.sha256(raw).hexdigest()))


def lone_line(raw: bytes) -> Line | None:
    """Return a line by what itself says of its number and chain; None for one of 0.1.0."""
    entry = parsed(raw)
    if entry is None or not isinstance(entry.get("entry"), int):
        return None
    chain = str(entry.get("chain", ""))
    if len(chain) != len(BEGINNING) or not set(chain) <= set("0123456789abcdef"):
        return None
    return Line(raw, entry, entry["entry"], link(chain, hashlib.sha256(raw).hexdigest()))


def must_follow(entry: Mapping[str, Any], reached: str) -> None:
    """Check that an entry continues the chain of all lines before it, which `reached` a link.

    Raises
    ------
    DataError
        An entry was changed, cut out or put in.
    """
    if "entry" in entry and entry.get("chain") != reached:
        raise DataError(
            "an entry of the ledger was changed, cut out or put in",
            "client ledger --verify says which; nothing is answered until the file is restored "
            "from a backup, or moved away and client ledger --acknowledge-gap REASON was run",
        )


def parsed(raw: bytes) -> dict[str, Any] | None:
    """Return the entry that a line holds, or None."""
    try:
        entry = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def written(entry: Mapping[str, Any], key: ec.EllipticCurvePrivateKey | None) -> bytes:
    """Return the line of an entry, signed where there is a key."""
    body = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
    if key is None:
        return body
    made = key.sign(_PURPOSE + body, ec.ECDSA(hashes.SHA384())).hex()
    return body[:-1] + _MARK + made.encode() + b'"}'


def is_signed_by(raw: bytes, public_key: str) -> bool:
    """Return whether a line ends with a signature by a key, an OpenSSH line."""
    body, mark, rest = raw.rpartition(_MARK)
    if not mark or not rest.endswith(b'"}'):
        return False
    try:
        key = serialization.load_ssh_public_key(public_key.encode())
        signature = bytes.fromhex(rest[:-2].decode())
        if not isinstance(key, ec.EllipticCurvePublicKey) or signature.hex() != rest[:-2].decode():
            return False
        key.verify(signature, _PURPOSE + body + b"}", ec.ECDSA(hashes.SHA384()))
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def end_of(f: BinaryIO) -> tuple[bytes, bytes]:
    """Return a file's last whole line and what follows it, at the cost of reading these alone."""
    found, rest = last_lines(f, 1)
    return (found[-1] if found else b""), rest


def last_lines(f: BinaryIO, count: int) -> tuple[list[bytes], bytes]:
    """Return the last whole lines of a file, `count` if it has them, and what follows them."""
    size, span = f.seek(0, os.SEEK_END), 4096
    while True:
        f.seek(max(0, size - span))
        *found, rest = f.read().split(b"\n")
        if len(found) > count or span >= size:
            return found[-count:], rest
        span *= 4


def append(f: BinaryIO, line: bytes) -> None:
    """Add a line, on disk when this returns; where that fails the file stays as it was."""
    size = f.seek(0, os.SEEK_END)
    try:
        if f.write(line + b"\n") != len(line) + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(f.fileno())
    except OSError:
        with suppress(OSError):
            f.truncate(size)
        raise
