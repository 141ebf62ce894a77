"""Whoever runs `client start` is told once what waits for a person, and which command allows it."""

from datetime import timedelta
from pathlib import Path

import pytest
from hepafed.client.permissions import PermissionBook
from hepafed.client.release import Ledger
from hepafed.client.worker.notices import LOOK_SECONDS, DiskNotices, WaitNotices

from tests.client.permissions.consenting import NOW
from tests.client.permissions.test_consent import TRAIN, VALIDATE, Signed
from tests.client.permissions.test_waits import wait


class Desk:
    """A site, and the person who watches `client start`."""

    def __init__(self, folder: Path) -> None:
        self.site, self.seconds, self.now = Signed(folder), 0.0, NOW
        self.notices = WaitNotices(self.site.home, lambda: self.now, lambda: self.seconds)
        self.waits = self.site.waits

    def look(self) -> list[str]:
        self.seconds += LOOK_SECONDS
        return self.notices.new()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_waits_is_said_once_with_the_command(desk: Desk) -> None:
    assert desk.look() == []
    desk.waits.begin(wait())
    (line,) = desk.look()
    assert line == (
        "The plan dddddddd of the study liver, asked by anna, waits for a person here. "
        "next: client pending, then client allow --study liver"
    )
    desk.waits.begin(wait(1))  # the next round of the same plan
    assert desk.look() == []
    desk.waits.begin(wait(2, digests=("e" * 64, "f" * 64), kind="model"))
    assert [x[:19] for x in desk.look()] == ["The model eeeeeeee ", "The model ffffffff "]


def test_it_is_looked_for_only_now_and_then(desk: Desk) -> None:
    desk.look()
    desk.waits.begin(wait())
    desk.seconds += LOOK_SECONDS * 0.9
    assert desk.notices.new() == []
    assert len(desk.look()) == 1


def test_what_waits_again_after_its_end_is_said_again(desk: Desk) -> None:
    desk.waits.begin(wait())
    assert len(desk.look()) == 1
    desk.waits.end(wait())
    assert desk.look() == []
    desk.waits.begin(wait())
    assert len(desk.look()) == 1


@pytest.mark.parametrize(("after", "kept"), [(0, 1), (1, 0)], ids=["valid", "expired"])
def test_what_expired_is_ended_though_nobody_asks_any_more(
    desk: Desk, after: int, kept: int
) -> None:
    with pytest.raises(Exception, match="no person"):
        desk.site.ask(VALIDATE, requester="anna")
    desk.waits.begin(wait(digests=("1" * 64,)))
    desk.look()
    desk.now = NOW + timedelta(hours=1, seconds=after)
    desk.look()
    assert len(desk.waits.all()) == kept
    book = PermissionBook(desk.site.home, Ledger(desk.site.home))
    assert len(book.state().waiting) == kept


def test_a_damaged_file_does_not_end_client_start(desk: Desk) -> None:
    with pytest.raises(Exception, match="no person"):
        desk.site.ask(TRAIN)
    (desk.site.home / "waits.json").write_text("{")
    assert desk.look() == []


def test_a_full_disk_is_said_once_and_that_it_has_room_again(tmp_path: Path) -> None:
    free = [100, 99, 98, 100, 100]
    notices = DiskNotices(tmp_path, lambda _home: free.pop(0), 100)
    assert notices.new() == []
    (line,) = notices.new()
    assert f"The disk of {tmp_path} is full" in line
    assert "next: free some space" in line
    assert notices.new() == []
    assert notices.new() == [f"The disk of {tmp_path} has room again: 0 MB."]
    assert notices.new() == []
