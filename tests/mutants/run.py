"""Put small faults into a room, one at a time, and count those that its tests notice.

mutmut makes the faults (`stage.py` lays out the tree that it works on), `forked.py` runs the tests.
This script draws the faults by a seed, leaves out what is judged equivalent, and says what went
unnoticed.

    python -m tests.mutants.run release --sample 100 --seed 1
    python -m tests.mutants.run --sample 600 --seed 1           # drawn over all rooms
    python -m tests.mutants.run release --list                  # the last answer once more
    python -m tests.mutants.run by-hand                         # the faults of by_hand.toml

What was run once is not run again: after a change only the faults of the changed functions are, and
the unnoticed ones when a test has changed. It may be interrupted at any time.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from tests.mutants.forked import ARGUMENTS, NO_TEST, PASSED, Plan, verdicts
from tests.mutants.processes import TOO_SLOW
from tests.mutants.stage import (
    HERE,
    ROOT,
    digest,
    forget,
    generate,
    lay_out,
    record,
    rooms,
    sources,
    tests_changed,
)

FLOOR = 0.85
BY_HAND = "by-hand"
UNNOTICED = {PASSED, 5, NO_TEST}
"""5 is what mutmut's own run writes where it finds no test."""
SENTENCE = re.compile(r'"([^"]*)"')


@dataclass(frozen=True)
class Mutant:
    """One fault: mutmut's name, the file, the lines it changes and what came of it."""

    name: str
    file: str
    was: str
    now: str
    code: int | None

    @property
    def equivalent(self) -> bool:
        """Whether the list of equivalent faults holds it."""
        return any(
            fault["file"] == self.file and fault["was"] == self.was and fault["now"] == self.now
            for fault in listed("fault")
        ) or any(
            re.search(kind["was"], self.was) and re.search(kind["now"], self.now)
            for kind in listed("kind")
        )

    @property
    def words(self) -> bool:
        """Whether only a sentence differs that a person reads: how it is worded is no rule."""
        pairs = zip(SENTENCE.findall(self.was), SENTENCE.findall(self.now), strict=False)
        changed = [old for old, new in pairs if old != new]
        return bool(changed) and all(" " in old for old in changed)


@cache
def listed(what: str) -> list[dict[str, Any]]:
    """Give the faults or kinds of faults that are judged equivalent."""
    files = sorted((HERE / "equivalent").glob("*.toml"))
    return [entry for file in files for entry in tomllib.loads(file.read_text()).get(what, [])]


def mutants(room: str) -> Iterator[Mutant]:
    """Give all faults of the room in the folder we stand in."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    for meta in sources(rooms()[room]["code"], Path("mutants/hepafed"), ".py.meta"):
        path = meta.relative_to("mutants").with_suffix("")
        for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            lines = get_diff_for_mutant(name, path=path).splitlines()[2:]
            was, now = (
                " ".join(line[1:].strip() for line in lines if line.startswith(sign))
                for sign in "-+"
            )
            yield Mutant(name, str(path.relative_to("hepafed")), was, now, code)


def draw(room: str, options: argparse.Namespace) -> list[Mutant]:
    """Choose among the faults by the seed, the same ones whatever became of them."""
    found = [m for m in mutants(room) if fnmatch(m.name, f"*{options.only}*") and not m.words]
    found.sort(key=lambda m: hashlib.sha256(f"{options.seed} {m.name}".encode()).digest())
    return found[: options.sample]


def work(room: str, options: argparse.Namespace) -> None:
    """Run the faults drawn from one room and say what went unnoticed."""
    stage = lay_out(room)
    os.chdir(stage)
    generate()
    if not options.list and tests_changed(stage):
        forget(room, UNNOTICED)
    drawn = draw(room, options)
    again = {None, *UNNOTICED} if options.again else {None}
    waiting = {m.name: m.file for m in drawn if m.code in again and not m.equivalent}
    codes = {m.name: m.code for m in drawn}
    if waiting and not options.list:
        folder = stage / "mutants"
        state = digest(stage / "tests", stage / "hepafed")
        plan = Plan(rooms()[room]["tests"], waiting, options.jobs, state)
        for name, code in verdicts(folder, plan, verbose=options.verbose):
            record({name: code}, waiting[name])
            codes[name] = code
    tell(room, [replace(m, code=codes[m.name]) for m in drawn])


def tell(room: str, drawn: list[Mutant]) -> None:
    """Print the unnoticed faults, then one line with the figures."""
    judged = [m for m in drawn if m.equivalent]
    rest = [m for m in drawn if not m.equivalent and m.code is not None]
    unnoticed = [m for m in rest if m.code in UNNOTICED]
    for mutant in sorted(unnoticed, key=lambda m: m.name):
        why = "" if mutant.code == 0 else "   (no test runs it)"
        print(f"{mutant.name.removeprefix('hepafed.')}{why}")
        print(f"    - {mutant.was}\n    + {mutant.now}")
    noticed = len(rest) - len(unnoticed)
    slow = sum(m.code == TOO_SLOW for m in rest)
    figures = {"room": room, "drawn": len(drawn), "equivalent": len(judged), "run": len(rest)}
    figures |= {"too slow": slow} if slow else {}
    print(
        json.dumps(figures | {"noticed": noticed, "share": round(noticed / max(len(rest), 1), 3)})
    )


def spread(options: argparse.Namespace) -> None:
    """Draw the sample over all rooms, by their lines of code, and run room after room."""
    lines = {
        room: sum(len(p.read_text().splitlines()) for p in sources(entry["code"], ROOT))
        for room, entry in rooms().items()
    }
    total, missed, below = [0, 0], [], []
    for room, entry in rooms().items():
        share = -(-options.sample * lines[room] // sum(lines.values()))  # rounded up
        words = [room, "--sample", str(share), "--seed", str(options.seed)]
        words += ["--jobs", str(options.jobs), *(["--again"] if options.again else [])]
        done = subprocess.run(
            [sys.executable, "-m", "tests.mutants.run", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        *unnoticed, last = done.stdout.splitlines()
        print(done.stdout, end="", flush=True)
        figures = json.loads(last)
        missed += unnoticed
        total = [total[0] + figures["noticed"], total[1] + figures["run"]]
        if figures["share"] < entry.get("floor", FLOOR):
            below.append(room)
    print(f"noticed {total[0]} of {total[1]} faults ({total[0] / max(total[1], 1):.1%})")
    if below:
        print(f"below their floor: {', '.join(below)}")
        raise SystemExit(1)


def by_hand(options: argparse.Namespace) -> None:
    """Put in the faults of by_hand.toml one by one; run the tests of the room of each."""
    stage = lay_out(BY_HAND)
    unnoticed = []
    faults = tomllib.loads((HERE / "by_hand.toml").read_text())["fault"]
    faults = [f for f in faults if options.only in f["file"]]
    for fault in faults:
        path = stage / "hepafed" / fault["file"]
        text = path.read_text()
        if text.count(fault["was"]) != 1:
            raise SystemExit(f"{fault['file']} has changed: write anew {fault['rule']!r}")
        path.write_text(text.replace(fault["was"], fault["now"]))
        try:
            tests = next(
                r["tests"] for r in rooms().values() if fault["file"].startswith(r["code"])
            )
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *ARGUMENTS, "-x", *tests],
                cwd=stage,
                env=os.environ | {"PYTHONPATH": str(stage), "OMP_NUM_THREADS": "1"},
                stdout=subprocess.DEVNULL,
            )
        finally:
            path.write_text(text)
        print(f"{'noticed  ' if done.returncode == 1 else 'UNNOTICED'} {fault['rule']}", flush=True)
        unnoticed += [] if done.returncode == 1 else [fault["rule"]]
    print(f"noticed {len(faults) - len(unnoticed)} of {len(faults)} faults put in by hand")
    if unnoticed:
        raise SystemExit(1)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [*rooms(), BY_HAND]
    parser.add_argument("room", nargs="?", choices=known, help="without one: all rooms")
    parser.add_argument("--sample", type=int, help="so many faults; without it all of them")
    parser.add_argument("--seed", type=int, default=1, help="which ones (%(default)s)")
    parser.add_argument("--only", default="", help="only faults whose name holds this")
    parser.add_argument("--again", action="store_true", help="run the unnoticed ones once more")
    parser.add_argument("--list", action="store_true", help="run nothing, print the last answer")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="show what pytest prints")
    options = parser.parse_args()
    if options.room == BY_HAND:
        by_hand(options)
    elif options.room:
        work(options.room, options)
    else:
        options.sample = options.sample or 600
        spread(options)


if __name__ == "__main__":
    main()
