"""The terms of a masked sum at their limits, and the bytes that every release must make alike."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hepafed.common.contract.messages import Terms
from hepafed.common.disclosure.masking import (
    FEWEST_SITES,
    LARGEST_LENGTH,
    MOST_ATTEMPTS,
    MOST_PARTICIPANTS,
    SUBJECTS,
    check_offer,
    check_terms,
    context_of,
    counts_from_bytes,
    counts_to_bytes,
    fingerprint,
    keystream,
    make_offer,
    masked,
    opened_sum,
    own_mask,
    pair_key,
    public_hex,
    public_line,
    read_identity,
    slot,
)
from hepafed.common.errors import PayloadError, RefusedError

TERMS = Terms(
    exchange="0123456789abcdef" * 2,
    run="validate-1",
    subject="counts",
    weights="a" * 64,
    split="external",
    attempt=1,
    participants=("ann", "bob"),
    length=3,
)
PURPOSE = b"hepafed masked sum 1 "
IDENTITY = ec.generate_private_key(ec.SECP384R1())


def with_(**change: object) -> Terms:
    return dataclasses.replace(TERMS, **change)  # type: ignore[arg-type]


def names(count: int) -> tuple[str, ...]:
    return tuple(f"s{i:04d}" for i in range(count))


@pytest.mark.parametrize(
    "change",
    [
        {"attempt": MOST_ATTEMPTS},
        {"length": 1},
        {"length": LARGEST_LENGTH},
        {"run": "r"},
        {"run": "R" * 80},
        {"split": "9" * 80},
        {"readers": names(32)},
        {"readers": ("r",)},
        {"readers": ("r" * 80,)},
        {"participants": names(FEWEST_SITES)},
        {"participants": names(MOST_PARTICIPANTS)},
        {"participants": ("a", "b" * 80)},
        {"against": ("b" * 64, "c" * 64)},
        *({"subject": s} for s in SUBJECTS if s not in ("tuning", "noisy-counts")),
        {"subject": "noisy-counts", "length": 36, "noise": 1 << 14},
        {"subject": "noisy-counts", "length": 36, "noise": 1 << 48},
        {"subject": "tuning", "split": "tune"},
    ],
    ids=lambda c: str(c)[:40],
)
def test_terms_at_every_limit_are_taken(change: dict[str, object]) -> None:
    check_terms(with_(**change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exchange": "a" * 31}, "not usable"),
        ({"exchange": "a" * 33}, "not usable"),
        ({"exchange": "A" * 32}, "not usable"),
        ({"weights": "a" * 63}, "not usable"),
        ({"weights": "a" * 65}, "not usable"),
        ({"weights": "A" * 64}, "not usable"),
        ({"against": ("b" * 64, "c")}, "not usable"),
        ({"run": ""}, "not usable"),
        ({"run": "-r"}, "not usable"),
        ({"run": "R" * 81}, "not usable"),
        ({"split": "s p"}, "not usable"),
        ({"split": "9" * 81}, "not usable"),
        ({"subject": "Counts"}, "not usable"),
        ({"subject": "tuning"}, "the tuning counts, and no others"),
        ({"split": "tune"}, "the tuning counts, and no others"),
        ({"subject": "clusters", "split": "tune"}, "the tuning counts, and no others"),
        ({"length": 0}, "not usable"),
        ({"length": LARGEST_LENGTH + 1}, "not usable"),
        ({"attempt": 0}, "5 at most"),
        ({"attempt": MOST_ATTEMPTS + 1}, "5 at most"),
        ({"readers": ("r", "r")}, "readers of a masked sum"),
        ({"readers": ("",)}, "readers of a masked sum"),
        ({"readers": ("q", "r" * 81)}, "readers of a masked sum"),
        ({"readers": names(33)}, "readers of a masked sum"),
        ({"participants": names(1)}, "two or more"),
        ({"participants": names(MOST_PARTICIPANTS + 1)}, "two or more"),
        ({"participants": ("a", "b" * 81)}, "two or more"),
        ({"participants": ("-a", "b")}, "two or more"),
    ],
    ids=lambda c: str(c)[:40],
)
def test_terms_just_beyond_a_limit_are_refused_with_the_reason(
    change: dict[str, object], words: str
) -> None:
    with pytest.raises(PayloadError, match=words):
        check_terms(with_(**change))


def test_each_attempt_at_each_vector_has_its_own_number() -> None:
    assert [slot("counts", a) for a in range(6)] == [0, 1, 2, 3, 4, 5]
    assert [slot(s, 2) for s in SUBJECTS] == [2, 8, 14, 20, 26, 32]


def compact(values: object) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def test_every_release_binds_keys_to_the_same_context() -> None:
    terms = with_(readers=("Jörg",), against=("c" * 64,), attempt=3)
    fields = {k: v for k, v in dataclasses.asdict(terms).items() if k != "noise"}
    assert context_of(terms) == hashlib.sha256(PURPOSE + b"terms " + compact(fields)).digest()
    noisy = fields | {"noise": 70000}
    assert context_of(dataclasses.replace(terms, noise=70000)) == (
        hashlib.sha256(PURPOSE + b"terms " + compact(noisy)).digest()
    )
    assert context_of(TERMS).hex() == (
        hashlib.sha256(
            PURPOSE
            + b'terms {"against":[],"attempt":1,"exchange":"0123456789abcdef0123456789abcdef",'
            b'"length":3,"participants":["ann","bob"],"readers":[],"run":"validate-1",'
            b'"split":"external","subject":"counts","weights":"' + b"a" * 64 + b'"}'
        ).hexdigest()
    )


def test_a_keystream_is_chacha20s() -> None:
    """The key of 32 zero bytes: RFC 8439, appendix A.1, test vectors 1 and 2."""
    first = bytes.fromhex("76b8e0ada0f13d90405d6ae55386bd28")
    assert keystream(bytes(32), 2).tolist() == np.frombuffer(first, "<u8").tolist()
    assert keystream(bytes(32), 9)[8] == int.from_bytes(bytes.fromhex("9f07e7be5551387a"), "little")
    assert keystream(bytes(32), 9).dtype == np.uint64


def derived(secret: bytes, purpose: bytes, terms: Terms) -> bytes:
    kdf = HKDF(hashes.SHA256(), 32, salt=context_of(terms), info=PURPOSE + purpose)
    return kdf.derive(secret)


def test_a_sites_own_mask_is_derived_from_seed_terms_and_name() -> None:
    seed = bytes(range(32))
    wanted = keystream(derived(seed, b'["own","ann"]', TERMS), 3)
    assert (own_mask(seed, TERMS, "ann") == wanted).all()


def pair() -> tuple[X25519PrivateKey, X25519PrivateKey]:
    return X25519PrivateKey.generate(), X25519PrivateKey.generate()


def test_two_sites_derive_one_key_from_secret_terms_and_names() -> None:
    ann, bob = pair()
    context = context_of(TERMS)
    found = pair_key(ann, public_hex(bob), context, "ann", "bob")
    assert found == pair_key(bob, public_hex(ann), context, "bob", "ann")
    assert found == derived(ann.exchange(bob.public_key()), b'["pair","ann","bob"]', TERMS)


@pytest.mark.parametrize("public", ["", "zz", "00" * 31, "01" + "00" * 31])
def test_a_key_that_is_none_is_refused(public: str) -> None:
    with pytest.raises(PayloadError, match="key for a masked sum is not usable"):
        pair_key(X25519PrivateKey.generate(), public, b"", "a", "b")


def test_the_first_site_adds_the_mask_of_a_pair_and_the_second_subtracts_it() -> None:
    ann, bob = pair()
    offers = [
        make_offer(TERMS, n, (4, 5, 4, 3, 2), k, IDENTITY) for n, k in (("ann", ann), ("bob", bob))
    ]
    shared = keystream(pair_key(ann, public_hex(bob), context_of(TERMS), "ann", "bob"), 3)
    counts, seed = np.array([5, 0, 2**64 - 1], np.uint64), bytes(32)
    one = masked(counts, TERMS, "ann", ann, offers, seed)
    two = masked(counts, TERMS, "bob", bob, offers, seed)
    assert (one == counts + own_mask(seed, TERMS, "ann") + shared).all()
    assert (two == counts + own_mask(seed, TERMS, "bob") - shared).all()
    assert counts.tolist() == [5, 0, 2**64 - 1]


@pytest.mark.parametrize(
    "counts", [np.zeros(3, np.int64), np.zeros(4, np.uint64), np.zeros((3, 1), np.uint64)]
)
def test_counts_of_another_type_or_form_are_not_masked(counts: np.ndarray) -> None:
    with pytest.raises(PayloadError, match="agreed length"):
        masked(counts, TERMS, "ann", X25519PrivateKey.generate(), [], bytes(32))


def vectors() -> tuple[dict[str, np.ndarray], dict[str, bytes]]:
    return {s: np.zeros(3, np.uint64) for s in ["ann", "bob"]}, {
        s: bytes(32) for s in ["ann", "bob"]
    }


def test_a_sum_is_opened_only_with_every_vector_and_seed_whole() -> None:
    opened_sum(*vectors(), TERMS)
    for missing in ("ann", "bob"):
        for part in (0, 1):
            given: Sequence[dict[str, object]] = vectors()  # type: ignore[assignment]
            del given[part][missing]
            with pytest.raises(PayloadError, match=f"masked counts of {missing}"):
                opened_sum(*given, TERMS)  # type: ignore[arg-type]
    for part, value in ((0, np.zeros(2, np.uint64)), (1, bytes(31)), (1, bytes(33))):
        given = vectors()  # type: ignore[assignment]
        given[part]["bob"] = value
        with pytest.raises(PayloadError, match="masked counts of bob"):
            opened_sum(*given, TERMS)  # type: ignore[arg-type]


def test_counts_are_eight_bytes_each_the_lowest_first() -> None:
    counts = np.array([1, 2**63 + 258], np.uint64)
    content = bytes([1, *[0] * 7, 2, 1, *[0] * 5, 128])
    assert counts_to_bytes(counts) == content
    assert counts_from_bytes(content, 2).tolist() == counts.tolist()
    assert counts_from_bytes(content, 2).dtype == np.uint64
    with pytest.raises(PayloadError, match="16 bytes, not 24"):
        counts_from_bytes(content, 3)


def test_an_offer_holds_what_it_signs() -> None:
    key = X25519PrivateKey.generate()
    offer = make_offer(TERMS, "ann", (9, 8, 9, 5, 4), key, IDENTITY, "ab" * 32)
    assert (offer.run, offer.exchange) == (TERMS.run, TERMS.exchange)
    assert (offer.site, offer.patients, offer.key) == ("ann", 17, public_hex(key))
    assert offer.totals == (9, 8, 9, 5, 4)
    assert offer.identity == public_line(IDENTITY)
    assert offer.question == "ab" * 32
    signed = [context_of(TERMS).hex(), "ann", [9, 8, 9, 5, 4], "ab" * 32, public_hex(key)]
    message = PURPOSE + b"key " + compact(signed)
    IDENTITY.public_key().verify(bytes.fromhex(offer.signature), message, ec.ECDSA(hashes.SHA384()))
    check_offer(TERMS, offer)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"run": "x"}, "belongs to another exchange"),
        ({"exchange": "f" * 32}, "belongs to another exchange"),
        ({"totals": (8, 9, 9, 5, 4)}, "is not signed by that site"),
        ({"question": "ac" * 32}, "is not signed by that site"),
        ({"signature": "zz"}, "is not signed by that site"),
    ],
    ids=str,
)
def test_a_refused_offer_is_named_with_its_site(change: dict[str, object], words: str) -> None:
    offer = make_offer(TERMS, "n" * 60, (9, 8, 9, 5, 4), X25519PrivateKey.generate(), IDENTITY)
    with pytest.raises(RefusedError, match=f"the key of {'n' * 40} {words}"):
        check_offer(TERMS, dataclasses.replace(offer, **change))  # type: ignore[arg-type]


def line_of(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return key.public_key().public_bytes(*form).decode()


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP521R1(), None])
def test_an_identity_of_another_kind_is_refused(curve: ec.EllipticCurve | None) -> None:
    other = ec.generate_private_key(curve) if curve else ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(PayloadError, match=r"not an EC P-384 key"):
        fingerprint(line_of(other))
    assert read_identity(line_of(IDENTITY)).public_numbers() == (
        IDENTITY.public_key().public_numbers()
    )
