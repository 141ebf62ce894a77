"""Which SuperNodes may connect, as members.json has it at that moment."""

import os
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from hepafed.common.certificates import make_node_key
from hepafed.server.members.admission import Admission
from hepafed.server.members.roster import Members, digest_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def enrol(home: Path, site: str, members: Members) -> str:
    """Enrol a site; return its key as its SuperNode sends it."""
    line = make_node_key(home / f"{site}.key")
    token, _ = members.invite(site, "train", 1, NOW)
    members.enrol(members.invited(token, NOW), line, digest_of(site), "1", NOW)
    return b64encode(public_key_to_bytes(load_ssh_public_key(line.encode()))).decode()  # type: ignore[arg-type]


def test_before_the_first_member_nobody_may_connect(tmp_path: Path) -> None:
    admission = Admission(tmp_path, Members(tmp_path))
    assert admission.node_of("") is None
    assert admission.node_of("c3RyYW5nZXI=") is None
    assert list(tmp_path.iterdir()) == []


def test_enrolled_sites_may_connect_and_invited_or_revoked_ones_may_not(tmp_path: Path) -> None:
    members = Members(tmp_path)
    admission = Admission(tmp_path, members)
    members.invite("invited", "train", 1, NOW)
    assert admission.node_of("") is None
    keys = {site: enrol(tmp_path, site, members) for site in "abc"}
    assert [admission.node_of(k) is not None for k in keys.values()] == [True, True, True]
    members.revoke("b")
    assert [admission.node_of(k) is not None for k in keys.values()] == [True, False, True]
    assert admission.node_of("") is None
    assert admission.node_of(keys["a"] + "=") is None


def test_a_member_that_another_process_wrote_down_is_known_at_once(tmp_path: Path) -> None:
    admission = Admission(tmp_path, Members(tmp_path))
    first = enrol(tmp_path, "a", Members(tmp_path))
    assert admission.node_of(first) is not None
    second = enrol(tmp_path, "b", Members(tmp_path))
    assert admission.node_of(second) is not None
    assert admission.node_of(first) is not None


def test_another_file_with_the_same_time_is_read_and_so_is_the_same_at_another_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "members.json"
    admission = Admission(tmp_path, Members(tmp_path))
    first = enrol(tmp_path, "a", Members(tmp_path))
    assert admission.node_of(first) is not None
    known, time = path.read_bytes(), path.stat().st_mtime_ns
    (tmp_path / "old").hardlink_to(path)  # so that its number is not given to the new file
    second = enrol(tmp_path, "b", Members(tmp_path))  # a new file in the place of the old one
    os.utime(path, ns=(time, time))
    assert admission.node_of(second) is not None
    with path.open("r+b") as f:
        f.write(known)
        f.truncate()
    os.utime(path, ns=(time, time + 1))
    assert admission.node_of(second) is None
    assert admission.node_of(first) is not None
