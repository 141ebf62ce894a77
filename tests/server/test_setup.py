"""A certificate is renewed in time, from the same CA, and never outlives it."""

import os
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hepafed.common.certificates import (
    expiry,
    is_pair,
    make_authority,
    make_server_certificate,
    pinned,
)
from hepafed.common.errors import ConfigError, UsageError
from hepafed.common.files import keep_private, sweep_temporary
from hepafed.server.setup import initialise, keep_valid, renew

NOW = datetime.now(UTC).replace(microsecond=0)
NAME = "fl.example.org"


def _days(count: float) -> timedelta:
    return timedelta(days=count)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    initialise(tmp_path, f"{NAME}:8443", "127.0.0.1", NOW)
    return tmp_path


def _shake_hands(keys: Path, ca: str) -> None:
    """Serve one TLS connection with the pair in `keys`, and connect to it trusting `ca` alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "server.pem", keys / "server.key")
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            context.wrap_socket(there, server_side=True).close()
        except (ssl.SSLError, OSError):
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with here, pinned(ca).wrap_socket(here, server_hostname=NAME) as safe:
            safe.read()
    finally:
        thread.join()


def test_a_renewed_certificate_satisfies_a_site_that_pinned_the_ca_before(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    initialise(tmp_path, f"{NAME}:8443", "127.0.0.1", NOW - _days(366))
    ca, before = (keys / "ca.pem").read_text(), (keys / "server.key").read_bytes()
    with pytest.raises(ssl.SSLError, match="expired"):
        _shake_hands(keys, ca)
    assert renew(tmp_path, NOW) == NOW + _days(365)
    _shake_hands(keys, ca)
    assert (keys / "ca.pem").read_text() == ca
    assert (keys / "server.key").read_bytes() != before


def test_a_certificate_is_renewed_when_fewer_than_60_days_are_left(home: Path) -> None:
    pem = home / "keys" / "server.pem"
    first = pem.read_bytes()
    assert keep_valid(home, NOW + _days(304)) == []
    assert pem.read_bytes() == first
    (said,) = keep_valid(home, NOW + _days(306))
    assert f"{NOW + _days(306 + 365):%Y-%m-%d}" in said
    assert expiry(pem) == NOW + _days(306 + 365)


def test_a_server_that_was_off_for_years_has_a_valid_certificate_again(home: Path) -> None:
    assert len(keep_valid(home, NOW + _days(1000))) == 1
    assert expiry(home / "keys" / "server.pem") == NOW + _days(1365)


@pytest.mark.parametrize("lost", ["server.key", "server.pem"])
def test_half_a_renewal_is_made_whole(home: Path, tmp_path: Path, lost: str) -> None:
    keys, other = home / "keys", tmp_path / "other"
    make_authority(other, NOW)
    make_server_certificate(other, [NAME], NOW)
    (keys / lost).write_bytes((other / lost).read_bytes())
    assert not is_pair(keys)
    assert len(keep_valid(home, NOW)) == 1
    assert is_pair(keys)
    (keys / lost).unlink()
    assert len(keep_valid(home, NOW)) == 1
    _shake_hands(keys, (keys / "ca.pem").read_text())


def test_a_certificate_never_outlives_the_ca_and_the_end_of_the_ca_is_announced(
    home: Path,
) -> None:
    end = NOW + _days(5 * 365)
    assert keep_valid(home, end - _days(366))[1:] == []
    renewed, warned = keep_valid(home, end - _days(50))
    assert "renewed" in renewed
    assert "warning" in warned
    assert f"{end:%Y-%m-%d}" in warned
    assert expiry(home / "keys" / "server.pem") == end
    assert [s.partition(":")[0] for s in keep_valid(home, end - _days(10))] == ["warning"]


def test_after_the_end_of_the_ca_nothing_is_renewed(home: Path) -> None:
    for call in (renew, keep_valid):
        with pytest.raises(ConfigError, match="authority expired"):
            call(home, NOW + _days(5 * 365 + 1))


def test_a_certificate_is_valid_for_a_site_whose_clock_is_hours_behind(tmp_path: Path) -> None:
    initialise(tmp_path, f"{NAME}:8443", "127.0.0.1", NOW - _days(30))
    renew(tmp_path, NOW + timedelta(hours=20))
    _shake_hands(tmp_path / "keys", (tmp_path / "keys" / "ca.pem").read_text())


def test_a_certificate_of_the_future_is_made_anew_with_its_reason(home: Path) -> None:
    make_server_certificate(home / "keys", ["x", NAME, "localhost", "127.0.0.1"], NOW + _days(30))
    (said,) = keep_valid(home, NOW)
    assert "valid only from" in said
    assert "renewed the server certificate" in said
    assert keep_valid(home, NOW) == []


def test_a_certificate_is_made_anew_for_the_host_that_server_toml_says(home: Path) -> None:
    path = home / "server.toml"
    path.write_text(path.read_text().replace(NAME, "other.example.org"))
    (said,) = keep_valid(home, NOW)
    assert "not for other.example.org, as server.toml says" in said
    assert keep_valid(home, NOW) == []


def test_an_authority_of_the_future_is_refused_with_both_times(tmp_path: Path) -> None:
    initialise(tmp_path, f"{NAME}:8443", "127.0.0.1", NOW + _days(3))
    with pytest.raises(ConfigError, match="authority is valid only from"):
        keep_valid(tmp_path, NOW)


@pytest.mark.parametrize("address", ["::1:8443", "fe80::2:8443"])
def test_an_ipv6_address_without_brackets_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError) as found:
        initialise(tmp_path, address, "::", NOW)
    assert "in brackets" in found.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_ipv6_address_needs_a_listener_that_takes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes IPv4 alone") as found:
        initialise(tmp_path, "[::1]:8443", "0.0.0.0", NOW)  # noqa: S104 - what is refused
    assert found.value.hint == "--listen ::"
    assert list(tmp_path.iterdir()) == []
    initialise(tmp_path, "[::1]:8443", "::", NOW)
    assert keep_valid(tmp_path, NOW) == []


def test_what_a_killed_process_left_is_swept_and_locks_and_files_stay(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    left = tmp_path / "runs" / ".round-00001.safetensors.ab12_xyz.unfinished"
    left.write_bytes(b"x" * 9)
    for name in (".privacy.lock", "run.json", ".hidden.original", "a.b.unfinished"):
        (tmp_path / name).write_bytes(b"y")
    assert sweep_temporary(tmp_path, 3600) == (0, 0)
    assert sweep_temporary(tmp_path) == (1, 9)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        ".hidden.original", ".privacy.lock", "a.b.unfinished", "run.json", "runs",
    ]  # fmt: skip
    assert not left.exists()


def test_no_umask_opens_the_keys_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        initialise(tmp_path / "home", f"{NAME}:8443", "127.0.0.1", NOW)
    finally:
        os.umask(before)
    keys = tmp_path / "home" / "keys"
    assert keys.stat().st_mode & 0o777 == 0o700
    keys.chmod(0o777)
    assert keep_private(keys)
    assert keys.stat().st_mode & 0o777 == 0o700
    assert not keep_private(keys)
