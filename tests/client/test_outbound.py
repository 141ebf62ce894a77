"""Whom a site trusts, and which proxy the environment names for it."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hepafed.client.outbound import authorities, proxy_to, read_proxy_ca, trusted, write_roots
from hepafed.common.certificates import make_authority
from hepafed.common.errors import ConfigError

NAMES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("keys", "proxy"):
        make_authority(tmp_path / name, datetime.now(UTC))
    return tmp_path


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def trusts(context: ssl.SSLContext) -> int:
    return len(context.get_ca_certs())


def test_only_the_coordinators_authority_is_trusted_by_itself(home: Path) -> None:
    assert authorities(home) == (home / "keys/ca.pem").read_text()
    assert trusts(trusted(home)) == 1


def test_the_authority_of_a_proxy_is_trusted_beside_it_and_by_flower(home: Path) -> None:
    (home / "keys/proxy-ca.pem").write_text((home / "proxy/ca.pem").read_text())
    assert trusts(trusted(home)) == 2
    own, proxy = (home / "keys/ca.pem").read_text(), (home / "proxy/ca.pem").read_text()
    assert write_roots(home).read_text() == own + proxy


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_without_a_certificate_is_refused_by_its_name(home: Path, content: bytes) -> None:
    file = home / "proxy.pem"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"proxy\.pem holds no certificate"):
        read_proxy_ca(file)
    (home / "keys/proxy-ca.pem").write_bytes(content)
    with pytest.raises(ConfigError, match=r"proxy-ca\.pem holds no certificate"):
        trusted(home)


def test_a_key_is_no_certificate(home: Path) -> None:
    with pytest.raises(ConfigError, match="holds no certificate"):
        read_proxy_ca(home / "proxy/ca.key")


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "proxy.example:3128"),
        ({"https_proxy": "proxy.example:3128"}, "proxy.example:3128"),
        ({"HTTPS_PROXY": "http://proxy.example"}, "proxy.example"),
        ({"HTTPS_PROXY": "http://me:secret@proxy.example:3128"}, "proxy.example:3128"),
        ({"ALL_PROXY": "http://all.example:1"}, "all.example:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "fl.example.org"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.example.org"}, "p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, ""),
        ({"HTTP_PROXY": "http://p:1"}, ""),
    ],
)
def test_the_proxy_of_the_environment_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], found: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_to("fl.example.org:8443") == found
