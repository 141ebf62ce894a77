"""A question that waits comes every ten seconds: two entries when it begins, one when it ends."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hepafed.client.cohort import Crop
from hepafed.client.permissions import Permission, PermissionBook, WaitBook
from hepafed.client.permissions.permission import EVERY_STUDY
from hepafed.common.contract.messages import Refusal, SiteSummary, Waits

from tests.client.worker.signed_site import REQUEST, Site

BEGIN = ["key", "validate", "permissions", "waits"]
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def site(tmp_path: Path, crops: Callable[..., list[Crop]], in_flower: None) -> Site:
    return Site(tmp_path, crops(6))


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_wait_has_entries_when_it_begins_and_one_that_counts_when_it_ends(
    site: Site, restart: bool
) -> None:
    for number in range(4):
        assert isinstance(site.ask(site.sealed()), Waits)
        if number and restart:
            site.restart()
    assert site.kinds() == BEGIN
    site.allow()
    assert isinstance(site.ask(site.sealed()), SiteSummary)
    assert site.kinds()[:7] == [*BEGIN, "permissions", "waited", "validate"]
    entries = site.ledger.entries()
    (told,) = [e for e in entries if e["kind"] == "waited"]
    answer = entries[3]
    assert (told["times"], len(told["stamps"])) == (3, 3)
    assert (told["bytes"], told["sha256"]) == (3 * answer["bytes"], answer["sha256"])
    assert (told["question"], told["direction"]) == (entries[1]["sha256"], "out")
    assert (told["requester"], told["study"], told["run"]) == ("anna", "liver", "v-1")
    assert told["first"] <= told["last"] <= told["at"]
    assert site.ledger.verify().texts == len([e for e in entries if e.get("kept")])
    assert WaitBook(site.home, site.ledger).all() == ()


@pytest.mark.parametrize("when", ["while it waits", "after the wait"])
def test_a_counted_question_is_answered_once_also_after_a_restart(site: Site, when: str) -> None:
    site.ask(site.sealed())
    counted = site.sealed()
    assert isinstance(site.ask(counted), Waits)
    site.restart()
    site.allow()
    if when == "after the wait":
        site.ask(site.sealed())
        site.restart()
    answer = site.ask(counted)
    assert isinstance(answer, Refusal)
    assert "sent a second time" in answer.reason
    assert isinstance(site.ask(site.sealed()), SiteSummary)


def test_nothing_but_the_very_same_question_is_counted(site: Site) -> None:
    site.ask(site.sealed())
    begun = len(site.kinds())
    others = (
        (replace(REQUEST, run="v-2"), {}),
        (replace(REQUEST, threshold=0.25), {}),
        (REQUEST, {"requester": "bert"}),
    )
    for number, (request, values) in enumerate(others, 1):
        assert isinstance(site.ask(site.sealed(request, **values)), Waits)
        assert site.kinds()[begun:].count("validate") == number
        assert site.kinds()[begun:].count("waits") == number
    assert isinstance(site.ask({**site.sealed(), "signature": ""}), Refusal)
    assert site.kinds()[-2:] == ["validate", "refused"]


def test_another_reason_for_waiting_ends_the_count_and_is_listed(site: Site) -> None:
    for _ in range(2):
        site.ask(site.sealed())
    site.allow(requester="bert")
    assert isinstance(site.ask(site.sealed()), Waits)
    (listed,) = PermissionBook(site.home, site.ledger).state().waiting
    assert listed.why == "the permission is for another requester"
    assert site.kinds()[len(BEGIN) :] == [
        "permissions", "waited", "validate", "permissions", "waits",
    ]  # fmt: skip


def test_a_person_reads_the_newest_reason_of_a_question_that_still_waits(site: Site) -> None:
    site.allow(requester="bert")
    for _ in range(2):
        site.ask(site.sealed())
    book = PermissionBook(site.home, site.ledger)
    book.withdraw(("p-1",), datetime.now(UTC))
    assert isinstance(site.ask(site.sealed()), Waits)
    assert [w.why for w in book.state().waiting] == ["the permission was withdrawn"]


def test_what_is_not_listed_for_a_person_any_more_is_written_down_and_listed_anew(
    site: Site,
) -> None:
    site.ask(site.sealed())
    book = PermissionBook(site.home, site.ledger)
    book.no_longer_waiting(())
    assert isinstance(site.ask(site.sealed()), Waits)
    assert len(book.state().waiting) == 1
    assert site.changes() == ["waits", "ended", "waits"]


def test_the_head_that_goes_with_a_counted_answer_continues_what_was_seen(site: Site) -> None:
    site.ask(site.sealed())
    for _ in range(3):
        assert isinstance(site.ask(site.sealed(), site.receipt()), Waits)
    site.allow()
    assert isinstance(site.ask(site.sealed(), site.receipt()), SiteSummary)
    site.receipt()


def test_a_home_restored_from_a_backup_counts_nothing(site: Site, tmp_path: Path) -> None:
    site.ask(site.sealed())
    shutil.copytree(site.home, tmp_path / "backup")
    site.ask(site.sealed(replace(REQUEST, run="v-2")), site.receipt())
    newest = site.receipt()
    shutil.rmtree(site.home)
    shutil.copytree(tmp_path / "backup", site.home)
    site.restart()
    answer = site.ask(site.sealed(), newest)
    assert isinstance(answer, Refusal)
    assert "not in the ledger here" in answer.reason


def test_a_damaged_count_is_refused_by_name(site: Site) -> None:
    site.ask(site.sealed())
    path = site.home / "waits.json"
    path.write_text(path.read_text().replace("anna", "anne"))
    answer = site.ask(site.sealed())
    assert isinstance(answer, Refusal)
    assert "waits.json" in answer.reason
    path.unlink()
    assert isinstance(site.ask(site.sealed()), Waits)
    assert json.loads(path.read_text())["waits"]


def test_an_expired_question_waits_no_longer_and_the_ledger_says_so(site: Site) -> None:
    for _ in range(2):
        site.ask(site.sealed())
    waits, book = WaitBook(site.home, site.ledger), PermissionBook(site.home, site.ledger)
    end = datetime.fromisoformat(waits.all()[0].expires)
    assert len(waits.end_expired(end)) == 1
    assert waits.end_expired(end + timedelta(seconds=1)) == ()
    book.no_longer_waiting(())
    assert site.kinds()[len(BEGIN) :] == ["waited", "permissions"]
    assert site.changes() == ["waits", "ended"]


def test_every_study_allowed_ends_the_wait_without_saying_that_nobody_allowed(site: Site) -> None:
    site.ask(site.sealed())
    until = datetime(2099, 1, 1, tzinfo=UTC).isoformat()
    PermissionBook(site.home, site.ledger).add(
        Permission(id="p-9", study=EVERY_STUDY, given="2026-01-01T00:00:00+00:00", until=until)
    )
    assert site.changes() == ["waits", "allowed"]
