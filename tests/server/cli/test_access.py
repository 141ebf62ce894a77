"""Which access file opens the coordinator: --access, then --home's, then $HEPAFED_ACCESS."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.common.certificates import make_authority
from hepafed.common.contract import Access, write_toml
from hepafed.common.processes import free_port
from hepafed.server.cli.main import main


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("authority")
    make_authority(folder, datetime.now(UTC))
    return (folder / "ca.pem").read_text()


def access_file(path: Path, ca: str) -> str:
    """Write an access file; its address tells it from others in the command's error."""
    address = f"127.0.0.1:{free_port()}"
    path.parent.mkdir(exist_ok=True)
    write_toml(Access(name="eva", role="evaluator", address=address, token="t", ca=ca), path)
    return address


def asked(*words: str | Path, **environment: str) -> str:
    done = CliRunner().invoke(main, [*map(str, words)], env=environment)
    assert done.exit_code in (1, 2)
    return done.stderr


def test_the_environment_names_the_access_file_of_every_command(tmp_path: Path, ca: str) -> None:
    address = access_file(tmp_path / "eva.access", ca)
    for words in (("models",), ("sites",), ("report", "validate-1"), ("runs",)):
        assert address in asked(*words, HEPAFED_ACCESS=str(tmp_path / "eva.access"))


def test_an_access_file_that_is_named_goes_before_the_environments(tmp_path: Path, ca: str) -> None:
    access_file(tmp_path / "eva.access", ca)
    address = access_file(tmp_path / "ida.access", ca)
    environment = str(tmp_path / "eva.access")
    found = asked("models", "--access", tmp_path / "ida.access", HEPAFED_ACCESS=environment)
    assert address in found


def test_a_home_that_is_named_goes_before_the_environments_access_file(
    tmp_path: Path, ca: str
) -> None:
    access_file(tmp_path / "eva.access", ca)
    address = access_file(tmp_path / "home" / "coordinator.access", ca)
    environment = str(tmp_path / "eva.access")
    assert address in asked("--home", tmp_path / "home", "models", HEPAFED_ACCESS=environment)


def test_without_a_name_the_coordinators_own_access_file_is_used(tmp_path: Path, ca: str) -> None:
    address = access_file(tmp_path / "home" / "coordinator.access", ca)
    home = str(tmp_path / "home")
    assert address in asked("models", HEPAFED_HOME=home, HEPAFED_ACCESS="")


def test_an_access_file_of_the_environment_that_is_missing_is_named(tmp_path: Path) -> None:
    none = tmp_path / "none.access"
    said = asked("models", HEPAFED_ACCESS=str(none))
    assert f"cannot read {none}" in said
    assert "$HEPAFED_ACCESS" in said
