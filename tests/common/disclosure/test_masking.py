"""A masked sum equals the plain sum bit for bit, and one masked vector says nothing."""

import dataclasses
import zlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hepafed.common.contract.messages import KeyOffer, Terms
from hepafed.common.disclosure.masking import (
    MOST_ATTEMPTS,
    Counts,
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
)
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.statistics.additive import vector_length
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm

IDENTITIES = [ec.generate_private_key(ec.SECP384R1()) for _ in range(3)]


def terms_of(sites: int, length: int) -> Terms:
    return Terms(
        exchange="0" * 31 + "1",
        run="validate-1",
        subject="counts",
        weights="a" * 64,
        split="external",
        attempt=1,
        participants=tuple(f"site-{i:02d}" for i in range(sites)),
        length=length,
    )


class Group:
    """Sites with their keys, as they stand after the keys were exchanged."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.keys = {s: X25519PrivateKey.generate() for s in terms.participants}
        self.seeds = {s: bytes([i] * 32) for i, s in enumerate(terms.participants)}
        self.offers = [
            make_offer(terms, s, (5, 5, 4, 4, 2), key, IDENTITIES[i % len(IDENTITIES)])
            for i, (s, key) in enumerate(self.keys.items())
        ]

    def masked(self, site: str, counts: Counts) -> Counts:
        return masked(counts, self.terms, site, self.keys[site], self.offers, self.seeds[site])


def counts_of(seed: int, length: int, largest: int) -> Counts:
    return np.random.default_rng(seed).integers(0, largest, length, np.uint64, endpoint=True)


def assert_masked_sum_is_plain_sum(sites: int, length: int, seed: int, largest: int) -> None:
    group = Group(terms_of(sites, length))
    plain = {s: counts_of(seed + i, length, largest) for i, s in enumerate(group.keys)}
    vectors = {s: group.masked(s, c) for s, c in plain.items()}
    total = np.zeros(length, np.uint64)
    for c in plain.values():
        total += c
    got = opened_sum(vectors, group.seeds, group.terms)
    assert counts_to_bytes(got) == counts_to_bytes(total)


@pytest.mark.parametrize("sites", [2, 3, 50])
def test_masked_sum_is_the_plain_sum_bit_for_bit(sites: int) -> None:
    assert_masked_sum_is_plain_sum(sites, 2048, 1, 1000)


def test_masked_sum_is_the_plain_sum_for_every_number_of_sites() -> None:
    for sites in range(2, 51):
        assert_masked_sum_is_plain_sum(sites, 3, sites, 2**64 - 1)


@pytest.mark.slow
def test_masked_sum_of_fifty_sites_is_the_plain_sum_at_full_length() -> None:
    assert_masked_sum_is_plain_sum(50, vector_length(), 1, 1000)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 50),
    st.integers(1, 40),
    st.integers(0, 10**6),
    st.sampled_from([0, 1, 10**6, 2**64 - 1]),
)
def test_masked_sum_is_the_plain_sum_for_any_sites_and_counts(
    sites: int, length: int, seed: int, largest: int
) -> None:
    assert_masked_sum_is_plain_sum(sites, length, seed, largest)


def assert_random(content: bytes) -> None:
    """Tests of NIST SP 800-22's kind, each failing by chance once in 10^9."""
    rare = 1e-9
    values = np.frombuffer(content, np.uint8)
    count = len(values)
    bits = np.unpackbits(values)
    ones = abs(2 * int(bits.sum()) - len(bits)) / np.sqrt(len(bits))
    assert ones < norm.isf(rare / 2), "monobit"
    changes = int((bits[1:] != bits[:-1]).sum())
    assert abs(2 * changes - len(bits)) / np.sqrt(len(bits)) < norm.isf(rare / 2), "runs"
    expected = count / 256
    observed = np.bincount(values, minlength=256)
    assert ((observed - expected) ** 2 / expected).sum() < chi2.isf(rare, 255), "bytes"
    for place in range(8):
        part = values[place::8].astype(np.int64)
        observed = np.bincount(part, minlength=256)
        expected = len(part) / 256
        assert ((observed - expected) ** 2 / expected).sum() < chi2.isf(rare, 255), place
    centred = values - values.mean()
    serial = (centred[:-8] * centred[8:]).sum() / (centred**2).sum() * np.sqrt(count)
    assert abs(serial) < norm.isf(rare / 2), "one count and the next"
    assert len(zlib.compress(content, 9)) >= count, "cannot be compressed"


@pytest.mark.parametrize("largest", [0, 3], ids=["no patient at all", "a sparse histogram"])
def test_what_one_site_sends_looks_random(largest: int) -> None:
    length = 1 << 16
    group = Group(terms_of(2, length))
    counts = counts_of(5, length, largest)
    assert_random(counts_to_bytes(group.masked("site-00", counts)))


def test_the_randomness_test_sees_a_plain_histogram() -> None:
    with pytest.raises(AssertionError):
        assert_random(counts_to_bytes(counts_of(5, 1 << 16, 3)))


def test_a_vector_looks_random_after_its_own_mask_was_opened() -> None:
    group = Group(terms_of(3, 1 << 16))
    counts = counts_of(5, 1 << 16, 3)
    vector = group.masked("site-01", counts)
    assert_random(
        counts_to_bytes(vector - own_mask(group.seeds["site-01"], group.terms, "site-01"))
    )


def test_a_vector_looks_random_to_all_other_sites_together_before_it_is_opened() -> None:
    group = Group(terms_of(3, 1 << 16))
    vector = group.masked("site-00", counts_of(5, 1 << 16, 3))
    context = context_of(group.terms)
    for other in ("site-01", "site-02"):  # both give the server their pair masks
        key = pair_key(group.keys[other], group.offers[0].key, context, other, "site-00")
        vector = vector - keystream(key, group.terms.length)
    assert_random(counts_to_bytes(vector))


def test_the_sum_without_one_site_looks_random() -> None:
    group = Group(terms_of(3, 1 << 16))
    total = np.zeros(1 << 16, np.uint64)
    for i, site in enumerate(("site-00", "site-01")):
        total += group.masked(site, counts_of(i, 1 << 16, 3))
        total -= own_mask(group.seeds[site], group.terms, site)
    assert_random(counts_to_bytes(total))


def test_an_honest_offer_is_taken() -> None:
    group = Group(terms_of(3, 4))
    for offer in group.offers:
        check_offer(group.terms, offer)


@pytest.mark.parametrize(
    "change",
    [
        {"key": public_hex(X25519PrivateKey.generate())},
        {"site": "site-01"},
        {"totals": (4, 6, 4, 4, 2)},
        {"identity": public_line(IDENTITIES[1])},
        {"signature": "00"},
        {"signature": "not hex"},
        {"exchange": "f" * 32},
        {"run": "validate-2"},
    ],
    ids=lambda c: next(iter(c)),
)
def test_an_offer_with_anything_swapped_is_refused(change: dict[str, object]) -> None:
    group = Group(terms_of(2, 4))
    with pytest.raises(RefusedError):
        check_offer(group.terms, dataclasses.replace(group.offers[0], **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"weights": "b" * 64},
        {"split": "test"},
        {"attempt": 2},
        {"length": 5},
        {"subject": "clusters"},
        {"participants": ("site-00", "site-02")},
    ],
    ids=lambda c: next(iter(c)),
)
def test_a_key_signed_under_other_terms_is_refused(change: dict[str, object]) -> None:
    group = Group(terms_of(2, 4))
    with pytest.raises(RefusedError):
        check_offer(dataclasses.replace(group.terms, **change), group.offers[0])  # type: ignore[arg-type]


def test_sites_told_different_participants_do_not_cancel() -> None:
    group = Group(terms_of(2, 64))
    other = dataclasses.replace(group.terms, participants=("site-00", "site-01", "site-02"))
    zero = np.zeros(64, np.uint64)
    vectors = {
        "site-00": group.masked("site-00", zero),
        "site-01": masked(zero, other, "site-01", group.keys["site-01"], group.offers, bytes(32)),
    }
    assert opened_sum(vectors, group.seeds, group.terms).any()


def test_a_key_of_small_order_is_refused() -> None:
    with pytest.raises(PayloadError):
        pair_key(X25519PrivateKey.generate(), "00" * 32, b"", "a", "b")


@pytest.mark.parametrize(
    "change",
    [
        {"exchange": "1"},
        {"exchange": "G" * 32},
        {"weights": ""},
        {"run": "../x"},
        {"split": ""},
        {"subject": "scores"},
        {"attempt": 0},
        {"attempt": MOST_ATTEMPTS + 1},
        {"length": 0},
        {"length": 1 << 30},
        {"readers": ("b", "a")},
        {"readers": tuple(f"{i:02d}" for i in range(33))},
        {"participants": ()},
        {"participants": ("a",)},
        {"participants": ("a", "a")},
        {"participants": ("b", "a")},
        {"participants": ("a", "b\n")},
    ],
    ids=str,
)
def test_terms_that_cannot_be_are_refused(change: dict[str, object]) -> None:
    check_terms(terms_of(2, 4))
    with pytest.raises(PayloadError):
        check_terms(dataclasses.replace(terms_of(2, 4), **change))  # type: ignore[arg-type]


def test_counts_of_another_length_are_refused() -> None:
    with pytest.raises(PayloadError):
        counts_from_bytes(bytes(8), 2)
    group = Group(terms_of(2, 4))
    with pytest.raises(PayloadError):
        group.masked("site-00", np.zeros(3, np.uint64))
    with pytest.raises(PayloadError):
        opened_sum({}, group.seeds, group.terms)


def test_a_fingerprint_is_that_of_ssh_keygen() -> None:
    # ssh-keygen -lf on this line prints the fingerprint below
    line = (
        "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPsTCq4HWBEB"
        "QDwCJOit1PwmCNwJ81uTK7V3T6SPdryeIph1pW0TFRbKzVJzOvzFLCbeOsSSEeLVr2LH3o9NolCyqs009eSiBDTaQnFFT1qk2utAWP7eZMcm7zc57rkwwA=="
    )
    assert fingerprint(line) == "SHA256:dDqJdr2NQ78Pu4Tr66ALSilKnYGse/chSFbVn3+QyoI"
    with pytest.raises(PayloadError):
        fingerprint("ssh-rsa AAAA")


def test_no_offer_says_the_private_key() -> None:
    group = Group(terms_of(2, 4))
    offer: KeyOffer = group.offers[0]
    assert group.keys["site-00"].private_bytes_raw().hex() not in repr(offer)


@pytest.mark.parametrize("line", ["", "no key", "ssh-rsa AAAA", "ecdsa-sha2-nistp384 AAAA"])
def test_an_identity_that_is_no_key_at_all_is_refused(line: str) -> None:
    with pytest.raises(PayloadError, match="identity is not"):
        fingerprint(line)
