"""Requests carry a stamp that the coordinator signs: for which site and study, until when.

ECDSA with SHA-384 (FIPS 186-5) and the federation's authority key, whose certificate each site has
from its invite. The stamp holds the SHA-256 of the request's text: run, plan, model and round are
all under the signature.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.contract.messages.kinds import Stamp
from hepafed.common.contract.messages.wire import pack, unpack
from hepafed.common.errors import ConfigError, PayloadError, RefusedError

LONGEST_VALID = timedelta(days=8)
"""The longest time that a request is valid: a round waits 7 days at most."""
EARLY = timedelta(minutes=10)
"""By how much a site's clock may be behind the coordinator's."""
_ALGORITHM = ec.ECDSA(hashes.SHA384())
_PREFIX = b"hepafed request 1\n"
"""So that no other signature of this key is taken for one of a request."""


def seal(
    text: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    site: str,
    requester: str,
    study: str,
    now: datetime,
    seconds: float,
) -> dict[str, str]:
    """Return what goes to a site: a request's text, its stamp, and the stamp's signature."""
    stamp = Stamp(
        id=secrets.token_hex(16),
        site=site,
        requester=requester,
        study=study,
        issued=now.isoformat(timespec="seconds"),
        expires=(now + min(timedelta(seconds=seconds), LONGEST_VALID)).isoformat(
            timespec="seconds"
        ),
        request=hashlib.sha256(text.encode()).hexdigest(),
    )
    words = pack(stamp)
    signature = key.sign(_PREFIX + words.encode(), _ALGORITHM)
    return {"json": text, "stamp": words, "signature": base64.b64encode(signature).decode()}


def open_sealed(
    values: Mapping[str, object], authority: str, site: str, now: datetime
) -> tuple[str, Stamp]:
    """Return the text and the stamp of a request that the coordinator signed for this site.

    `authority`: the coordinator's certificate (PEM) that the site has from its invite.

    Raises
    ------
    RefusedError
        The request is not signed, or by another key; it is of another text or for another site; it
        is not valid yet or any more.
    PayloadError
        The stamp is damaged.
    ConfigError
        The certificate cannot be read.
    """
    text, words = str(values.get("json", "")), str(values.get("stamp", ""))
    signature = str(values.get("signature", ""))
    if not words or not signature:
        raise RefusedError("the request is not signed by the coordinator")
    try:
        _public_key(authority).verify(
            base64.b64decode(signature, validate=True), _PREFIX + words.encode(), _ALGORITHM
        )
    except (InvalidSignature, ValueError) as e:
        raise RefusedError(
            "the signature of the request is not of the coordinator whom this site joined"
        ) from e
    stamp = unpack(words)
    if not isinstance(stamp, Stamp) or not re.fullmatch(r"[0-9a-f]{32}", stamp.id):
        raise PayloadError("the stamp of a request is damaged")
    if stamp.request != hashlib.sha256(text.encode()).hexdigest():
        raise RefusedError("the request was changed after it was signed")
    if stamp.site != site:
        raise RefusedError("the request was signed for another site")
    _check_times(stamp, now)
    return text, stamp


def _check_times(stamp: Stamp, now: datetime) -> None:
    try:
        issued = datetime.fromisoformat(stamp.issued)
        expires = datetime.fromisoformat(stamp.expires)
        late, early = now > expires, now + EARLY < issued
        long = expires - issued > LONGEST_VALID
    except (ValueError, TypeError) as e:
        raise PayloadError("the stamp of a request has no usable time") from e
    if late:
        raise RefusedError("the request has expired", "are the clocks of both sides right?")
    if early:
        raise RefusedError("the request is of a later time", "are the clocks of both sides right?")
    if long:
        raise RefusedError(f"the request is valid for more than {LONGEST_VALID.days} days")


def _public_key(authority: str) -> ec.EllipticCurvePublicKey:
    try:
        key = x509.load_pem_x509_certificate(authority.encode()).public_key()
    except (ValueError, UnsupportedAlgorithm) as e:
        raise ConfigError("the coordinator's certificate (keys/ca.pem) cannot be read") from e
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError("the coordinator's certificate (keys/ca.pem) has no usable key")
    return key
