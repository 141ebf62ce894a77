"""A certificate whose kind of key one flipped bit made unknown is damaged, and no crash."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate
from hepafed.common.certificates import (
    is_pair,
    make_authority,
    make_server_certificate,
    must_be_authority,
    read_authority,
)
from hepafed.common.contract.messages import open_sealed
from hepafed.common.errors import ConfigError
from hepafed.common.heads import authority_of

EC, OTHER = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648cd3d0201")
"""The object identifier of EC public keys (RFC 5480, section 2.1.1), and one bit beside it."""


def damage(path: Path) -> None:
    der = load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)
    assert der.count(EC) == 1
    made = load_der_x509_certificate(der.replace(EC, OTHER))
    path.write_bytes(made.public_bytes(Encoding.PEM))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_authority(tmp_path, datetime.now(UTC))
    make_server_certificate(tmp_path, ["localhost"], datetime.now(UTC))
    return tmp_path


def test_an_authority_s_key_of_an_unknown_kind_is_a_damaged_file(keys: Path) -> None:
    damage(keys / "ca.pem")
    for read in (read_authority, must_be_authority):
        with pytest.raises(ConfigError, match=r"keys/ca\.pem is missing or damaged"):
            read(keys)
    assert not is_pair(keys)
    with pytest.raises(ConfigError, match="cannot be read"):
        authority_of((keys / "ca.pem").read_bytes())
    now = datetime.now(UTC)
    sealed = {"json": "{}", "stamp": "{}", "signature": "ab"}
    with pytest.raises(ConfigError, match=r"keys/ca\.pem\) cannot be read"):
        open_sealed(sealed, (keys / "ca.pem").read_text(), site="s", now=now)


def test_a_server_s_key_of_an_unknown_kind_is_not_that_of_its_certificate(keys: Path) -> None:
    assert is_pair(keys)
    damage(keys / "server.pem")
    assert not is_pair(keys)
