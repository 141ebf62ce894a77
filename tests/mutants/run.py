"""Put small faults into a room, one at a time, and count those that its tests notice.

mutmut makes the faults and runs the tests; this script lays out the tree that mutmut works on,
draws the faults by a seed, leaves out what is judged equivalent, and says what went unnoticed.

    python tests/mutants/run.py release --sample 100 --seed 1
    python tests/mutants/run.py --sample 600 --seed 1           # drawn over all rooms
    python tests/mutants/run.py release --list                  # the last answer once more
    python tests/mutants/run.py by-hand                         # the faults of by_hand.toml

What was run once is not run again: after a change only the faults of the changed functions are, and
the unnoticed ones when a test has changed. It may be interrupted at any time.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "mutants"
HERE = Path(__file__).parent
SIDES = ("client", "common", "server", "deploy")
BESIDE = ("docs", "benchmarks", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "requirements.lock")
FLOOR = 0.85
BY_HAND = "by-hand"
PYTEST = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", "-x", "-q")
UNNOTICED = {0, 5, 33}
"""mutmut's codes: the tests passed, no test was found, no test runs the function."""
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


@cache
def rooms() -> dict[str, Any]:
    return tomllib.loads((HERE / "rooms.toml").read_text())


def mirror(source: Path, target: Path) -> None:
    """Make a folder like another, touching only what differs."""
    wanted = {p.relative_to(source) for p in source.rglob("*") if "__pycache__" not in p.parts}
    for old in sorted(target.rglob("*"), reverse=True):
        if old.relative_to(target) not in wanted:
            old.rmdir() if old.is_dir() else old.unlink()
    for path in sorted(wanted):
        new, old = target / path, source / path
        if old.is_dir():
            new.mkdir(parents=True, exist_ok=True)
        elif not new.exists() or new.stat().st_mtime_ns != old.stat().st_mtime_ns:
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(old, new)


def lay_out(room: str) -> Path:
    """Give the folder that mutmut works in: the rooms under the name they are imported by."""
    stage = BUILD / room
    for side in SIDES:
        mirror(ROOT / side, stage / "hepafed" / side)
    shutil.rmtree(stage / "mutants" / "tests", ignore_errors=True)  # mutmut copies, never deletes
    mirror(ROOT / "tests", stage / "tests")
    for name in BESIDE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, stage / name, **({"dirs_exist_ok": True} if "." not in name else {}))
    shared = ROOT.parent / "shared"
    if shared.exists() and not (stage / "shared").is_symlink():
        (stage / "shared").symlink_to(shared)
    house = (ROOT / "pyproject.toml").read_text() + (settings_of(room) if room in rooms() else "")
    if not (stage / "pyproject.toml").exists() or (stage / "pyproject.toml").read_text() != house:
        (stage / "pyproject.toml").write_text(house)
    return stage


def settings_of(room: str) -> str:
    """Give mutmut's settings for a room."""
    settings = {
        "source_paths": ["hepafed"],
        "only_mutate": [f"hepafed/{rooms()[room]['code']}/*"],
        "also_copy": list(BESIDE),
        "pytest_add_cli_args": list(PYTEST),
        "pytest_add_cli_args_test_selection": rooms()[room]["tests"],
        "track_dependencies": False,
        "use_git_change_detection": False,
        "timeout_constant": 10.0,
        "process_isolation": "forkserver",  # tests that import their neighbours load once a process
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(["", "[tool.mutmut]", *lines, ""])


def tests_changed(stage: Path) -> bool:
    """Say whether a test differs from the last run; then which test runs what is learned anew."""
    files = sorted(p for p in (stage / "tests").rglob("*.py") if p.parent.name != "mutants")
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()
    mark = stage / "tests.sha256"
    if mark.exists() and mark.read_text() == digest:
        return False
    (stage / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    mark.write_text(digest)
    return True


def generate() -> None:
    """Let mutmut write the faults of the folder we stand in; those of unchanged files stay."""
    from mutmut.__main__ import create_mutants
    from mutmut.mutation.trampoline import set_mutant_under_test
    from mutmut.utils.file_utils import copy_src_dir, setup_source_paths

    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    setup_source_paths()
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - it prints every file's name
        out, sys.stdout = sys.stdout, nowhere
        try:
            create_mutants(2)
        finally:
            sys.stdout = out


def mutants(room: str) -> Iterator[Mutant]:
    """Give all faults of the room in the folder we stand in."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    for meta in sorted(Path("mutants/hepafed", rooms()[room]["code"]).rglob("*.meta")):
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
    changed = tests_changed(stage)
    os.chdir(stage)
    generate()
    drawn = draw(room, options)
    again = {None, *UNNOTICED} if changed or options.again else {None}
    waiting = [m.name for m in drawn if m.code in again and not m.equivalent]
    if waiting and not options.list:
        environment = os.environ | {"PYTHONPATH": str(stage / "mutants"), "OMP_NUM_THREADS": "1"}
        command = [str(Path(sys.executable).with_name("mutmut")), "run"]
        subprocess.run(
            [*command, "--max-children", str(options.jobs), *waiting],
            env=environment,
            check=True,
            stdout=None if options.verbose else (stage / "run.log").open("w"),
        )
    tell(room, draw(room, options))


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
    figures = {"room": room, "drawn": len(drawn), "equivalent": len(judged), "run": len(rest)}
    print(
        json.dumps(figures | {"noticed": noticed, "share": round(noticed / max(len(rest), 1), 3)})
    )


def spread(options: argparse.Namespace) -> None:
    """Draw the sample over all rooms, by their lines of code, and run room after room."""
    lines = {
        room: sum(len(p.read_text().splitlines()) for p in (ROOT / entry["code"]).rglob("*.py"))
        for room, entry in rooms().items()
    }
    total, missed, below = [0, 0], [], []
    for room, entry in rooms().items():
        share = -(-options.sample * lines[room] // sum(lines.values()))  # rounded up
        words = [room, "--sample", str(share), "--seed", str(options.seed)]
        words += ["--jobs", str(options.jobs), *(["--again"] if options.again else [])]
        done = subprocess.run(
            [sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True, check=True
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
                [sys.executable, "-m", "pytest", *PYTEST, *tests],
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
    parser.add_argument("--verbose", action="store_true", help="show what mutmut prints")
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
