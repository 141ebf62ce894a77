"""What a case of the campaign does: drawn from a seed and a number, and of a home as it is then."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

COORDINATOR = "server"
KILLED = ("worker", "SuperNode", "client start", "SuperLink", "server start")
ROTS: Mapping[str, Callable[[bytes, float], bytes]] = {
    "emptied": lambda _content, _at: b"",
    "halved": lambda content, _at: content[: len(content) // 2],
    "one bit": lambda content, at: flipped(content, at),
}
MISSING, FROZEN, DISK = "missing", "frozen", "disk full"
WEIGHTS = {
    **{f"kill {name}": 2 for name in KILLED},
    **{f"rot {name}": 3 for name in (*ROTS, MISSING)},
    FROZEN: 1,
    DISK: 2,
}
"""How often each fault is drawn."""
MOST_LINES = 9
"""A round adds about so many lines to the run's history."""
LATEST_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault, whom it strikes and when."""

    number: int
    fault: str
    who: str = COORDINATOR
    lines: int = 0
    """New lines of the run's history before the fault strikes."""
    delay: float = 0.0
    """Seconds from that line to the fault."""
    seed: str = ""
    """Of what is drawn when the fault strikes."""

    @property
    def rots(self) -> bool:
        """Whether a file of a stopped home is damaged."""
        return self.fault.startswith("rot ")

    def words(self, file: str = "") -> str:
        """Say what is done; `file`: of a rot, from the home on."""
        if self.rots:
            return f"{self.fault}: {self.who}/{file}"
        return f"{self.fault} at {self.who}, {self.delay:.2f} s after {self.lines} lines"


def draw(seed: int, number: int, sites: Sequence[str]) -> Case:
    """Return the case of a seed and number."""
    drawn = random.Random(f"{seed}/{number}")
    (fault,) = drawn.choices([*WEIGHTS], [*WEIGHTS.values()])
    who = drawn.choice([COORDINATOR, drawn.choice(sites)])
    if fault in ("kill SuperLink", "kill server start"):
        who = COORDINATOR
    elif fault.startswith("kill ") or fault == FROZEN:
        who = drawn.choice(sites)
    return Case(
        number=number,
        fault=fault,
        who=who,
        lines=drawn.randrange(MOST_LINES),
        delay=drawn.uniform(0, LATEST_SECONDS),
        seed=f"{seed}/{number}/file",
    )


def flipped(content: bytes, at: float) -> bytes:
    """Return `content` with one bit changed, at a share of its length."""
    byte, bit = divmod(int(at * 8 * len(content)), 8)
    return content[:byte] + bytes([content[byte] ^ (1 << bit)]) + content[byte + 1 :]


def state_files(home: Path) -> list[str]:
    """Return the files of a home that hold something, from the home on; logs are not read back."""
    found = (p for p in home.rglob("*") if p.is_file() and p.suffix != ".log" and p.stat().st_size)
    return sorted(str(p.relative_to(home)) for p in found)


def alike(files: Sequence[str]) -> list[list[str]]:
    """Return the files in groups: those named by a digest, of which a folder can hold many."""

    def key(file: str) -> str:
        path = Path(file)
        return str(path.parent) if re.fullmatch("[0-9a-f]{32,64}", path.stem) else file

    return [[*group] for _, group in groupby(sorted(files, key=key), key)]


@dataclass(frozen=True)
class Damage:
    """A file of a home that was damaged, which can be put back as it was."""

    home: Path
    file: str
    """From the home on."""
    before: bytes
    after: bytes | None
    """None: the file is missing."""

    def put_back(self) -> None:
        """Put the file back, unless a program has mended it meanwhile."""
        path = self.home / self.file
        if (path.read_bytes() if path.is_file() else None) == self.after:
            path.write_bytes(self.before)


def damage(case: Case, home: Path) -> Damage:
    """Damage a file of a home, which the case draws."""
    drawn = random.Random(case.seed)
    file = drawn.choice(drawn.choice(alike(state_files(home))))
    path, how = home / file, case.fault.removeprefix("rot ")
    before = path.read_bytes()
    if how == MISSING:
        path.unlink()
        return Damage(home, file, before, None)
    after = ROTS[how](before, drawn.random())
    path.write_bytes(after)
    return Damage(home, file, before, after)
