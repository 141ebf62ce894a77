"""Why Flower's SuperNode ended: its exit in words, and what helps.

Flower ends with status 1 whatever its reason is. The reason is the line `Exit Code: …` of its log
(flwr.supercore.exit; tests/contracts holds names and numbers to it).
"""

import re
import signal
from dataclasses import dataclass
from pathlib import Path

LOOK_AT = "the reason is in supernode.log"
CHECK = "client check says which one"
TLS = "run client check. If it finds nothing, install HepaFed again"
MOST_BYTES = 1 << 20
"""Bytes of a log, at its end, that are looked at."""


@dataclass(frozen=True)
class SuperNodeExit:
    """One of the exits of the SuperNode."""

    name: str
    """Of the constant in Flower's `ExitCode`; "" for an end that Flower did not choose."""
    words: str
    hint: str


EXITS = {
    302: SuperNodeExit(
        "SUPERNODE_NODE_AUTH_KEY_INVALID",
        "keys/node.key is no key that Flower can use",
        "restore a copy of it, or run client leave --offline, and client join with a new invite",
    ),
    303: SuperNodeExit(
        "SUPERNODE_STARTED_WITHOUT_TLS_BUT_NODE_AUTH_ENABLED", "it was started without TLS", TLS
    ),
    305: SuperNodeExit(
        "SUPERNODE_CONNECTION_ERROR",
        "it could not connect to the coordinator",
        "client check says why, if the coordinator still cannot be reached",
    ),
    401: SuperNodeExit(
        "SUPEREXEC_AUTH_SECRET_LOAD_FAILED",
        "it could not read keys/executor.secret",
        "the account that runs client start must own the folder keys and its files",
    ),
    600: SuperNodeExit(
        "COMMON_ADDRESS_INVALID",
        "the coordinator's address in site.toml is not one",
        'write in site.toml: address = "HOST:PORT", as the invite had it',
    ),
    603: SuperNodeExit(
        "COMMON_TLS_ROOT_CERTIFICATES_INCOMPATIBLE", "it was started without TLS", TLS
    ),
    604: SuperNodeExit("COMMON_PATH_INVALID", "a file that it needs is not there", CHECK),
    605: SuperNodeExit(
        "COMMON_TLS_SERVER_CERTIFICATES_INVALID", "a certificate here cannot be used", CHECK
    ),
    606: SuperNodeExit(
        "RUNTIME_VERSION_INCOMPATIBLE",
        "its Flower does not work with the coordinator's",
        "install the coordinator's release of HepaFed here: client check names it",
    ),
}
"""By Flower's number: those that a SuperNode as we start it can end with."""
REFUSED = {
    401: SuperNodeExit(
        "SUPERNODE_CONNECTION_ERROR",
        "the coordinator did not accept its signature (401)",
        "client check looks at the clock and at the keys",
    ),
    412: SuperNodeExit(
        "SUPERNODE_CONNECTION_ERROR",
        "the coordinator does not admit this site (412)",
        "client check says why: another release, or the membership was ended",
    ),
}
"""Exit 305, by the status that the coordinator answered with."""
FULL = SuperNodeExit("", "the disk of this site's home is full", "free some space; it starts again")
KILLED = SuperNodeExit(
    "",
    "it was killed (SIGKILL)",
    "often the machine had too little memory: the system's log says so (dmesg)",
)
ORDERLY = SuperNodeExit(
    "",
    "it ended in order: the coordinator refused its heartbeat, or somebody ended it",
    "client check says whether the coordinator admits this site",
)
_CODE = re.compile(rb"Exit Code: (\d{1,4})\b")
_STATUS = re.compile(rb"error '(\d{3}) ")


def exit_of(status: int, log: bytes) -> SuperNodeExit:
    """Return why a SuperNode ended, from its exit status and what it wrote into its log."""
    if status < 0:
        return _by_signal(-status)
    if b"No space left on device" in log or b"database or disk is full" in log:
        return FULL
    codes = _CODE.findall(log)
    if not codes:
        return ORDERLY if status == 0 else SuperNodeExit("", "it met an error", LOOK_AT)
    code, said = int(codes[-1]), _STATUS.findall(log)
    if code == 305 and said and int(said[-1]) in REFUSED:
        return REFUSED[int(said[-1])]
    return EXITS.get(code) or SuperNodeExit("", f"Flower reports its exit {code}", LOOK_AT)


def _by_signal(number: int) -> SuperNodeExit:
    if number == signal.SIGKILL:
        return KILLED
    names = {s.value: s.name for s in signal.Signals}
    return SuperNodeExit("", f"it was ended by {names.get(number, f'signal {number}')}", LOOK_AT)


def written_since(log: Path, start: int) -> bytes:
    """Return what a log holds from byte `start` on, its last part; nothing where it is gone."""
    try:
        with log.open("rb") as f:
            f.seek(max(start, log.stat().st_size - MOST_BYTES))
            return f.read(MOST_BYTES)
    except OSError:
        return b""
