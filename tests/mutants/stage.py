"""The tree that mutmut writes a room's faults into, and what became of each fault."""

import hashlib
import json
import os
import shutil
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "mutants"
HERE = Path(__file__).parent
SIDES = ("client", "common", "server", "deploy")
BESIDE = ("docs", "benchmarks", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "requirements.lock")


@cache
def rooms() -> dict[str, Any]:
    """Give the rooms of rooms.toml."""
    return tomllib.loads((HERE / "rooms.toml").read_text())


def sources(code: str, under: Path, suffix: str = ".py") -> list[Path]:
    """Give the files of a room, which is a folder or a module, below `under`."""
    if code.endswith(".py"):
        return [under / code.replace(".py", suffix)]
    return sorted((under / code).rglob(f"*{suffix}"))


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
    code = rooms()[room]["code"]
    settings = {
        "source_paths": ["hepafed"],
        "only_mutate": [f"hepafed/{code if code.endswith('.py') else code + '/*'}"],
        "also_copy": list(BESIDE),
        "track_dependencies": False,
        "use_git_change_detection": False,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(["", "[tool.mutmut]", *lines, ""])


def digest(*folders: Path) -> str:
    """Give one number for what the folders' files hold."""
    files = sorted(p for folder in folders for p in folder.rglob("*") if p.is_file())
    made = (p for p in files if "__pycache__" not in p.parts and p.parent.name != "mutants")
    parts = (f"{p}\n".encode() + hashlib.sha256(p.read_bytes()).digest() for p in made)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def tests_changed(stage: Path) -> bool:
    """Say whether a test differs from the last run; then the unnoticed faults are run anew."""
    now = digest(stage / "tests")
    mark = stage / "tests.sha256"
    if mark.exists() and mark.read_text() == now:
        return False
    mark.write_text(now)
    return True


def record(codes: dict[str, int | None], file: str) -> None:
    """Keep what became of faults of one file, whole or not at all."""
    path = Path("mutants", "hepafed", f"{file}.meta")
    kept = json.loads(path.read_text())
    kept["exit_code_by_key"] |= codes
    new = path.with_suffix(".new")
    new.write_text(json.dumps(kept, indent=4))
    new.replace(path)


def forget(room: str, codes: set[int]) -> None:
    """Make the room's faults of these codes as if they had not been run."""
    code = rooms()[room]["code"]
    for meta in sources(code, Path("mutants/hepafed"), ".py.meta"):
        kept = json.loads(meta.read_text())["exit_code_by_key"]
        old: dict[str, int | None] = {name: None for name, was in kept.items() if was in codes}
        if old:
            record(old, str(meta.relative_to("mutants/hepafed").with_suffix("")))


def generate() -> None:
    """Let mutmut write the faults of the folder we stand in; those of unchanged files stay."""
    from mutmut.__main__ import create_mutants
    from mutmut.mutation.trampoline import set_mutant_under_test
    from mutmut.utils.file_utils import (
        copy_also_copy_files,
        copy_src_dir,
        setup_source_paths,
    )

    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    source, target = Path("hepafed"), Path("mutants/hepafed")
    for old in [p for p in target.rglob("*") if p.is_file() and "__pycache__" not in p.parts]:
        module = old.with_suffix("") if old.suffix in (".meta", ".spans") else old
        if not (source / module.relative_to(target)).exists() or module.suffix != ".py":
            old.unlink()  # mutmut copies what is not there, and deletes nothing
    copy_src_dir()
    setup_source_paths()
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - it prints every file's name
        out, sys.stdout = sys.stdout, nowhere
        try:
            copy_also_copy_files()
            create_mutants(2)
        finally:
            sys.stdout = out
