"""Published weights are found by their digest, and by nothing else."""

from pathlib import Path

import pytest
from hepafed.common.errors import RefusedError
from hepafed.server.runs.blobs import Blobs


def test_a_blob_is_found_by_its_digest_alone(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.publish([b"wei", memoryview(b"ghts")])
    assert blobs.path(digest).read_bytes() == b"weights"
    for name in ("../members.json", "0" * 64, digest.upper(), ""):
        with pytest.raises(RefusedError):
            blobs.path(name)


def test_what_a_killed_coordinator_left_is_thrown_away(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.clear()
    digest = blobs.publish([b"weights"])
    (tmp_path / "blobs" / ".half").write_bytes(b"x")
    blobs.clear()
    assert not list((tmp_path / "blobs").iterdir())
    with pytest.raises(RefusedError):
        blobs.path(digest)
