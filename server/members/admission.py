"""Which SuperNodes may connect: asked before a body is read, answered from members.json."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)
from hepafed.server.members.roster import Members, SiteEntry

HEADER = "flwr-public-key"
"""The header with the node's public key, PEM in base64."""
SIGNATURE, SIGNED_AT = "flwr-signature", "flwr-timestamp"
"""The headers with the signature of the time of the call, in base64, and that time (ISO 8601)."""
OLDEST, NEWEST = timedelta(minutes=10), timedelta(minutes=1)
"""How long before and after our clock's time a call may have been signed; the SuperLink, which asks
again, is stricter."""


@dataclass(frozen=True)
class Node:
    """An enrolled site's SuperNode."""

    site: str
    id: str
    """Flower's node id, in decimal."""
    key: EllipticCurvePublicKey
    release: str = ""
    """Release of HepaFed that the site stated when it was last started; "" if it never did."""


class Admission:
    """The keys of enrolled sites, read anew when members.json has changed on disk."""

    def __init__(self, home: Path, members: Members) -> None:
        self._path = home / "members.json"
        self._members = members
        self._version = (0, 0)
        self._nodes: Mapping[str, Node] = {}

    def node_of(self, key: str) -> Node | None:
        """Return the node whose key `HEADER` has, of an enrolled site that is not revoked."""
        if not self._path.exists():
            return None
        found = self._path.stat()
        version = (found.st_ino, found.st_mtime_ns)
        if version != self._version:
            sites = [s for s in self._members.sites().values() if s.public_key and not s.revoked]
            self._nodes = dict(_node(s) for s in sites)
            self._version = version
        return self._nodes.get(key)

    def proven(self, node: Node, headers: Mapping[str, str], now: datetime | None = None) -> bool:
        """Return whether a call's headers are signed with the node's private key, at this time.

        Flower's NodeAuthHttpInterceptor signs the time alone. Many know a site's public key: all
        sites of its masked sums do.
        """
        try:
            signature = b64decode(headers.get(SIGNATURE, ""), validate=True)
            text = headers.get(SIGNED_AT, "")
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            if not -NEWEST <= (now or datetime.now(UTC)) - at <= OLDEST:
                return False
            node.key.verify(signature, text.encode("ascii"), ECDSA(SHA256()))
        except (ValueError, OverflowError, InvalidSignature, binascii.Error):
            return False
        return True


def _node(entry: SiteEntry) -> tuple[str, Node]:
    """Return a site's node under its key as its SuperNode sends it."""
    key = load_ssh_public_key(entry.public_key.encode())
    assert isinstance(key, EllipticCurvePublicKey)  # noqa: S101 - no other is enrolled
    sent = b64encode(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).decode()
    return sent, Node(entry.site, entry.node, key, entry.release)
