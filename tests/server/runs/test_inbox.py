"""Only an update that was asked for, of the model's size, gets into the inbox."""

from pathlib import Path

import pytest
from hepafed.common.errors import BusyError, RefusedError
from hepafed.server.runs.inbox import Expected, Inbox


def test_an_update_nobody_asked_for_is_refused(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.open_round(Expected("r", 2, frozenset(["a"]), 10))
    inbox.admit("a", "r", 2, 10)
    for site, run, number, size in [
        ("b", "r", 2, 10),
        ("a", "q", 2, 10),
        ("a", "r", 1, 10),
        ("a", "r", 2, 11),
    ]:
        with pytest.raises(RefusedError):
            inbox.admit(site, run, number, size)


def test_an_update_is_taken_by_the_digest_announced(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.open_round(Expected("r", 1, frozenset(["a"]), 3))
    spooled = tmp_path / "x.part"
    spooled.write_bytes(b"abc")
    inbox.arrived("a", "r", 1, "digest", spooled)
    assert inbox.take("a", "other") is None
    path = inbox.take("a", "digest")
    assert path is not None
    assert path.read_bytes() == b"abc"


def _arrive(inbox: Inbox, site: str, digest: str, content: bytes, name: str = "x.part") -> None:
    spooled = inbox.folder / name
    spooled.write_bytes(content)
    inbox.arrived(site, "r", 1, digest, spooled)


def test_an_update_that_was_taken_cannot_be_swapped(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.open_round(Expected("r", 1, frozenset(["a", "b"]), 3))
    _arrive(inbox, "a", "good", b"abc")
    path = inbox.take("a", "good")
    assert path is not None
    with pytest.raises(RefusedError):
        inbox.admit("a", "r", 1, 3)
    # an upload that was admitted before the other was taken
    _arrive(inbox, "a", "bad", b"xyz")
    assert path.read_bytes() == b"abc"
    assert inbox.take("a", "bad") is None
    assert [p for p in inbox.folder.iterdir() if p != path] == []
    inbox.admit("b", "r", 1, 3)
    inbox.open_round(Expected("r", 2, frozenset(["a"]), 3))
    inbox.admit("a", "r", 2, 3)


@pytest.mark.parametrize("same_round", [False, True])
def test_an_upload_that_outlives_its_round_counts_for_nothing(
    tmp_path: Path, *, same_round: bool
) -> None:
    inbox = Inbox(tmp_path)
    inbox.open_round(Expected("r", 1, frozenset(["a"]), 3))
    spooled = inbox.folder / "x.part"
    spooled.write_bytes(b"abc")
    inbox.open_round(Expected("r", 1 if same_round else 2, frozenset(["a"]), 3))
    with pytest.raises(BusyError):
        inbox.arrived("a", "r", 1, "digest", spooled)
    assert inbox.take("a", "digest") is None
