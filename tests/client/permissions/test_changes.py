"""The ledger says of each version of permissions.json what a person did and what was used."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hepafed.client.permissions.changes import changes_of
from hepafed.client.permissions.permission import Waiting
from hepafed.client.permissions.state import BookState
from hepafed.client.release import changes_in

from tests.client.permissions.consenting import NOW, permission
from tests.client.permissions.test_consent import TRAIN, VALIDATE, Signed

WAITING = Waiting(
    digest="d" * 64, kind="plan", study="liver", requester="anna", run="r", since="", rounds=1,
    words="", why="",
)  # fmt: skip


def said(site: Signed) -> list[tuple[Any, ...]]:
    """Return each change that the ledger names: what, permission, study, purpose, run."""
    return [
        (c.what, c.permission, c.study, c.purpose, c.run)
        for e in site.ledger.entries()
        for c in changes_in(e)
    ]


@pytest.fixture
def site(tmp_path: Path) -> Signed:
    return Signed(tmp_path)


def test_allowed_used_and_withdrawn_are_told_apart_with_study_and_purpose(site: Signed) -> None:
    site.allow(study="liver", purpose="vote 17")
    site.ask(TRAIN)
    site.consent.spend(("p-1",), 70, "a-1")
    site.book.withdraw(("p-1",), NOW)
    assert said(site) == [
        ("allowed", "p-1", "liver", "vote 17", ""),
        ("used", "p-1", "liver", "vote 17", "a-1"),
        ("used", "p-1", "liver", "vote 17", "a-1"),
        ("withdrawn", "p-1", "liver", "vote 17", ""),
    ]
    used = [c for e in site.ledger.entries() for c in changes_in(e) if c.what == "used"]
    assert [(c.rounds, c.models, c.bytes) for c in used] == [(1, 0, 0), (0, 0, 70)]
    cited = [e["permission"] for e in site.ledger.entries() if e["kind"] == "permissions"]
    assert cited == ["p-1"] * 4


def test_an_answer_that_no_limit_counts_again_is_told_as_a_use_of_its_run(site: Signed) -> None:
    site.allow(study="liver")
    site.ask(VALIDATE)
    site.ask(replace(VALIDATE, run="v-2"))
    assert [(c[0], c[4]) for c in said(site)] == [("allowed", ""), ("used", "v-1"), ("used", "v-2")]


def test_a_crash_before_the_entry_loses_no_change(site: Signed) -> None:
    site.allow(study="liver")
    kept = {n: (site.home / n).read_bytes() for n in ("ledger.jsonl", "ledger.head")}
    site.allow(name="p-2", study="lung")
    for name, content in kept.items():
        (site.home / name).write_bytes(content)
    site.restart()
    site.allow(name="p-3", study="skin")
    assert [c[:3] for c in said(site)] == [
        ("allowed", "p-1", "liver"), ("allowed", "p-2", "lung"), ("allowed", "p-3", "skin"),
    ]  # fmt: skip


def test_what_a_person_allowed_waits_no_longer_and_is_not_told_as_ended() -> None:
    before = BookState(waiting=(WAITING, replace(WAITING, digest="e" * 64)))
    allowed = permission(digest="d" * 64)
    changes = changes_of(before, BookState(permissions=(allowed,)))
    assert [(c.what, c.digest[0]) for c in changes] == [("allowed", "d"), ("ended", "e")]


def test_two_people_who_ask_for_one_model_are_both_listed(site: Signed) -> None:
    for requester in ("anna", "bert", "anna", "bert"):
        with pytest.raises(Exception, match="no person"):
            site.ask(VALIDATE, requester=requester)
    assert [w.requester for w in site.book.state().waiting] == ["anna", "bert"]
    assert [c[0] for c in said(site)] == ["waits", "waits"]
