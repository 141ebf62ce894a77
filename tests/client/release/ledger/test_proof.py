"""What is proved of a ledger: any edit of its files is found, before and after a restart."""

import json
import time
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.ledger.file import LedgerFile
from hepafed.client.release.ledger.lines import written
from hepafed.common.certificates import make_node_key
from hepafed.common.disclosure import fingerprint
from hepafed.common.errors import DataError, RefusedError
from hepafed.common.heads import BEGINNING, link
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.client.release.ledger.tampered import Pair

RUNS = ("t2-1", "validate-22", "t2-333")
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = Pair(tmp_path_factory.mktemp("pair"))
    for run in RUNS:
        made.asked(run)
        made.ledger.record("update", run, bytes(len(run)))
    return made


def lines(home: Path) -> list[bytes]:
    return (home / "ledger.jsonl").read_bytes().split(b"\n")[:-1]


def is_found(pair: Pair, content: bytes) -> None:
    """Hold that a changed file is found by --verify, and that nothing is written after it."""
    path = pair.home / "ledger.jsonl"
    whole, end = path.read_bytes(), (pair.home / "ledger.head").read_bytes()
    try:
        path.write_bytes(content)
        with pytest.raises(DataError):
            Ledger(pair.home).verify()
    finally:
        path.write_bytes(whole)
        (pair.home / "ledger.head").write_bytes(end)


@QUICK
@given(data=st.data())
def test_any_byte_changed_is_found(pair: Pair, data: st.DataObject) -> None:
    whole = (pair.home / "ledger.jsonl").read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda b: b != whole[place]))
    is_found(pair, whole[:place] + bytes([other]) + whole[place + 1 :])


@QUICK
@given(data=st.data())
def test_any_piece_cut_out_is_found(pair: Pair, data: st.DataObject) -> None:
    whole = (pair.home / "ledger.jsonl").read_bytes()
    start = data.draw(st.integers(0, len(whole) - 2))
    end = data.draw(st.integers(start + 1, len(whole)))
    if (start, end) == (len(whole) - 1, len(whole)):
        return  # only the last line's end: nothing is lost
    is_found(pair, whole[:start] + whole[end:])


@QUICK
@given(data=st.data())
def test_lines_dropped_swapped_or_replayed_are_found(pair: Pair, data: st.DataObject) -> None:
    old = lines(pair.home)
    picked = st.lists(st.sampled_from(range(len(old))), max_size=len(old) + 2)
    new = data.draw(picked.filter(lambda x: x != list(range(len(old)))))
    is_found(pair, b"".join(old[i] + b"\n" for i in new))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_cut_at_either_end_is_found(pair: Pair, count: int) -> None:
    old = lines(pair.home)
    is_found(pair, b"".join(x + b"\n" for x in old[:-count]))
    is_found(pair, b"".join(x + b"\n" for x in old[count:]))


def test_the_last_line_written_anew_without_the_key_is_found(pair: Pair) -> None:
    *old, last = lines(pair.home)
    entry = json.loads(last)
    del entry["signature"]
    entry["bytes"] = 99
    for key in (None, "stranger"):
        if key:
            place = pair.home.parent / "stranger.key"
            make_node_key(place)
        changed = written(entry, None)
        content = b"".join(x + b"\n" for x in [*old, changed])
        end = json.loads((pair.home / "ledger.head").read_bytes())
        whole = (pair.home / "ledger.head").read_bytes()
        before = json.loads(old[-1])
        reached = link(before["chain"], sha256(old[-1]).hexdigest())
        end["chain"] = link(reached, sha256(changed).hexdigest())
        (pair.home / "ledger.head").write_text(json.dumps(end))
        path, kept = pair.home / "ledger.jsonl", (pair.home / "ledger.jsonl").read_bytes()
        path.write_bytes(content)
        try:
            with pytest.raises(DataError, match="signature of entry"):
                Ledger(pair.home).verify()
        finally:
            path.write_bytes(kept)
            (pair.home / "ledger.head").write_bytes(whole)


def test_all_of_it_is_proved_by_the_enrolled_key_and_the_countersignature(pair: Pair) -> None:
    found = pair.ledger.verify()
    assert found.entries == 10  # a key, and for each run a question, an answer and an update
    assert found.texts == 6
    (signed,) = found.signed
    assert (signed.first, signed.last) == (1, 10)
    assert signed.fingerprint == fingerprint(pair.identity)
    assert found.countersigned is not None
    assert found.countersigned.entry == 6  # the last question came with what was seen before it
    assert found.is_authority_known
    assert (found.old, found.torn, found.half, found.gaps) == (0, 0, 0, ())


def test_a_cut_file_is_not_written_on(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.asked("r")
    old = lines(made.home)
    (made.home / "ledger.jsonl").write_bytes(b"".join(x + b"\n" for x in old[:-1]))
    made.restart()
    with pytest.raises(DataError, match=f"ends at entry {len(old) - 1}, but entry {len(old)}"):
        made.ledger.record("update", "r", b"a")
    (made.home / "ledger.head").unlink()
    with pytest.raises(DataError, match="nothing says where"):
        made.ledger.record("update", "r", b"a")


def test_a_line_more_than_the_head_knows_is_what_a_crash_leaves(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.asked("r")
    end = (made.home / "ledger.head").read_bytes()
    made.ledger.record("update", "r", b"a")
    (made.home / "ledger.head").write_bytes(end)
    made.restart()
    assert made.ledger.verify().entries == 4
    made.ledger.record("update", "r", b"b")
    assert made.ledger.verify().entries == 5


def test_two_lines_more_than_the_head_knows_are_refused(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.asked("r")
    end = (made.home / "ledger.head").read_bytes()
    made.ledger.record("update", "r", b"a")
    made.ledger.record("update", "r", b"b")
    (made.home / "ledger.head").write_bytes(end)
    with pytest.raises(DataError, match="is not the one that was written"):
        Ledger(made.home).record("update", "r", b"c")


def test_a_restored_backup_is_told_and_goes_on_once_a_person_says_why(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.asked("one")
    backup = made.backup("backup")
    for run in ("two", "three"):
        made.asked(run)
    made.restore(backup)
    assert made.ledger.verify().entries == 3  # whole in itself: only the coordinator knows
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"seen entry 7 .* not in the ledger here"):
            made.asked("four")
        made.restart()
    with pytest.raises(DataError, match="restored from a backup"):
        made.ledger.verify()
    (gap,) = made.ledger.acknowledge_gap("disk failed on 27 November")
    assert gap.entry == 7
    made.asked("four")
    kept = made.heads.last("hospital-b", made.identity)
    assert kept is not None
    assert kept.gap is not None
    assert kept.gap.reason == "disk failed on 27 November"
    made.restart()
    made.asked("five")
    assert made.ledger.verify().gaps == (gap,)


def test_a_ledger_of_0_1_0_goes_on_and_what_was_not_signed_is_said(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    before, old = BEGINNING, b""
    for n in range(3):
        entry = {"at": "2026-11-01T00:00:00.000+00:00", "kind": "update", "run": "r", "bytes": n}
        line = json.dumps({**entry, "sha256": "a" * 64, "before": before}, sort_keys=True).encode()
        before, old = sha256(line).hexdigest(), old + line + b"\n"
    (made.home / "ledger.jsonl").write_bytes(old)
    assert made.ledger.verify().old == 3
    last = LedgerFile(made.home).last()
    assert last is not None
    assert last.number == 3
    assert made.ledger.verify().signed == ()
    made.asked("new")
    made.asked("newer")
    found = made.ledger.verify()
    assert (found.entries, found.old) == (8, 3)
    assert (found.signed[0].first, found.signed[0].last) == (4, 8)
    is_found(made, old.replace(b'"bytes": 1', b'"bytes": 2') + b"\n".join(lines(made.home)[3:]))
    is_found(made, b"\n".join(lines(made.home)[1:]) + b"\n")


def test_a_new_key_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.asked("one")
    (made.home / "keys" / "node.key").unlink()
    second = make_node_key(made.home / "keys" / "node.key")
    made.restart()
    made.ledger.record("update", "two", b"abc")
    found = made.ledger.verify().signed
    assert [(s.first, s.last) for s in found] == [(1, 3), (4, 5)]
    assert [s.fingerprint for s in found] == [fingerprint(made.identity), fingerprint(second)]


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_verified_in_seconds(tmp_path: Path) -> None:
    chain, out = BEGINNING, []
    for n in range(100_000):
        entry = {"at": "2026-11-01T00:00:00.000+00:00", "kind": "update", "run": "r", "bytes": n}
        more = {"sha256": "a" * 64, "direction": "out", "entry": n + 1, "chain": chain}
        line = written({**entry, **more, **({"old": 0} if n == 0 else {})}, None)
        chain = link(chain, sha256(line).hexdigest())
        out.append(line + b"\n")
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(out))
    (tmp_path / "ledger.head").write_text(json.dumps({"entry": 100_000, "chain": chain}))
    started = time.monotonic()
    assert Ledger(tmp_path).verify().entries == 100_000
    assert time.monotonic() - started < 30


def test_a_line_of_0_1_0_after_a_newer_one_is_found(tmp_path: Path) -> None:
    book = Ledger(tmp_path)
    book.record("update", "r", b"a")
    path = tmp_path / "ledger.jsonl"
    newer = path.read_bytes()
    entry = {"at": "2026-11-01T00:00:00.000+00:00", "kind": "update", "run": "r", "bytes": 1}
    before = sha256(newer.rstrip(b"\n")).hexdigest()
    old = json.dumps({**entry, "sha256": "a" * 64, "before": before}, sort_keys=True)
    path.write_bytes(newer + old.encode() + b"\n")
    with pytest.raises(DataError, match="entry 2 of the ledger does not continue"):
        Ledger(tmp_path).verify()


def test_a_torn_line_is_counted_and_a_key_says_that_it_began_here(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.asked("r")
    with (made.home / "ledger.jsonl").open("ab") as f:
        f.write(b'{"half')
    made.restart()
    assert (made.ledger.verify().torn, made.ledger.verify().half) == (0, 6)
    made.ledger.record("update", "r", b"a")
    assert (made.ledger.verify().torn, made.ledger.verify().half) == (1, 0)
    begun, last = made.ledger.entries()[0], made.ledger.entries()[-1]
    assert (begun["kind"], begun["direction"]) == ("key", "here")
    assert last["unfinished"] == 6


@pytest.mark.parametrize("ahead", [1, 2])
def test_a_further_line_that_the_site_s_key_did_not_sign_is_not_taken_for_a_crash(
    tmp_path: Path, ahead: int
) -> None:
    made = Pair(tmp_path)
    made.asked("r")
    path = made.home / "ledger.jsonl"
    whole, end = path.read_bytes(), json.loads((made.home / "ledger.head").read_bytes())
    entry = {**made.ledger.entries()[-1], "entry": end["entry"] + ahead, "chain": end["chain"]}
    del entry["signature"]
    other = ec.generate_private_key(ec.SECP384R1())
    for key in (None, other):
        path.write_bytes(whole + written(entry, key) + b"\n")
        made.restart()
        with pytest.raises(DataError, match="is not the one that was written"):
            made.ledger.record("update", "r", b"a")
    path.write_bytes(whole)
    made.restart()
    made.ledger.record("update", "r", b"a")


def test_a_line_signed_by_the_site_that_leaves_a_number_out_is_not_taken_for_a_crash(
    tmp_path: Path,
) -> None:
    made = Pair(tmp_path)
    made.asked("r")
    path = made.home / "ledger.jsonl"
    end = json.loads((made.home / "ledger.head").read_bytes())
    entry = {**made.ledger.entries()[-1], "entry": end["entry"] + 2, "chain": end["chain"]}
    del entry["signature"]
    key = serialization.load_ssh_private_key((made.home / "keys" / "node.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    path.write_bytes(path.read_bytes() + written(entry, key) + b"\n")
    made.restart()
    with pytest.raises(DataError, match="is not the one that was written"):
        made.ledger.record("update", "r", b"a")
