"""A site's key whose kind one flipped bit made unknown is damaged, and no crash."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from hepafed.client.release import Ledger
from hepafed.client.release.ledger.lines import is_signed_by
from hepafed.client.release.peers import read_own_identity
from hepafed.common.certificates import make_node_key
from hepafed.common.errors import ConfigError

KIND, OTHER = b"ecdsa-sha2-nistp384", b"ecdsa-sh`2-nistp384"
BEGIN, END = b"-----BEGIN OPENSSH PRIVATE KEY-----", b"-----END OPENSSH PRIVATE KEY-----"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    path = tmp_path / "keys/node.key"
    make_node_key(path)
    blob = base64.b64decode(path.read_bytes().replace(BEGIN, b"").replace(END, b""))
    assert blob.count(KIND) == 2
    changed = base64.b64encode(blob.replace(KIND, OTHER, 1))
    path.write_bytes(b"\n".join((BEGIN, changed, END, b"")))
    return tmp_path


@pytest.mark.parametrize(
    "read", [read_own_identity, lambda home: Ledger(home).record("a", "", b"")]
)
def test_a_key_of_an_unknown_kind_is_named_as_one_that_cannot_be_read(
    home: Path, read: Callable[[Path], object]
) -> None:
    with pytest.raises(ConfigError, match="the site's key cannot be read"):
        read(home)


def test_nothing_is_signed_by_a_key_of_an_unknown_kind(tmp_path: Path) -> None:
    public = make_node_key(tmp_path / "node.key")
    line = b'{"a": 1, "signature": "' + b"ab" * 96 + b'"}'
    kind, _, body = public.partition(" ")
    changed = base64.b64encode(base64.b64decode(body).replace(KIND, OTHER)).decode()
    assert not is_signed_by(line, f"{OTHER.decode()} {changed}")
    assert not is_signed_by(line, f"{kind} {changed}")
