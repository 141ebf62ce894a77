"""The floor plan: what a stranger may rely on when looking for something by folder names alone.

The layers of the rooms are import-linter's part (pyproject.toml, `make lint`).
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
SIDES = ("client", "common", "server")
HOUSES = (*SIDES, "deploy")
NOT_ROOMS = {"chaos", "integration", "contracts", "docs", "fixtures", "mutants"}
"""Folders of tests that belong to no single room."""
MOST_FILES = 12
MOST_LINES = 300
MEDIAN_LINES = 120
REASON = "Longer than 300 lines because"
"""What the docstring of a longer file says, and why."""
FLOWER_PUBLIC = ("flwr.app", "flwr.clientapp", "flwr.serverapp")
BELOW_FLOWER = ("client/worker", "server/flower")


def code(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.glob("*.py")) if p.name != "__init__.py"]


def rooms() -> list[Path]:
    """Give every folder that holds code, relative to the checkout."""
    inits = chain.from_iterable((ROOT / side).rglob("__init__.py") for side in HOUSES)
    return sorted(p.parent.relative_to(ROOT) for p in inits if code(p.parent))


def product() -> list[Path]:
    return [p for room in rooms() for p in code(ROOT / room) if room.parts[0] in SIDES]


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Give (module, name) of every import of ours or of Flower's in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


@pytest.mark.parametrize("room", rooms(), ids=str)
def test_a_folder_holds_at_most_twelve_files_of_code(room: Path) -> None:
    assert len(code(ROOT / room)) <= MOST_FILES


@pytest.mark.parametrize("room", rooms(), ids=str)
def test_a_room_begins_with_one_sentence_and_its_public_names(room: Path) -> None:
    tree = ast.parse((ROOT / room / "__init__.py").read_text())
    sentence = ast.get_docstring(tree) or ""
    assert sentence.endswith(".")
    assert "\n\n" not in sentence
    only = (ast.Expr, ast.ImportFrom, ast.Assign)
    late = (ast.If, ast.FunctionDef) if "LATE = " in ast.unparse(tree) else ()
    assert all(isinstance(node, (*only, *late)) for node in tree.body)


def test_no_file_is_long_without_a_reason_and_most_are_short() -> None:
    lengths = {p.relative_to(ROOT): len(p.read_text().splitlines()) for p in product()}
    long = [p for p, n in lengths.items() if n > MOST_LINES]
    assert [str(p) for p in long if REASON not in (ROOT / p).read_text()] == []
    assert median(lengths.values()) <= MEDIAN_LINES


def test_outsiders_import_a_room_s_names_from_the_room() -> None:
    inside = {
        ".".join(("hepafed", *r.parts)) for r in rooms() if r.parts[0] in SIDES and r.parts[1:]
    }
    reached = []
    for path in chain(product(), code(ROOT / "benchmarks"), code(ROOT / "docs")):
        own = ".".join(("hepafed", *path.parent.relative_to(ROOT).parts))
        for module, name in imports(path):
            holder, _, leaf = module.rpartition(".")
            within = f"{own}.".startswith(
                f"{holder}."
            )  # a room inside may use its own room's files
            if (holder in inside and not within and module not in inside) or (
                module in inside
                and module != own
                and (ROOT / Path(*module.split(".")[1:]) / f"{name}.py").exists()
                and name not in names_of(module)
            ):
                reached.append(f"{path.relative_to(ROOT)}: {module}.{name} ({leaf})")
    assert not reached


def names_of(room: str) -> set[str]:
    """Give what a room's `__init__` lists as public."""
    init = ROOT / Path(*room.split(".")[1:]) / "__init__.py"
    for node in ast.parse(init.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_flower_below_its_public_api_stands_in_one_room_a_side() -> None:
    below = {
        str(path.parent.relative_to(ROOT))
        for path in product()
        for module, _ in imports(path)
        if module.startswith("flwr") and not module.startswith(FLOWER_PUBLIC)
    }
    assert below == set(BELOW_FLOWER)


def test_a_class_name_stands_for_one_thing() -> None:
    defined: dict[str, list[str]] = {}
    for path in product():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found = defined.setdefault(node.name.lstrip("_"), [])
                found.append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in defined.items() if len(where) > 1} == {}


def test_no_sentence_is_cut_off_by_a_line_that_stands_alone() -> None:
    cut = []
    for path in product():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.If, ast.For)):
                continue
            for before, after in pairwise(node.body):
                words = isinstance(after, ast.Expr) and isinstance(
                    after.value, (ast.Constant, ast.JoinedStr)
                )
                if words and not ast.unparse(before).startswith("self."):  # else it documents
                    cut.append(f"{path.relative_to(ROOT)}:{after.lineno}")
    assert cut == []


def test_every_room_has_its_tests_and_every_folder_of_tests_a_room() -> None:
    tested = {p.parent.relative_to(ROOT / "tests") for p in (ROOT / "tests").rglob("test_*.py")}
    folders = {t for t in tested if t.parts and t.parts[0] not in NOT_ROOMS}
    assert folders <= set(rooms())
    untested = [str(r) for r in rooms() if r not in folders and len(r.parts) > 1]
    assert untested == []


def test_a_test_file_is_named_after_a_module_of_its_room() -> None:
    lost = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        place = path.parent.relative_to(ROOT / "tests")
        if not place.parts or place.parts[0] in NOT_ROOMS:
            continue
        known = [p.stem for p in code(ROOT / place)] + [p.stem for p in (ROOT / place).glob("*/")]
        stem = path.stem.removeprefix("test_")
        if not any(stem == k or stem.startswith(f"{k}_") for k in [*known, place.name]):
            lost.append(str(path.relative_to(ROOT)))
    assert lost == []


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("hepafed.server.start", "torch monai timm"),
        ("hepafed.client.release", "torch pydicom nibabel flwr"),
        ("hepafed.client.ingest", "torch flwr httpx nibabel pydicom"),
        ("hepafed.client.scan", "numpy pydicom nibabel torch flwr httpx"),
        ("hepafed.common.statistics", "torch flwr httpx"),
        ("hepafed.server.report", "torch flwr starlette"),
        ("hepafed.client.cli.main", "numpy torch flwr httpx pydicom"),
        ("hepafed.server.cli.main", "numpy torch flwr httpx"),
    ],
)
def test_what_a_room_must_not_load_is_not_loaded(module: str, never: str) -> None:
    found = f"' '.join(set('{never}'.split()) & set(sys.modules))"
    command = [sys.executable, "-c", f"import sys, {module}; print({found})"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == []


def reaches_inside(path: Path) -> Iterator[str]:
    """Give where a test uses a private name of the product, or puts another value in its place."""
    for node in ast.walk(ast.parse(path.read_text())):
        named = node.attr if isinstance(node, ast.Attribute) else ""
        own = isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "cls")
        if named.startswith("_") and not named.startswith("__") and not own:
            yield f"{path.relative_to(ROOT)}:{node.lineno} {named}"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hepafed"):
            hidden = [alias.name for alias in node.names if alias.name.startswith("_")]
            yield from (f"{path.relative_to(ROOT)}:{node.lineno} {name}" for name in hidden)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "monkeypatch.setattr",
            "patch",
            "patch.object",
        ):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)[:60]}"


STOOD_IN_FOR = {
    "tests/client/conftest.py": "a task of Flower's",
    "tests/client/small_network.py": "the network of 54 million weights",
    "tests/client/test_pseudonyms.py": "the moment in which four processes find no key",
    "tests/integration/test_membership.py": "the machine's clock",
    "tests/server/conftest.py": "a task of Flower's, and the minutes of a step",
    "tests/server/coordinator/test_coordinator.py": "a full disk, calls that Flower loses",
    "tests/server/pooling/test_subgroups.py": "a rule that gives a patient away",
    "tests/server/training/test_rounds_keeping.py": "a full disk",
    "tests/server/validation/test_comparison_refused.py": "the answers of a hostile site",
}
"""What a test cannot have as an argument, and so puts something else in the place of."""


def test_tests_ask_by_public_names_and_pass_times_and_limits_as_arguments() -> None:
    files = [p for p in sorted((ROOT / "tests").rglob("*.py")) if "mutants" not in p.parts]
    found = [line for path in files for line in reaches_inside(path)]
    assert [line for line in found if line.split(":")[0] not in STOOD_IN_FOR] == []
