"""Each promise of security.md names the tests that attack it, and these tests exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "docs/security.md").read_text(encoding="utf-8")
HEADS = {
    "| promise | how | attacked in |": 28,
    "| attack | what happens | test |": 30,
}
"""The tables whose last column names tests, and the fewest rows of all tables of that head."""


def rows(head: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables with this head."""
    for table in SECURITY.split(head + "\n")[1:]:
        for line in table.split("\n")[1:]:
            if not line.startswith("| "):
                break
            yield line.strip("| ").split(" | ")


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Names of all test files, whole and by their last part, and of all tests in them."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found |= {path.name, path.relative_to(ROOT).as_posix(), *functions_of(path)}
    return found


@pytest.mark.parametrize("head", HEADS)
def test_each_promise_names_tests_that_exist(head: str, known: set[str]) -> None:
    found = list(rows(head))
    assert len(found) >= HEADS[head]
    for promise, _, tests in found:
        named = re.findall(r"`([^`]+)`", tests)
        assert named, f"no test is named for: {promise}"
        assert set(named) <= known, promise


@pytest.mark.parametrize("room", ["client", "common", "server"])
def test_no_module_reads_or_writes_pickle(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not names & {"pickle", "cloudpickle", "dill", "joblib", "shelve"}, path.name
        loads = [
            n
            for n in ast.walk(tree)
            if isinstance(n, ast.Call)
            and ast.unparse(n.func) in ("np.load", "numpy.load", "torch.load")
        ]
        assert all(
            ("allow_pickle", "False") in words or ("weights_only", "True") in words
            for words in ([(k.arg, ast.unparse(k.value)) for k in n.keywords] for n in loads)
        ), path.name
