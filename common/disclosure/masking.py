"""Masked sums: many vectors of counts are added up, and nobody sees one of them.

Each pair of sites agrees on a mask (X25519, HKDF-SHA256, ChaCha20) that one adds and the other
subtracts, modulo 2^64: the masks cancel in the sum of all, and only there. On top each site adds
a mask of its own, whose seed it gives away only when the sum is to be opened (the double mask of
Bonawitz et al., CCS 2017, without that protocol's secret shares: when a site drops out, the
attempt stays closed for ever and another begins). Sums are exact: they are integers.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence

import numpy as np
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hepafed.common.contract import TUNING_SPLIT
from hepafed.common.contract.messages import KeyOffer, Terms
from hepafed.common.disclosure.noise import LARGEST_SHARE, LEAST_SHARE, LENGTH
from hepafed.common.disclosure.splits import Totals, check_totals
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.records import write_record
from hepafed.common.statistics import MOST_READERS
from numpy.typing import NDArray

Counts = NDArray[np.uint64]

FEWEST_SITES = 2
"""The fewest sites of a masked sum."""

MOST_ATTEMPTS = 5
"""The most attempts at one masked sum; after them its sites fall back."""

TUNING = "tuning"
"""The vector of the tuning split: in a training one for each weights that are judged."""
NOISY = "noisy-counts"
"""The sum of few counts with noise (docs/decisions/0023)."""
SUBJECTS = ("counts", "clusters", "pairs", "pair-clusters", TUNING, NOISY)
"""The vectors that are summed under masks, in the order of their slots."""

MOST_PARTICIPANTS = 1000
LARGEST_LENGTH = 1 << 24
_PURPOSE = b"hepafed masked sum 1 "
_WORDS = r"[A-Za-z0-9][A-Za-z0-9-]{0,79}"


def check_terms(terms: Terms) -> None:
    """Check the form of terms that came over the network; PayloadError says what is wrong."""
    names = terms.participants
    fits = (
        re.fullmatch(r"[0-9a-f]{32}", terms.exchange)
        and all(re.fullmatch(r"[0-9a-f]{64}", w) for w in (terms.weights, *terms.against))
        and re.fullmatch(_WORDS, terms.run)
        and re.fullmatch(_WORDS, terms.split)
        and terms.subject in SUBJECTS
        and 1 <= terms.length <= LARGEST_LENGTH
    )
    if not fits:
        raise PayloadError("the terms of a masked sum are not usable")
    _check_noise(terms)
    if (terms.subject == TUNING) != (terms.split == TUNING_SPLIT):
        raise PayloadError("the tuning counts, and no others, are of the tuning split")
    if not 1 <= terms.attempt <= MOST_ATTEMPTS:
        raise PayloadError(f"attempt {terms.attempt} at a masked sum: {MOST_ATTEMPTS} at most")
    readers = list(terms.readers)
    if (
        readers != sorted(set(readers))
        or len(readers) > MOST_READERS
        or (not all(0 < len(r) <= 80 for r in readers))
    ):
        raise PayloadError(f"the readers of a masked sum must be {MOST_READERS} at most, in order")
    ordered = list(names) == sorted(set(names)) and all(re.fullmatch(_WORDS, n) for n in names)
    if not ordered or not FEWEST_SITES <= len(names) <= MOST_PARTICIPANTS:
        raise PayloadError("the participants of a masked sum must be two or more, in order")


def _check_noise(terms: Terms) -> None:
    """Noise and the few counts that carry it belong together, with nothing beside them."""
    if terms.subject != NOISY:
        fits = terms.noise == 0
    else:
        fits = LEAST_SHARE <= terms.noise <= LARGEST_SHARE and terms.length == LENGTH
        fits = fits and not terms.readers and not terms.against
    if not fits:
        raise PayloadError("the noise in the terms of a masked sum is not usable")


def slot(subject: str, attempt: int) -> int:
    """Return the number under which a vector is uploaded; attempt 0 is the plain form."""
    return (MOST_ATTEMPTS + 1) * SUBJECTS.index(subject) + attempt


def _canonical(values: object) -> bytes:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode()


def context_of(terms: Terms) -> bytes:
    """Return the SHA-256 of the terms; every key and signature of the attempt is bound to it."""
    return hashlib.sha256(_PURPOSE + b"terms " + _canonical(write_record(terms))).digest()


def _signed(terms: Terms, site: str, totals: Totals, question: str, key: str) -> bytes:
    context = context_of(terms).hex()
    return _PURPOSE + b"key " + _canonical([context, site, list(totals), question, key])


def public_hex(key: X25519PrivateKey) -> str:
    """Return the public part of a key, 64 hex digits."""
    return key.public_key().public_bytes_raw().hex()


def public_line(identity: ec.EllipticCurvePrivateKey) -> str:
    """Return the public part of an identity as an OpenSSH line."""
    made = identity.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return made.decode()


def make_offer(
    terms: Terms,
    site: str,
    totals: Totals,
    key: X25519PrivateKey,
    identity: ec.EllipticCurvePrivateKey,
    question: str = "",
) -> KeyOffer:
    """Return a fresh key, signed with the numbers of cases and the question under the terms."""
    public = public_hex(key)
    message = _signed(terms, site, totals, question, public)
    return KeyOffer(
        run=terms.run,
        exchange=terms.exchange,
        site=site,
        patients=sum(totals[:2]),
        totals=totals,
        question=question,
        key=public,
        identity=public_line(identity),
        signature=identity.sign(message, ec.ECDSA(hashes.SHA384())).hex(),
    )


def read_identity(line: str) -> ec.EllipticCurvePublicKey:
    """Return the key of an OpenSSH line; PayloadError when it is not an EC P-384 key."""
    try:
        key = serialization.load_ssh_public_key(line.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise PayloadError("a site's identity is not an OpenSSH public key") from e
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        raise PayloadError("a site's identity is not an EC P-384 key")
    return key


def fingerprint(line: str) -> str:
    """Return the fingerprint of an OpenSSH line, as `ssh-keygen -l` prints it (`SHA256:…`)."""
    read_identity(line)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def check_offer(terms: Terms, offer: KeyOffer) -> None:
    """Check that the offer's identity signed this key for these very terms.

    The caller must know whether that identity is the site's.

    Raises
    ------
    RefusedError
        The key is another attempt's, was swapped, or anything else of the offer was changed.
    PayloadError
        Its numbers of cases cannot be.
    """
    if (offer.run, offer.exchange) != (terms.run, terms.exchange):
        raise RefusedError(f"the key of {offer.site[:40]} belongs to another exchange")
    if terms.subject != NOISY:
        check_totals(offer.totals, offer.patients, len(terms.readers))
    elif offer.totals or offer.patients:
        raise PayloadError("numbers of cases came beside counts with noise")
    message = _signed(terms, offer.site, offer.totals, offer.question, offer.key)
    try:
        signature = bytes.fromhex(offer.signature)
        read_identity(offer.identity).verify(signature, message, ec.ECDSA(hashes.SHA384()))
    except (InvalidSignature, ValueError) as e:
        raise RefusedError(f"the key of {offer.site[:40]} is not signed by that site") from e


def _derived(secret: bytes, context: bytes, purpose: bytes) -> bytes:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=context, info=_PURPOSE + purpose)
    return kdf.derive(secret)


def keystream(key: bytes, length: int) -> Counts:
    """Return ChaCha20's keystream, uint64[length]; a key is used once, so its nonce is zero."""
    stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    return np.frombuffer(stream.update(bytes(8 * length)), "<u8").astype(np.uint64)


def pair_key(private: X25519PrivateKey, public: str, context: bytes, one: str, two: str) -> bytes:
    """Return the 32-byte key that two sites share for one attempt, the same at both.

    Raises
    ------
    PayloadError
        `public` is no X25519 key, or one that would make the secret known to all.
    """
    low, high = sorted((one, two))
    try:
        peer = X25519PublicKey.from_public_bytes(bytes.fromhex(public))
        secret = private.exchange(peer)
    except ValueError as e:
        raise PayloadError("a site's key for a masked sum is not usable") from e
    return _derived(secret, context, _canonical(["pair", low, high]))


def own_mask(seed: bytes, terms: Terms, site: str) -> Counts:
    """Return the mask of a seed that one site adds for itself."""
    key = _derived(seed, context_of(terms), _canonical(["own", site]))
    return keystream(key, terms.length)


def masked(
    counts: Counts,
    terms: Terms,
    site: str,
    private: X25519PrivateKey,
    offers: Sequence[KeyOffer],
    seed: bytes,
) -> Counts:
    """Return uint64[length] counts plus the own mask, plus or minus a mask for each other site.

    `offers` has one checked offer of each participant.
    """
    if counts.dtype != np.uint64 or counts.shape != (terms.length,):
        raise PayloadError("the counts do not have the agreed length")
    context = context_of(terms)
    total = counts + own_mask(seed, terms, site)
    for offer in offers:
        if offer.site == site:
            continue
        mask = keystream(pair_key(private, offer.key, context, site, offer.site), terms.length)
        if site < offer.site:
            total += mask
        else:
            total -= mask
    return total


def opened_sum(vectors: Mapping[str, Counts], seeds: Mapping[str, bytes], terms: Terms) -> Counts:
    """Return the sum of every participant's masked vector, without their own masks.

    Raises
    ------
    PayloadError
        A vector or seed is missing, or of the wrong length.
    """
    total = np.zeros(terms.length, np.uint64)
    for site in terms.participants:
        vector, seed = vectors.get(site), seeds.get(site)
        if vector is None or seed is None or vector.shape != (terms.length,) or len(seed) != 32:
            raise PayloadError(f"the masked counts of {site} are missing or of a wrong length")
        total += vector
        total -= own_mask(seed, terms, site)
    return total


def counts_to_bytes(counts: Counts) -> bytes:
    """Return the counts as bytes, 8 bytes each, little-endian."""
    return counts.astype("<u8").tobytes()


def counts_from_bytes(content: bytes, length: int) -> Counts:
    """Return the counts in bytes of `counts_to_bytes`; PayloadError for another length."""
    if len(content) != 8 * length:
        raise PayloadError(f"the counts are {len(content)} bytes, not {8 * length}")
    return np.frombuffer(content, "<u8").astype(np.uint64)
