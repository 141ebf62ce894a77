"""Only an update that was asked for, of the model's size, gets into the inbox."""

from pathlib import Path

import pytest
from hepafed.common.errors import RefusedError
from hepafed.server.blobs import Blobs, Expected, Inbox


def test_a_blob_is_found_by_its_digest_alone(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.publish([b"wei", memoryview(b"ghts")])
    assert blobs.path(digest).read_bytes() == b"weights"
    for name in ("../members.json", "0" * 64, digest.upper(), ""):
        with pytest.raises(RefusedError):
            blobs.path(name)


def test_an_update_nobody_asked_for_is_refused(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.open_round(Expected("r", 2, frozenset(["a"]), 10))
    inbox.admit("a", "r", 2, 10)
    for site, run, number, size in [
        ("b", "r", 2, 10), ("a", "q", 2, 10), ("a", "r", 1, 10), ("a", "r", 2, 11),
    ]:  # fmt: skip
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


def test_what_a_killed_coordinator_left_is_thrown_away(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.clear()
    digest = blobs.publish([b"weights"])
    (tmp_path / "blobs" / ".half").write_bytes(b"x")
    blobs.clear()
    assert not list((tmp_path / "blobs").iterdir())
    with pytest.raises(RefusedError):
        blobs.path(digest)
