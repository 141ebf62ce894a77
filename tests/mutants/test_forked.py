"""A room of three functions and their tests, with faults put in as mutmut puts them."""

from pathlib import Path

import pytest

from tests.mutants.forked import NO_TEST, PASSED, Plan, verdicts
from tests.mutants.processes import TOO_SLOW

CODE = """
from mutmut.mutation.trampoline import wrap_in_trampoline

def orig(n):
    return n + 1

def less(n):
    return n - 1

def same(n):
    return 1 + n

def endless(n):
    while True:
        n += 1

FAULTS = {{"x_{0}__mutmut_1": less, "x_{0}__mutmut_2": same, "x_{0}__mutmut_3": endless}}

orig.__name__ = "x_{0}__mutmut_orig"
{0} = wrap_in_trampoline(FAULTS | {{"_mutmut_orig": orig}})(orig)
"""
TESTS = """
import subprocess
import sys

import pytest

from tiny.near import near
from tiny.far import far

@pytest.fixture(scope="module")
def two():
    return far(1)

def test_first_of_two(two):
    assert isinstance(two, int)

def test_second_of_two(two):
    assert two == 2

def test_near():
    assert near(1) == 2
"""


def room(tmp_path: Path, tests: str = TESTS) -> Path:
    """Give a folder with the modules near, far and unused, and their tests."""
    (tmp_path / "tiny").mkdir()
    for name in ("near", "far", "unused"):
        (tmp_path / "tiny" / f"{name}.py").write_text(CODE.format(name))
    (tmp_path / "tests" / "tiny").mkdir(parents=True)
    (tmp_path / "tests" / "tiny" / "test_near.py").write_text(tests)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    return tmp_path


def tried(folder: Path, *faults: str, constant: float = 30.0, state: str = "") -> dict[str, int]:
    """Run the faults, given as near_1 for the first fault of the function near."""
    names = {f: f.partition("_") for f in faults}
    where = {f"tiny.{f}.x_{f}__mutmut_{n}": f"tiny/{f}.py" for f, _, n in names.values()}
    plan = Plan(["tests"], where, state=state, constant=constant)
    found = {name.split(".")[1] + "_" + name[-1]: code for name, code in verdicts(folder, plan)}
    assert sorted(found) == sorted(faults)
    return found


def test_a_fault_that_a_test_sees_is_noticed_and_one_that_changes_nothing_is_not(
    tmp_path: Path,
) -> None:
    found = tried(room(tmp_path), "near_1", "near_2", "unused_1")
    assert found == {"near_1": 1, "near_2": PASSED, "unused_1": NO_TEST}


def test_what_a_shared_fixture_reaches_is_tried_by_every_test_that_uses_it(tmp_path: Path) -> None:
    assert tried(room(tmp_path), "far_1") == {"far_1": 1}


def test_a_fault_that_never_ends_is_stopped_and_the_others_are_tried(tmp_path: Path) -> None:
    found = tried(room(tmp_path), "near_3", "near_1", constant=2.0)
    assert found == {"near_3": TOO_SLOW, "near_1": 1}


def test_a_test_that_fails_without_a_fault_ends_the_run_with_its_name(tmp_path: Path) -> None:
    folder = room(tmp_path, TESTS.replace("near(1) == 2", "near(1) == 3"))
    with pytest.raises(SystemExit, match=r"this fails: tests/tiny/test_near\.py::test_near\n"):
        tried(folder, "near_1")


def test_tests_that_cannot_be_collected_end_the_run_with_their_name(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"this fails: tests/tiny/test_near\.py\n"):
        tried(room(tmp_path, "import nothing_of_this_name"), "near_1")


def test_a_folder_without_tests_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="could not be run"):
        tried(room(tmp_path, ""), "near_1")


def test_a_program_that_a_test_starts_has_the_fault_too(tmp_path: Path) -> None:
    started = '[sys.executable, "-c", "from tiny.near import near; assert near(1) == 2"]'
    program = f"\ndef test_program():\n    near(1)\n    subprocess.run({started}, check=True)\n"
    tests = TESTS.replace("assert near(1) == 2", "near(1)") + program
    assert tried(room(tmp_path, tests), "near_1", "near_2") == {"near_1": 1, "near_2": PASSED}


def test_the_run_without_a_fault_is_repeated_when_the_state_changes(tmp_path: Path) -> None:
    count = tmp_path / "count"
    counting = (
        f"\ndef test_count():\n    with open({str(count)!r}, 'a') as f:\n        f.write('.')\n"
    )
    folder = room(tmp_path, TESTS + counting)
    for state, runs in (("a", 1), ("a", 1), ("b", 2)):
        tried(folder, "near_1", state=state)
        assert count.read_text() == "." * runs
