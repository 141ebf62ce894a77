"""The messages of a masked sum: terms, keys and seeds of one attempt (docs/decisions/0013)."""

from dataclasses import dataclass

from hepafed.common.records import optional


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What one attempt at a masked sum is of, and among whom; every key is signed under it."""

    exchange: str
    """Fresh random name of the attempt, 32 hex digits; never used twice."""
    run: str
    subject: str
    """`counts`: the score counts; `clusters`: the placement sums; `pairs` and
    `pair-clusters`: the same of a comparison; `tuning`: the score counts of the tuning split;
    `noisy-counts`: few counts with noise."""
    weights: str
    split: str
    attempt: int
    """Number of the attempt, from 1; it grows by one each time that a site drops out."""
    participants: tuple[str, ...]
    """Names of the sites, in order."""
    length: int
    """How many 64-bit counts a vector holds."""
    readers: tuple[str, ...] = ()
    """Names of the readers whose calls the counts hold, in order."""
    against: tuple[str, ...] = ()
    """SHA-256 of the weights that `weights` are compared with, in order."""
    noise: int = optional(0)
    """Variance of the noise that each participant adds to each count, in 1/65536; 0: no noise."""


@dataclass(frozen=True, kw_only=True)
class KeysRequest:
    """Make a fresh key for a masked sum."""

    run: str
    terms: Terms


@dataclass(frozen=True, kw_only=True)
class KeyOffer:
    """A site's fresh key; the signature covers the terms and every field here."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""
    site: str
    """The site's name."""
    patients: int
    """Number of patients; 0 where the counts carry noise, because it would tell them exactly."""
    totals: tuple[int, ...]
    """Patients (benign, malignant), then lesions by class (`CLASS_KEYS`); empty where the counts
    carry noise."""
    question: str
    """SHA-256 of the thresholds and curves that the site was asked for, 64 hex digits."""
    key: str
    """X25519 public key, 64 hex digits."""
    identity: str
    """The site's enrolled public key, an OpenSSH line; the others hold it to the one they know."""
    signature: str
    """Signature by ECDSA P-384 with SHA-384, hex."""


@dataclass(frozen=True, kw_only=True)
class SumsRequest:
    """Check the keys of every participant, and upload the masked counts."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""
    offers: tuple[KeyOffer, ...]
    """The signed key of each participant, in the order of the terms."""


@dataclass(frozen=True, kw_only=True)
class MaskedReply:
    """The masked counts are uploaded; without every participant they are random numbers."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""
    vector: str
    """SHA-256 of the uploaded masked counts."""


@dataclass(frozen=True, kw_only=True)
class OpenRequest:
    """Ask for the seed of the site's own mask, once every masked vector has arrived."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""


@dataclass(frozen=True, kw_only=True)
class OpenReply:
    """The seed of the site's own mask; the masks between sites stay, and cancel only in the sum."""

    run: str
    exchange: str
    """The attempt's name, from the terms."""
    seed: str
    """Seed of the mask, 64 hex digits."""
    bands: tuple[int | None, ...] = ()
    """The band of each task's AUC, from 0 (`common/disclosure/splits.py`); None with too few cases
    of a class. Empty where policy or the numbers of cases do not allow it."""
