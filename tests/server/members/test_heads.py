"""Heads of a site's ledger: only a ledger that goes on is believed, also after a restart."""

from dataclasses import replace
from pathlib import Path

import pytest
from hepafed.common.certificates import make_node_key
from hepafed.common.contract.messages import LedgerGap, LedgerHead
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.heads import authority_of, is_countersigned, links, sign_head
from hepafed.common.room import waiting_for_room

from tests.client.release.ledger.tampered import SITE, Pair
from tests.small_disk import small_disk


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = Pair(tmp_path)
    for run in ("one", "two"):
        made.asked(run)
    return made


def head_of(pair: Pair) -> LedgerHead:
    """Let the site write an answer that nobody has heard yet; return its head."""
    pair.ledger.record_message("tuned", "r", "{}")
    return pair.ledger.head(pair.receipt())


def test_an_honest_ledger_goes_on_also_after_both_restart(pair: Pair) -> None:
    pair.restart()
    head = pair.asked("three")
    assert (head.entry, head.since, len(head.steps)) == (7, 5, 2)
    seen = pair.receipt()
    assert seen is not None
    assert (seen.entry, seen.chain) == (head.entry, head.chain)


def test_what_was_seen_is_countersigned_by_the_authority_and_a_changed_word_is_not(
    pair: Pair,
) -> None:
    seen = pair.receipt()
    assert seen is not None
    key = authority_of((pair.server / "keys" / "ca.pem").read_bytes())
    assert is_countersigned(seen, key)
    for change in ({"entry": 4}, {"chain": "a" * 64}, {"site": "hospital-c"}):
        assert not is_countersigned(replace(seen, **change), key)  # type: ignore[arg-type]
    later = replace(seen, at="2027-01-01T00:00:00+00:00")
    assert not is_countersigned(later, key)


def test_a_head_with_another_number_chain_or_key_is_refused(pair: Pair) -> None:
    head, stranger = head_of(pair), make_node_key(pair.home.parent / "other.key")
    for changed in (replace(head, entry=7, steps=(*head.steps, "a" * 64)),
                    replace(head, chain="a" * 64), replace(head, since=0)):  # fmt: skip
        with pytest.raises(PayloadError, match="not signed by its enrolled key"):
            pair.heads.see(SITE, pair.identity, changed)
    with pytest.raises(PayloadError, match="not signed by its enrolled key"):
        pair.heads.see(SITE, stranger, head)
    pair.heads.see(SITE, pair.identity, head)


def test_wrong_steps_are_refused(pair: Pair) -> None:
    head = head_of(pair)
    with pytest.raises(PayloadError, match="does not continue entry 5"):
        pair.heads.see(SITE, pair.identity, replace(head, steps=("b" * 64,)))


def test_a_ledger_written_anew_is_refused_though_the_key_is_the_sites(tmp_path: Path) -> None:
    """The site has its own key and can sign any ledger; what was seen it cannot write anew."""
    pair = Pair(tmp_path)
    pair.asked("one")
    backup = pair.backup("early")
    for run in ("two", "three"):
        pair.asked(run)
    before = pair.receipt()
    pair.restore(backup)
    for n in range(9):
        pair.ledger.record_message("tuned", "r", f'{{"other":{n}}}')
        with pytest.raises(PayloadError, match=r"ends at entry|does not continue entry 7"):
            pair.heads.see(SITE, pair.identity, pair.ledger.head(None))
        with pytest.raises(PayloadError, match=r"ends at entry|does not continue entry 7"):
            pair.heads.see(SITE, pair.identity, pair.ledger.head(before))
    assert pair.receipt() == before


def test_an_older_head_again_changes_nothing_and_another_one_of_its_number_is_refused(
    tmp_path: Path,
) -> None:
    pair = Pair(tmp_path)
    first = pair.asked("one")
    pair.asked("two")
    before = pair.receipt()
    pair.heads.see(SITE, pair.identity, first)
    assert pair.receipt() == before


def test_a_gap_is_accepted_only_for_the_very_head_that_was_seen(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.asked("one")
    backup = pair.backup("early")
    pair.asked("two")
    seen = pair.receipt()
    assert seen is not None
    pair.restore(backup)
    with pytest.raises(RefusedError, match="not in the ledger here"):
        pair.asked("three")
    pair.ledger.acknowledge_gap("a disk failed")
    head = pair.ledger.head(seen)
    assert head.gap == LedgerGap(entry=seen.entry, chain=seen.chain, reason="a disk failed")
    pair.heads.see(SITE, pair.identity, head)
    pair.restart()
    pair.asked("four")
    pair.ledger.record_message("tuned", "r", "{}")
    with pytest.raises(PayloadError, match=r"ends at entry|does not continue"):
        pair.heads.see(SITE, pair.identity, head_with_gap(pair, seen.entry, "f" * 64))


def head_with_gap(pair: Pair, entry: int, chain: str) -> LedgerHead:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    key = load_ssh_private_key((pair.home / "keys" / "node.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    made = pair.ledger.head(None)
    gap = LedgerGap(entry=entry, chain=chain, reason="no")
    return sign_head(replace(made, gap=gap), key)


def test_a_site_with_a_new_key_begins_anew(pair: Pair) -> None:
    other = make_node_key(pair.home.parent / "other.key")
    assert pair.heads.receipt(SITE, other) is None
    assert pair.heads.receipt("hospital-c", pair.identity) is None


def test_a_torn_line_of_heads_is_cut_off_and_a_damaged_one_is_refused(pair: Pair) -> None:
    path = pair.server / "ledgers" / f"{SITE}.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"identity":"ecd')
    pair.restart()
    pair.asked("three")
    assert path.read_bytes().startswith(whole)
    assert path.read_bytes().count(b"\n") == 3
    path.write_bytes(whole.replace(b'"entry"', b'"Entry"', 1))
    pair.restart()
    assert pair.receipt() is None
    assert list(pair.heads.damaged()) == [SITE]
    with pytest.raises(PayloadError, match=r"ledgers/hospital-b\.jsonl is missing or damaged"):
        pair.heads.see(SITE, pair.identity, head_of(pair))


@pytest.mark.parametrize("lines", [0, 1, 2])
def test_heads_that_were_cut_off_at_the_end_of_a_line_are_found(pair: Pair, lines: int) -> None:
    path = pair.server / "ledgers" / f"{SITE}.jsonl"
    kept = path.read_bytes().splitlines(keepends=True)
    assert len(kept) == 2
    path.write_bytes(b"".join(kept[:lines]))
    pair.restart()
    assert list(pair.heads.damaged()) == ([SITE] if lines < 2 else [])


@pytest.mark.parametrize("field", ["since", "at", "identity", "chain"])
def test_a_kept_head_that_was_changed_is_found_by_its_signatures(pair: Pair, field: str) -> None:
    path = pair.server / "ledgers" / f"{SITE}.jsonl"
    place = path.read_bytes().rindex(f'"{field}":'.encode()) + len(field) + 4
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    pair.restart()
    assert list(pair.heads.damaged()) == [SITE]


def test_links_are_counted_as_written_down() -> None:
    """SHA-256 of 32 zero bytes and 32 bytes 0x11, computed by sha256sum."""
    import hashlib

    expected = hashlib.sha256(bytes(32) + b"\x11" * 32).hexdigest()
    assert links("0" * 64, ("11" * 32,)) == [expected]


def test_on_a_full_disk_both_sides_wait_and_every_head_is_kept(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        made, told = Pair(disk.home), list[str]()
        made.asked("one")
        with waiting_for_room(told.append, sleep=disk.free):
            for number in range(30):
                disk.fill()
                made.asked(f"r{number}")
            disk.free()
        assert told.count("") == len(told) / 2 > 0
        last = made.receipt()
        made.restart()
        assert made.receipt() == last
        assert made.ledger.verify() is not None
        assert made.asked("at last").entry > 31
