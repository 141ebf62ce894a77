"""What a person types about permissions and the ledger, and what is said then."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hepafed.client.cli.main import main
from hepafed.client.permissions import PermissionBook
from hepafed.client.permissions.permission import EVERY_STUDY
from hepafed.client.release import Ledger
from hepafed.common.certificates import make_node_key

from tests.client.permissions.consenting import permission

PLAN = "ab" * 32
LATER = datetime(2099, 1, 1, tzinfo=UTC).isoformat()


def client(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *words])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of a site at which a study, one plan and everything are allowed."""
    home = tmp_path / "site"
    (home / "keys").mkdir(parents=True)
    make_node_key(home / "keys" / "node.key")
    (home / "site.toml").write_text(
        'site = "s"\nrole = "train"\naddress = "localhost:1"\n', encoding="utf-8"
    )
    book = PermissionBook(home, Ledger(home))
    book.add(permission("p-1", study="liver", until=LATER))
    book.add(permission("p-2", digest=PLAN, until=LATER))
    book.add(permission("p-3", study=EVERY_STUDY, until=LATER))
    return home


def test_withdraw_says_what_still_allows_something(home: Path) -> None:
    said = client(home, "withdraw", "liver")
    assert said.exit_code == 0
    assert said.output.splitlines() == [
        "withdrawn: p-1",
        "still allowed: the plan or model abababab (p-2, until 2099-01-01)",
        "still allowed: every study (p-3, until 2099-01-01)",
    ]
    said = client(home, "withdraw", "p-3", PLAN[:8])
    assert said.output.splitlines() == [
        "withdrawn: p-3",
        "withdrawn: p-2",
        "Nothing is allowed at this site now.",
    ]


@pytest.mark.parametrize("name", [PLAN[:7], "cd" * 32, "live", ""])
def test_what_names_no_permission_withdraws_nothing(home: Path, name: str) -> None:
    said = client(home, "withdraw", "p-1", name)
    assert said.exit_code != 0
    assert "nothing was withdrawn" in said.output
    held = PermissionBook(home, Ledger(home)).state().permissions
    assert [p.withdrawn for p in held] == ["", "", ""]


@pytest.mark.parametrize("words", [["--verify"], ["--html", "page.html"], []])
def test_a_folder_without_a_ledger_is_no_empty_ledger(tmp_path: Path, words: list[str]) -> None:
    said = client(tmp_path / "typo", "ledger", *words)
    assert said.exit_code != 0
    assert "there is no ledger in" in said.output
    assert not Path("page.html").exists()


def test_a_time_that_is_none_is_refused(home: Path) -> None:
    said = client(home, "ledger", "--since", "yesterday")
    assert said.exit_code != 0
    assert "'yesterday' is not a date" in said.output
    assert client(home, "ledger", "--since", "2026-11-28T09:00").exit_code == 0
