"""The chain of a ledger, its signed heads, and the countersignatures: made and checked.

Links of a hash chain whose steps are short enough to be sent prove to whoever keeps one head that
a later one continues it (a linear form of the consistency proofs of RFC 6962, section 2.1.2; a
site writes a handful of entries a message, so a tree would save nothing).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.contract.messages import HeadReceipt, LedgerHead
from hepafed.common.errors import ConfigError, PayloadError
from hepafed.common.records import write_record

BEGINNING = "0" * 64
"""The link before the first entry."""
_HEAD, _RECEIPT = b"hepafed ledger head 1 ", b"hepafed ledger receipt 1 "


def link(before: str, digest: str) -> str:
    """Return the link of the chain at a line, from the link before and the line's SHA-256."""
    return hashlib.sha256(bytes.fromhex(before) + bytes.fromhex(digest)).hexdigest()


def links(before: str, steps: Sequence[str]) -> list[str]:
    """Return the links of the chain after each step; `before` is the one that they lead from."""
    found = []
    for step in steps:
        before = link(before, step)
        found.append(before)
    return found


def sign_head(head: LedgerHead, key: ec.EllipticCurvePrivateKey) -> LedgerHead:
    """Return a head with the site's signature over every field but the steps."""
    made = key.sign(_signed(_HEAD, head), ec.ECDSA(hashes.SHA384()))
    return replace(head, signature=made.hex())


def check_head(head: LedgerHead, identity: str) -> None:
    """Check a head's signature; `identity` is the site's enrolled key, an OpenSSH line.

    Raises
    ------
    PayloadError
        That key did not sign this head.
    """
    try:
        key = serialization.load_ssh_public_key(identity.encode())
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError("not an elliptic curve key")
        key.verify(bytes.fromhex(head.signature), _signed(_HEAD, head), ec.ECDSA(hashes.SHA384()))
    except (InvalidSignature, ValueError, UnsupportedAlgorithm) as e:
        raise PayloadError("the head of the site's ledger is not signed by its enrolled key") from e


def continues(head: LedgerHead, known: Mapping[int, str], last: int) -> bool:
    """Return whether a head's steps lead from a known head, over the last one, to the head's link.

    `known`: links of heads seen before, by entry; `last`: the entry of the newest of them. A head
    that is older than `last` continues nothing, unless it is one of those known.
    """
    if head.entry <= last:
        return known.get(head.entry) == head.chain
    if head.since not in known:
        return False
    passed = dict(enumerate([known[head.since], *links(known[head.since], head.steps)], head.since))
    return passed.get(last) == known[last] and passed[head.entry] == head.chain


def sign_receipt(receipt: HeadReceipt, key: ec.EllipticCurvePrivateKey) -> HeadReceipt:
    """Return a receipt with the authority's signature over every other field."""
    made = key.sign(_signed(_RECEIPT, receipt), ec.ECDSA(hashes.SHA384()))
    return replace(receipt, signature=made.hex())


def is_countersigned(receipt: HeadReceipt, authority: str) -> bool:
    """Return whether the authority (its public key, PEM) signed this receipt."""
    try:
        key = serialization.load_pem_public_key(authority.encode())
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(
            bytes.fromhex(receipt.signature),
            _signed(_RECEIPT, receipt),
            ec.ECDSA(hashes.SHA384()),
        )
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def authority_of(certificate: bytes) -> str:
    """Return the public key of a certificate (PEM in, PEM out); ConfigError when it is none."""
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as e:
        raise ConfigError("the coordinator's CA certificate cannot be read") from e
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _signed(purpose: bytes, record: LedgerHead | HeadReceipt) -> bytes:
    """Return the bytes that a signature covers: all fields but itself and the steps, in order."""
    values = write_record(record)
    values = {k: v for k, v in values.items() if k not in ("signature", "steps")}
    return purpose + json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
