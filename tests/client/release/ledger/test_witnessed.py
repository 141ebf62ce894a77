"""What a site must not forget is found changed, cut, reordered, replayed or older, one at a time.

The memories: permissions, questions, the noise budget, and the ledger, which holds the stamps of
answered requests and the hash of every other memory. Each harm is tried in the running site and
after a restart, and the honest use goes on when the file is put back.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hepafed.client.permissions import Consent, Permission, PermissionBook
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.noise.book import NoisyAnswer, PrivacyBook
from hepafed.client.release.questions.history import QuestionHistory
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.messages import ValidateRequest, pack, seal, unpack
from hepafed.common.contract.plan import Plan
from hepafed.common.contract.privacy import PrivacyConfig
from hepafed.common.errors import ConfigError, DataError, HepaFedError, RefusedError

from tests.client.release.questions.scores import asked, drawn

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
PLAN = Plan(name="a", protocol="t2", study="liver")
BUDGET = PrivacyConfig(epsilon=0.5, lifetime_epsilon=20.0)


class Site:
    """A site that answers: each use changes one memory."""

    def __init__(self, home: Path) -> None:
        self.home, self.now = home, NOW
        make_node_key(home / "keys" / "node.key")
        make_authority(home / "keys", NOW)
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(self.home)
        self.book = PermissionBook(self.home, self.ledger)
        self.consent = Consent(self.home, "s", self.ledger, lambda: self.now)

    def sealed(self, number: int) -> Mapping[str, str]:
        pem = (self.home / "keys" / "ca.key").read_bytes()
        request = ValidateRequest(
            run="v-1", model="m", plan=PLAN, weights=f"{number:064}", threshold=0.5,
            split="external",
        )  # fmt: skip
        key: Any = serialization.load_pem_private_key(pem, None)
        return seal(
            pack(request), key, site="s", requester="anna", study="liver", now=self.now, seconds=600
        )

    def answer(self, sealed: Mapping[str, str]) -> None:
        text, stamp = self.consent.opened(dict(sealed))
        self.ledger.record_request("validate", "v-1", text, stamp=stamp)
        self.consent.admit(unpack(text), stamp)

    def use(self, memory: str, number: int) -> None:
        if memory in ("permissions", "ledger"):
            self.answer(self.sealed(number))
        elif memory == "questions":
            history = QuestionHistory(self.home, self.ledger)
            history.hold({asked(f"{number}"): drawn(number)}, minimum=5, most=12, now=self.now)
        else:
            told = NoisyAnswer(
                exchange=f"{number:032x}", run="v", split="external", weights="a" * 64,
                at=NOW.isoformat(), rho=0.01,
            )  # fmt: skip
            PrivacyBook(self.home, self.ledger).spend(BUDGET, told)


def allow(site: Site, name: str) -> None:
    until = (NOW + timedelta(days=10)).isoformat()
    site.book.add(Permission(id=name, study="liver", given=NOW.isoformat(), until=until))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Of which each memory holds several entries."""
    made = Site(tmp_path)
    for name in ("p-1", "p-2", "p-3"):
        allow(made, name)
    for memory in MEMORIES:
        for number in (1, 2, 3):
            made.use(memory, number)
    return made


MEMORIES = {
    "permissions": ("permissions.json", ("state", "permissions")),
    "questions": ("questions.json", ("answered",)),
    "privacy": ("privacy.json", ("answers",)),
}
Harm = Callable[[list[Any]], None]
HARMS: dict[str, Harm] = {
    "the first one cut off": lambda entries: entries.pop(0),
    "the last one cut off": lambda entries: entries.pop(),
    "all cut off": lambda entries: entries.clear(),
    "reordered": lambda entries: entries.reverse(),
    "one put in again": lambda entries: entries.append(
        {**entries[0], **({"id": "p-9"} if "id" in entries[0] else {})}
    ),
    "changed": lambda entries: entries[1].update(
        {k: "2099-01-01T00:00:00+00:00" for k in ("until", "at") if k in entries[1]}
    ),
}
RESTARTS = pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])


def is_refused(site: Site, memory: str, *, restart: bool) -> None:
    """Hold that nothing more is answered that this memory bounds."""
    if restart:
        site.restart()
    with pytest.raises(ConfigError, match=MEMORIES[memory][0].replace(".", r"\.")) as e:
        site.use(memory, 7)
    assert "restore the newest copy" in e.value.hint


@RESTARTS
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("memory", MEMORIES)
def test_entries_changed_cut_reordered_or_repeated_are_found(
    site: Site, memory: str, harm: str, restart: bool
) -> None:
    name, keys = MEMORIES[memory]
    path = site.home / name
    whole = path.read_bytes()
    values = json.loads(whole)
    entries = values
    for key in keys:
        entries = entries[key]
    HARMS[harm](entries)
    path.write_text(json.dumps(values, indent=1))
    is_refused(site, memory, restart=restart)
    path.write_bytes(whole)
    site.use(memory, 7)


@RESTARTS
@pytest.mark.parametrize("memory", MEMORIES)
def test_bytes_cut_off_at_either_end_are_found(site: Site, memory: str, restart: bool) -> None:
    path = site.home / MEMORIES[memory][0]
    whole = path.read_bytes()
    for cut in (whole[1:], whole[9:], whole[:-1], whole[:-9], b""):
        path.write_bytes(cut)
        is_refused(site, memory, restart=restart)
    path.write_bytes(whole)
    site.use(memory, 7)


@RESTARTS
@pytest.mark.parametrize("ago", [1, 2])
@pytest.mark.parametrize("memory", MEMORIES)
def test_an_older_copy_and_a_deleted_file_are_found(
    site: Site, memory: str, ago: int, restart: bool
) -> None:
    path = site.home / MEMORIES[memory][0]
    older = path.read_bytes()
    for number in range(4, 4 + ago):
        site.use(memory, number)
    newest = path.read_bytes()
    path.write_bytes(older)
    is_refused(site, memory, restart=restart)
    path.unlink()
    is_refused(site, memory, restart=restart)
    path.write_bytes(newest)
    site.use(memory, 7)


@RESTARTS
@pytest.mark.parametrize("memory", MEMORIES)
def test_an_older_copy_is_found_also_when_the_ledger_s_entries_of_it_were_cut_out(
    site: Site, memory: str, restart: bool
) -> None:
    path, ledger = site.home / MEMORIES[memory][0], site.home / "ledger.jsonl"
    older = path.read_bytes()
    written = ledger.read_bytes()
    site.use(memory, 4)
    new = ledger.read_bytes()[len(written) :].splitlines(keepends=True)
    site.ledger.record("update", "r", b"abc")  # the end of the ledger stays as it is
    whole = ledger.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    others = [line for line in new if json.loads(line)["kind"] != memory]
    assert len(others) < len(new)
    path.write_bytes(older)
    ledger.write_bytes(written + b"".join(others) + last)
    if restart:
        site.restart()
    with pytest.raises(DataError, match="changed, cut out or put in"):
        site.use(memory, 7)


def entries_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


LEDGER_HARMS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "changed": lambda x: [x[0], x[1].replace(b'"run":"', b'"run":"x', 1), *x[2:]],
    "the first one cut off": lambda x: x[1:],
    "the first ones cut off": lambda x: x[3:],
    "one cut out": lambda x: [*x[:4], *x[5:]],
    "the last one cut off": lambda x: x[:-1],
    "the last ones cut off": lambda x: x[:-3],
    "the last two swapped": lambda x: [*x[:-2], x[-1], x[-2]],
    "one put in again": lambda x: [*x[:5], x[2], *x[5:]],
    "the last one put in again": lambda x: [*x, x[-1]],
    "deleted": lambda _: [],
}


@RESTARTS
@pytest.mark.parametrize("harm", LEDGER_HARMS)
def test_a_ledger_that_is_not_what_was_written_is_found_before_anything_is_answered(
    site: Site, harm: str, restart: bool
) -> None:
    path = site.home / "ledger.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"".join(LEDGER_HARMS[harm](entries_of(path))))
    if restart:
        site.restart()
    with pytest.raises((DataError, ConfigError)):
        site.use("ledger", 7)
    with pytest.raises(DataError):
        site.ledger.verify()
    path.write_bytes(whole)
    site.restart()
    site.use("ledger", 7)
    assert site.ledger.verify().entries > len(whole.splitlines())


@pytest.mark.parametrize("harm", ["swapped", "changed"])
def test_a_change_that_keeps_the_ledger_s_length_is_found_when_the_site_starts(
    site: Site, harm: str
) -> None:
    path = site.home / "ledger.jsonl"
    x = entries_of(path)
    if harm == "swapped":
        x[2:4] = x[3], x[2]
    else:
        x[3] = x[3].replace(b'"direction":"here"', b'"direction":"hire"')
    assert x != entries_of(path)
    path.write_bytes(b"".join(x))
    with pytest.raises(DataError):
        site.ledger.verify()
    sealed = site.sealed(7)
    site.answer(sealed)  # the running site has read these entries and forgets nothing
    with pytest.raises(RefusedError, match="sent a second time"):
        site.answer(sealed)
    site.restart()
    with pytest.raises(DataError, match="changed, cut out or put in"):
        site.use("ledger", 8)


@RESTARTS
def test_a_replayed_request_is_refused_and_a_new_one_answered(site: Site, restart: bool) -> None:
    sealed = site.sealed(4)
    site.answer(sealed)
    for number in range(3):  # others between
        site.use("permissions", 5 + number)
    if restart:
        site.restart()
    with pytest.raises(RefusedError, match="sent a second time"):
        site.answer(sealed)
    site.answer(site.sealed(4))


@RESTARTS
def test_a_replayed_request_is_refused_until_it_expires_and_then_as_expired(
    site: Site, restart: bool
) -> None:
    sealed = site.sealed(4)
    site.answer(sealed)
    for seconds, why in ((600, "sent a second time"), (601, "expired")):
        site.now = NOW + timedelta(seconds=seconds)
        site.answer(site.sealed(5))  # forgets what has expired
        if restart:
            site.restart()
        with pytest.raises(RefusedError, match=why):
            site.answer(sealed)


@pytest.mark.parametrize("names", [("ledger.jsonl",), ("ledger.jsonl", "ledger.head")])
def test_a_replay_into_an_older_ledger_is_refused(site: Site, names: tuple[str, ...]) -> None:
    older = {name: (site.home / name).read_bytes() for name in names}
    sealed = site.sealed(4)
    site.answer(sealed)
    site.use("permissions", 5)  # the very last change alone is what a crash leaves
    newest = {name: (site.home / name).read_bytes() for name in names}
    for name, content in older.items():
        (site.home / name).write_bytes(content)
    site.restart()
    with pytest.raises(HepaFedError, match=r"older copy|ends at entry"):
        site.answer(sealed)
    for name, content in newest.items():
        (site.home / name).write_bytes(content)
    site.restart()
    with pytest.raises(RefusedError, match="sent a second time"):
        site.answer(sealed)
    site.use("permissions", 6)


@RESTARTS
def test_a_permission_that_expired_stays_so_whatever_copy_is_put_back(
    site: Site, restart: bool
) -> None:
    path = site.home / "permissions.json"
    before = path.read_bytes()
    site.now = NOW + timedelta(days=10)
    site.use("permissions", 4)
    for content in (path.read_bytes(), before):
        path.write_bytes(content)
        site.now = NOW + timedelta(days=10, seconds=1)
        if restart:
            site.restart()
        with pytest.raises((RefusedError, ConfigError), match=r"expired|older copy"):
            site.use("permissions", 5)
        path.write_bytes(path.read_bytes())


def test_a_withdrawal_is_not_undone_by_an_older_copy(site: Site) -> None:
    path = site.home / "permissions.json"
    before = path.read_bytes()
    site.book.withdraw(("liver",), NOW)
    path.write_bytes(before)
    is_refused(site, "permissions", restart=True)


def test_two_crashes_before_the_ledger_knows_are_no_harm(site: Site) -> None:
    for memory in MEMORIES:
        for number in (4, 5):
            kept = {n: (site.home / n).read_bytes() for n in ("ledger.jsonl", "ledger.head")}
            site.use(memory, number)
            for name, content in kept.items():
                (site.home / name).write_bytes(content)
            site.restart()
        if memory == "permissions":
            assert len(site.book.state().permissions[-1].used_models) == 5
        site.use(memory, 6)
        site.restart()
        site.use(memory, 7)
