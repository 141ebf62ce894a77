"""What a case of the campaign does: drawn from a seed, a number and the prepared homes alone."""

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
MISSING, FROZEN, DISK, UNDISTURBED = "missing", "frozen", "disk full", "undisturbed"
WEIGHTS = {
    **{f"kill {name}": 2 for name in KILLED},
    **{f"rot {name}": 3 for name in (*ROTS, MISSING)},
    FROZEN: 1,
    DISK: 2,
}
"""How often each fault is drawn."""
LATEST_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault, whom it strikes and when."""

    number: int
    fault: str
    who: str = COORDINATOR
    after: int = 0
    """New lines of the run's history before a fault strikes that strikes running programs."""
    delay: float = 0.0
    """Seconds from that line to the fault."""
    file: str = ""
    """Of a rot: the file, from the home on."""
    at: float = 0.0
    """Of a flipped bit: where, as a share of the file."""

    @property
    def rots(self) -> bool:
        """Whether a file is damaged before the programs start."""
        return self.fault.startswith("rot ")

    def words(self) -> str:
        """Say what is done."""
        if self.rots:
            return f"{self.fault}: {self.who}/{self.file}"
        return f"{self.fault} at {self.who}, {self.delay:.2f} s after line {self.after}"


def flipped(content: bytes, at: float) -> bytes:
    """Return `content` with one bit changed, at a share of its length."""
    byte, bit = divmod(int(at * 8 * len(content)), 8)
    return content[:byte] + bytes([content[byte] ^ (1 << bit)]) + content[byte + 1 :]


def draw(seed: int, number: int, homes: Path, sites: Sequence[str], lines: int) -> Case:
    """Return the case of a seed and number; `lines`: new ones of the history without a fault."""
    drawn = random.Random(f"{seed}/{number}")
    (fault,) = drawn.choices([*WEIGHTS], [*WEIGHTS.values()])
    who = drawn.choice([COORDINATOR, drawn.choice(sites)])
    if fault in ("kill SuperLink", "kill server start"):
        who = COORDINATOR
    elif fault.startswith("kill ") or fault == FROZEN:
        who = drawn.choice(sites)
    if not fault.startswith("rot "):
        moment = drawn.uniform(0, LATEST_SECONDS)
        return Case(number=number, fault=fault, who=who, after=drawn.randrange(lines), delay=moment)
    file = drawn.choice(drawn.choice(alike(state_files(homes / who))))
    return Case(number=number, fault=fault, who=who, file=file, at=drawn.random())


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


def damage(case: Case, home: Path) -> None:
    """Damage the file of a rot."""
    path, how = home / case.file, case.fault.removeprefix("rot ")
    if how == MISSING:
        path.unlink()
        return
    path.write_bytes(ROTS[how](path.read_bytes(), case.at))
