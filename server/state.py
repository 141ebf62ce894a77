"""What of a coordinator's home is damaged: which file, what it costs, and what to do.

A file that every site depends on stops `server start` by its name. All others cost only what they
hold: they are named, and the rest goes on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.certificates import must_be_authority
from hepafed.common.contract import Access, ServerConfig, read_toml
from hepafed.common.errors import ConfigError, HepaFedError
from hepafed.server.members import LedgerHeads, Members
from hepafed.server.runs import Run, Stores
from hepafed.server.setup import HINT

MEMBERS = "restore a copy of it; without one, invite every site again in a new home"


@dataclass(frozen=True)
class Damage:
    """A file that cannot be used as it is."""

    found: str
    """Which file, and what is wrong with it."""
    hint: str


def must_open(home: Path) -> None:
    """Check what every site depends on: server.toml, the authority, members.json.

    Raises
    ------
    ConfigError
        Naming the file, and what to do.
    """
    read_toml(ServerConfig, home / "server.toml", HINT)
    must_be_authority(home / "keys")
    if not (home / "members.json").exists():
        raise ConfigError("members.json is missing: no site could connect", MEMBERS)
    Members(home).sites()


def look_over(home: Path, *, deep: bool = False) -> list[Damage]:
    """Return what is damaged, by file; with `deep` the weights of all models are read as well.

    Raises
    ------
    ConfigError
        As `must_open`.
    """
    must_open(home)
    return list(_found(home, Stores(home), deep=deep))


def _found(home: Path, stores: Stores, *, deep: bool) -> Iterator[Damage]:
    yield from _tried(lambda: _check_access(home))
    yield from map(_damage, stores.runs.damaged().values())
    for run in stores.runs.all():
        yield from _of_run(stores, run)
    lost = stores.registry.damaged() if deep else stores.registry.damaged_cards()
    yield from map(_damage, lost.values())
    yield from _tried(LedgerHeads(home).must_be_known)
    yield from map(_damage, LedgerHeads(home).damaged().values())


def _of_run(stores: Stores, run: Run) -> Iterator[Damage]:
    """Return what is damaged of a run whose run.json is whole."""
    history, folder = f"runs/{run.id}/events.jsonl", stores.runs.folder(run.id)
    kept = "the history shown is not whole; nothing else depends on it"
    if run.status != "queued" and not (folder / "events.jsonl").exists():
        yield Damage(f"{history} is missing", kept)
    try:
        if lines := stores.runs.unreadable_events(run.id):
            yield Damage(f"{history}: {lines} lines are damaged", kept)
    except ConfigError as e:
        yield _damage(e)
    yield from _tried(lambda: stores.runs.evaluation(run))
    report = folder / "report.json"
    if run.kind == "validate" and run.status == "completed" and not report.exists():
        name = f"runs/{run.id}/report.json"
        yield Damage(f"{name} is missing", f"restore a copy of {name}, or validate anew")
    elif report.exists():
        yield from _tried(lambda: stores.report(run.id))
        if not (folder / "report.sig").exists():
            name = f"runs/{run.id}/report.sig"
            yield Damage(f"{name} is missing: nobody can verify the report", f"restore {name}")


def _check_access(home: Path) -> None:
    """Hold coordinator.access, where it is still in the home, to members.json and keys/."""
    path = home / "coordinator.access"
    if not path.exists():
        return
    hint = "restore a copy of it: without it the commands of the coordinator are refused"
    access = read_toml(Access, path, hint)
    try:
        Members(home).person_of(access.token)
    except HepaFedError as e:
        raise ConfigError("coordinator.access is damaged: nobody has its token", hint) from e
    if access.ca != (home / "keys" / "ca.pem").read_text():
        raise ConfigError("coordinator.access is damaged: its ca is not keys/ca.pem", hint)


def _tried(check: Callable[[], object]) -> Iterator[Damage]:
    try:
        check()
    except HepaFedError as e:
        yield _damage(e)


def _damage(error: HepaFedError) -> Damage:
    return Damage(error.message, error.hint)
