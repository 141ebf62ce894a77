"""What a person types about permissions and the ledger, and what is said then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hepafed.client.cli.main import main
from hepafed.client.permissions import PermissionBook, WaitBook, Waiting
from hepafed.client.permissions.permission import EVERY_STUDY
from hepafed.client.release import Ledger
from hepafed.common.certificates import make_node_key

from tests.client.permissions.consenting import permission
from tests.client.permissions.test_waits import wait

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


def test_permissions_are_shown_in_80_columns_and_a_missing_limit_is_said(home: Path) -> None:
    book = PermissionBook(home, Ledger(home))
    long, past = "liver-tumours-of-four-hospitals-1a2b3c4d", "2026-01-02T00:00:00+00:00"
    book.add(
        permission("p-4", study=long, requester="r" * 40, rounds=11, purpose="v " * 99, until=past)
    )
    said = client(home, "permissions").output.splitlines()
    assert max(map(len, said)) <= 80
    assert said[0] == "p-1  stands until 2099-01-01  the study liver"
    assert said[1] == "    for anybody who asks; purpose: not stated"
    assert said[2] == ("    used: rounds 0 (no limit); models 0 (no limit); bytes 0 (no limit)")
    assert "p-2  stands until 2099-01-01  the plan or model abababab" in said
    assert "    used: rounds 0 (no limit); models 0 of 1; bytes 0 (no limit)" in said
    assert f"p-4  expired on 2026-01-02  the study {long}" in said
    assert "    used: rounds 0 of 11; models 0 (no limit); bytes 0 (no limit)" in said


def test_a_site_that_allowed_nothing_ever_says_so(home: Path) -> None:
    for name in ("permissions.json", "ledger.jsonl", "ledger.head"):
        (home / name).unlink()
    assert client(home, "permissions").output.splitlines()[0] == (
        "Nothing was ever allowed at this site."
    )


def listed(home: Path, *digests: str, refused: str = "") -> None:
    """Let plans wait at a site."""
    with PermissionBook(home, Ledger(home)).changing() as change:
        made = tuple(
            Waiting(digest=d, kind="plan", study="s" * 40, requester="r" * 40, run="t-1",
                    since="2026-11-28T09:00:00+00:00", rounds=11, words="train it " * 30, why="",
                    refused=refused) for d in digests
        )  # fmt: skip
        change.state = replace(change.state, waiting=made)


def waits(home: Path, digest: str, **values: Any) -> None:  # noqa: ANN401
    now = datetime.now(UTC)
    usual = {
        "digests": (digest,), "requester": "r" * 40, "study": "s" * 40, "since": now.isoformat(),
        "last": now.isoformat(), "expires": (now + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    WaitBook(home, Ledger(home)).begin(wait(**{**usual, **values}))


def test_what_waits_is_shown_in_80_columns_with_how_often_it_was_asked(home: Path) -> None:
    listed(home, "d" * 64, refused="a round of the plan takes fewer steps (minimum_steps = 4)")
    waits(home, "d" * 64, told=36)
    said = client(home, "pending").output
    assert max(map(len, said.splitlines())) <= 80
    text = " ".join(said.split())
    assert f"plan {'d' * 64}" in said
    assert ", 37 times" in text
    assert "It would be refused though you allow it: a round of the plan takes fewer" in text
    assert "not asked again" not in text


def test_a_question_that_comes_no_more_is_marked_and_one_that_expired_is_gone(home: Path) -> None:
    now = datetime.now(UTC)
    listed(home, "d" * 64, "e" * 64)
    waits(home, "d" * 64, last=(now - timedelta(minutes=7, seconds=5)).isoformat())
    waits(home, "e" * 64, expires=(now - timedelta(seconds=1)).isoformat(), question="f" * 64)
    said = client(home, "pending").output
    assert "not asked again for 7 minutes: the run has ended" in " ".join(said.split())
    assert "e" * 64 not in said
    held = PermissionBook(home, Ledger(home)).state().waiting
    assert [w.digest for w in held] == ["d" * 64]


def test_a_digest_that_two_people_ask_for_is_allowed_with_one_command(home: Path) -> None:
    book = PermissionBook(home, Ledger(home))
    listed(home, "d" * 64)
    with book.changing() as change:
        (one,) = change.state.waiting
        change.state = replace(change.state, waiting=(one, replace(one, requester="bert")))
    assert client(home, "allow", "dddddddd").exit_code == 0
    assert book.state().waiting == ()
    listed(home, "d" * 64, "d" * 63 + "e")
    assert client(home, "allow", "dddddddd").exit_code != 0
