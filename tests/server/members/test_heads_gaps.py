"""A gap that a person at a site acknowledged stays known at the coordinator for ever."""

from pathlib import Path

import pytest
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.server.members import LedgerHeads

from tests.client.release.ledger.tampered import NOW, SITE, Pair


def lose(pair: Pair, reason: str) -> None:
    """Have the site restored from a backup that lacks an answer, and a person say why."""
    backup = pair.backup(f"before {reason}")
    pair.asked("lost")
    pair.restore(backup)
    with pytest.raises(RefusedError):
        pair.asked("refused")
    pair.ledger.acknowledge_gap(reason)
    head = pair.ledger.head(pair.receipt())
    pair.heads.see(SITE, pair.identity, head)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = Pair(tmp_path)
    made.asked("one")
    lose(made, "a disk failed")
    return made


def known(pair: Pair) -> list[tuple[str, str]]:
    return [(k.gap.reason, k.receipt.at) for k in pair.heads.gaps(SITE) if k.gap is not None]


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_gap_stays_after_the_next_answers_with_its_time(pair: Pair, restart: bool) -> None:
    for run in ("two", "three"):
        pair.asked(run)
    lose(pair, "a second one")
    pair.asked("four")
    if restart:
        pair.restart()
    at = NOW.isoformat(timespec="seconds")
    assert known(pair) == [("a disk failed", at), ("a second one", at)]


def test_a_gap_is_known_beyond_the_heads_that_are_remembered(pair: Pair) -> None:
    for run in ("two", "three", "four"):
        pair.asked(run)
    pair.heads = LedgerHeads(pair.server, now=lambda: NOW, remembered=2)
    assert [reason for reason, _ in known(pair)] == ["a disk failed"]
    pair.asked("five")
    assert [reason for reason, _ in known(pair)] == ["a disk failed"]


def test_an_old_gap_whose_reason_was_changed_is_found(pair: Pair) -> None:
    for run in ("two", "three", "four"):
        pair.asked(run)
    path = pair.server / "ledgers" / f"{SITE}.jsonl"
    path.write_bytes(path.read_bytes().replace(b"a disk failed", b"a disk filled"))
    pair.heads = LedgerHeads(pair.server, now=lambda: NOW, remembered=2)
    assert pair.heads.gaps(SITE) == []
    with pytest.raises(PayloadError, match="missing or damaged"):
        pair.heads.see(SITE, pair.identity, pair.ledger.head(None))


def test_a_site_without_a_gap_has_none(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.asked("one")
    assert made.heads.gaps(SITE) == []
    assert made.heads.gaps("hospital-z") == []
