"""`server check`: what a coordinator needs, one line each, before and while it runs.

Nothing is written and no lock is kept.
"""

import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from hepafed.common.certificates import expiry, unfit, valid_from
from hepafed.common.console import FAIL, NOTE, PASS, CheckLine
from hepafed.common.contract import ServerConfig, host_and_port, read_toml
from hepafed.common.errors import ConfigError, HepaFedError
from hepafed.common.locks import sole_holder
from hepafed.server.setup import AUTHORITY_WARNING, HINT, hosts_of
from hepafed.server.state import look_over

DISK_GIB = 5.0
"""Least free disk: the checkpoints of a run, its model and the uploads of a round, 220 MB each."""


def check(home: Path, now: datetime | None = None, disk_gib: float = DISK_GIB) -> list[CheckLine]:
    """Return a line for everything that a coordinator needs."""
    now = now or datetime.now(UTC)
    try:
        config = read_toml(ServerConfig, home / "server.toml", HINT)
        host, port = host_and_port(config.address)
    except HepaFedError as e:
        return [CheckLine("home", FAIL, e.message, e.hint)]
    made = [CheckLine("home", PASS, f"{home}, reached at {config.address}")]
    made += [_disk(home, disk_gib), *_certificates(home / "keys", host, now)]
    made += [_port(home, config.listen, port), *_state(home), _flower()]
    return made


def _disk(home: Path, least: float) -> CheckLine:
    free = shutil.disk_usage(home).free / 2**30
    if free < least:
        hint = f"at least {least:.0f} GiB: a full disk stops every run until there is room"
        return CheckLine("disk", FAIL, f"{free:.1f} GiB free", hint)
    return CheckLine("disk", PASS, f"{free:.1f} GiB free")


def _certificates(keys: Path, host: str, now: datetime) -> Iterator[CheckLine]:
    """Return what is to be said of the server's certificate and its authority, and of the clock."""
    try:
        begins, ends = valid_from(keys / "ca.pem"), expiry(keys / "ca.pem")
        why = unfit(keys, hosts_of(host), now)
    except ConfigError as e:
        yield CheckLine("authority", FAIL, e.message, e.hint)
        return
    if begins > now:
        found = (
            f"it says {now:%Y-%m-%d %H:%M} UTC; the authority was made at {begins:%Y-%m-%d %H:%M}"
        )
        yield CheckLine("clock", FAIL, found, "set it by NTP")
    if why:
        yield CheckLine("certificate", FAIL, why, "server start makes a new one; or: server renew")
    else:
        until = expiry(keys / "server.pem")
        yield CheckLine("certificate", PASS, f"for {host}, valid until {until:%Y-%m-%d}")
    if ends - now < AUTHORITY_WARNING:
        hint = "make a new home before then (docs/coordinator-guide.md)"
        yield CheckLine("authority", NOTE, f"it ends on {ends:%Y-%m-%d}", hint)


def _port(home: Path, listen: str, port: int) -> CheckLine:
    """Return whether the public port can be had, or is ours already."""
    if (home / "lock").exists():
        try:
            with sole_holder(home / "lock", ConfigError("running")):
                pass
        except ConfigError:
            return CheckLine("port", PASS, f"{port}: server start runs in this home")
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    try:
        socket.create_server((listen, port), family=family).close()
    except OSError as e:
        hint = "another program uses it, or it needs administrator rights; see server.toml"
        return CheckLine("port", FAIL, f"cannot listen on {listen}:{port}: {e.strerror}", hint)
    return CheckLine("port", PASS, f"{port} is free")


def _state(home: Path) -> list[CheckLine]:
    """Return a line for each damaged file; the weights of all models are read."""
    try:
        found = look_over(home, deep=True)
    except HepaFedError as e:
        return [CheckLine("state", FAIL, e.message, e.hint)]
    if not found:
        return [CheckLine("state", PASS, "every file is as it was written")]
    return [CheckLine("state", FAIL, d.found, d.hint) for d in found]


def _flower() -> CheckLine:
    own = f"HepaFed {metadata.version('hepafed')}, Flower {metadata.version('flwr')}"
    return CheckLine("releases", NOTE, own, "every site needs the same (client check)")
