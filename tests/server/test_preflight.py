"""`server check` names what keeps a coordinator from running, one line each."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hepafed.common.certificates import make_server_certificate
from hepafed.common.console import FAIL, PASS
from hepafed.common.contract.plan import Plan
from hepafed.common.processes import free_port
from hepafed.server.preflight import check
from hepafed.server.runs.store import Runs
from hepafed.server.setup import initialise

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def home(tmp_path: Path, port: int) -> Path:
    initialise(tmp_path / "home", f"localhost:{port}", "127.0.0.1", NOW)
    return tmp_path / "home"


def failed(home: Path, now: datetime = NOW, disk_gib: float = 0.0) -> dict[str, str]:
    return {x.name: x.found for x in check(home, now, disk_gib) if x.state == FAIL}


def test_a_new_home_passes_every_line(home: Path) -> None:
    lines = check(home, NOW, 0.0)
    assert [x.name for x in lines if x.state == PASS] == [
        "home", "disk", "certificate", "port", "state",
    ]  # fmt: skip
    assert failed(home) == {}


def test_a_folder_without_a_server_says_what_to_run(tmp_path: Path) -> None:
    (line,) = check(tmp_path)
    assert (line.name, line.state) == ("home", FAIL)
    assert "server init" in line.hint


def test_too_little_disk_fails(home: Path) -> None:
    assert "disk" in failed(home, disk_gib=1e9)


def test_a_port_that_another_program_has_fails(home: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        assert f"127.0.0.1:{port}" in failed(home)["port"]


def test_a_certificate_that_does_not_fit_fails_with_its_reason(home: Path) -> None:
    make_server_certificate(home / "keys", ["other"], NOW)
    assert "not for localhost" in failed(home)["certificate"]
    assert "expired" in failed(home, NOW + timedelta(days=366))["certificate"]


def test_a_clock_before_the_authority_fails(home: Path) -> None:
    assert "authority was made" in failed(home, NOW - timedelta(hours=1))["clock"]


def test_each_damaged_file_has_a_line_of_its_own(home: Path) -> None:
    runs = Runs(home)
    for _ in range(2):
        run = runs.create("train", Plan(name="p", protocol="t2")).id
        (home / "runs" / run / "run.json").write_bytes(b"")
    lines = [x for x in check(home, NOW, 0.0) if x.name == "state"]
    assert len(lines) == 2
    assert all("run.json is damaged" in x.found and x.hint for x in lines)
    (home / "members.json").unlink()
    assert "members.json is missing" in failed(home)["state"]
