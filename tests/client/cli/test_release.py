"""What `client ledger` prints: who asked, what was allowed and for what, in 80 columns."""

from pathlib import Path

import pytest
from hepafed.client.permissions import PermissionBook
from hepafed.client.release import Ledger

from tests.client.cli.test_permissions import client, home
from tests.client.permissions.consenting import NOW, permission

__all__ = ["home"]
LONG = "liver-tumours-of-four-hospitals-1a2b3c4d"


@pytest.fixture
def shown(home: Path) -> list[str]:
    """The lines of a ledger of long names."""
    ledger, asked = Ledger(home), {"requester": "e" * 40, "permission": "p-1 p-2"}
    ledger.record("masked-pair-clusters", f"{LONG}-1a2b3c", bytes(10**8), **asked)
    book = PermissionBook(home, ledger)
    book.add(permission("p-7", study=LONG, purpose="vote 17 of the ethics committee " * 5))
    book.withdraw(("p-7",), NOW)
    return client(home, "ledger").output.splitlines()


def test_no_line_of_the_ledger_is_longer_than_80_columns(shown: list[str]) -> None:
    table = [line for line in shown if not line.startswith("The texts are in")]
    assert max(map(len, table)) <= 80
    assert shown[0].split() == ["entry", "time", "(UTC)", "way", "kind", "bytes", "sha256", "kept"]


def test_an_entry_says_who_asked_and_under_which_permission(shown: list[str]) -> None:
    (at,) = [n for n, line in enumerate(shown) if "masked-pair-clusters" in line]
    assert shown[at].split()[3:6] == ["out", "masked-pair-clusters", "100000000"]
    below = " ".join(line.strip() for line in shown[at + 1 : at + 4])
    assert f"asked by {'e' * 40}, run {LONG}-1a2b3c, permission p-1 p-2" in below


def test_what_a_person_allowed_and_withdrew_is_said_with_study_and_purpose(
    shown: list[str],
) -> None:
    text = " ".join(line.strip() for line in shown)
    assert f"A person here allowed the study {LONG}; until 2026-12-08; purpose: vote 17" in text
    assert f"A person here withdrew the permission of the study {LONG}; purpose: vote 17" in text


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
