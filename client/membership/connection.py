"""The connection of this site: the client that runs here, and why its SuperNode ended last."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from hepafed.client.home import sole_use
from hepafed.client.membership.exits import SuperNodeExit
from hepafed.client.membership.status import Standing
from hepafed.common.console import FAIL, NOTE, PASS, CheckLine
from hepafed.common.errors import ConfigError
from hepafed.common.json_file import JsonFile

NAME = "flower/connection.json"
HINT = "remove the file: client start makes it anew"
STOP_ONE = (
    "stop the client that is not meant. If nobody of this site started it, the key was copied: ask "
    "the coordinator to revoke this site, and join with a new invite"
)


@dataclass(frozen=True, kw_only=True)
class ConnectionState:
    """What is known of the client that runs here, or ran here last."""

    instance: str = ""
    """Id of the client, made anew at each start."""
    ended: str = ""
    """When its SuperNode ended last (ISO 8601, UTC); "" if it never did."""
    why: str = ""
    hint: str = ""


def note_start(home: Path, instance: str) -> None:
    """Write down which client runs here now; why the SuperNode ended last is kept."""
    _file(home).write(replace(_known(home), instance=instance))


def note_exit(home: Path, found: SuperNodeExit, now: datetime) -> None:
    """Write down why the SuperNode ended."""
    at = now.isoformat(timespec="seconds")
    _file(home).write(replace(_known(home), ended=at, why=found.words, hint=found.hint))


def instance_here(home: Path) -> str:
    """Return the id of the client that runs here or ran here last; "" where it is not known."""
    return _known(home).instance


def must_be_known(home: Path) -> None:
    """Raise ConfigError where the file is damaged."""
    _file(home).read(missing=ConnectionState())


def runs_here(home: Path) -> bool:
    """Return whether `client start` runs in this home."""
    if not (home / "lock").is_file():
        return False
    try:
        with sole_use(home):
            return False
    except ConfigError:
        return True


def last_exit(home: Path) -> Iterator[CheckLine]:
    """Return whether a client runs here, and why its SuperNode ended last."""
    if runs_here(home):
        yield CheckLine("client", PASS, "client start runs in this home")
    else:
        yield CheckLine("client", NOTE, "client start does not run in this home")
    state = _known(home)
    if state.ended:
        at = datetime.fromisoformat(state.ended).astimezone(UTC)
        words = f"the connection process last ended at {at:%Y-%m-%d %H:%M} UTC: {state.why}"
        yield CheckLine("connection", NOTE, words, state.hint)


def judge_connection(standing: Standing, *, here: bool) -> Iterator[CheckLine]:
    """Return what the coordinator knows of other clients with this key, and of Flower.

    `here`: whether a client runs in this home.
    """
    if standing.others:
        since = " and ".join(standing.others)
        words = (
            f"another client uses this site's key since {since}"
            if here
            else f"a client with this site's key runs elsewhere since {since}"
        )
        yield CheckLine("second", FAIL, words, STOP_ONE)
    if standing.flower == "unknown":
        yield CheckLine(
            "Flower",
            FAIL,
            "Flower at the coordinator does not know this site's key",
            "ask the coordinator to restart server start: it registers the enrolled sites again",
        )
    elif standing.flower == "silent":
        hint = "ask the coordinator: server.log there says more"
        yield CheckLine("Flower", NOTE, "Flower at the coordinator does not answer now", hint)
    elif standing.flower == "known":
        yield CheckLine("Flower", PASS, "Flower at the coordinator knows this site's key")


def _known(home: Path) -> ConnectionState:
    """Return what the file holds; nothing where it is damaged (`must_be_known` names it)."""
    try:
        return _file(home).read(missing=ConnectionState())
    except ConfigError:
        return ConnectionState()


def _file(home: Path) -> JsonFile[ConnectionState]:
    return JsonFile(path=home / NAME, record=ConnectionState, hint=HINT, name=NAME)
