"""Run the tests of a room with one fault after another, each in a process forked after collection.

pytest collects the tests once. Then forked processes run them without a fault: they learn which
test reaches which function (mutmut's trampoline tells) and how long it takes; a test that fails
here ends everything with its name. Then each fault gets a forked process. It runs only the tests
that reach the changed function, those of the function's own test module first, and stops at the
first failure.

A fault counts as noticed by its process' exit code; the codes are mutmut's. What is computed while
the tests are collected (a parameter, a constant) is computed without the fault.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn, TextIO

import pytest
from mutmut.mutation import trampoline

from tests.mutants.processes import BROKEN, Task, forked

ROOT = Path(__file__).resolve().parents[2]
PASSED, FAILED, NO_TEST = 0, 1, 33
PLAN, REACHED, LOG = "plan.json", "reached.json", "run.log"
ARGUMENTS = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", "-q")


@dataclass(frozen=True)
class Plan:
    """What to run, read and written as JSON in the folder of the mutated rooms."""

    tests: list[str]
    """Files or folders of tests."""
    faults: dict[str, str]
    """Name of each fault, and the file of code that it changes: `client/release/forms.py`."""
    jobs: int = 2
    """Processes at a time."""
    state: str = ""
    """Digest of code and tests: while it stays, the run without a fault is not repeated."""
    factor: float = 10.0
    constant: float = 30.0
    """A fault may take factor × its tests' time without a fault + so many seconds."""


@dataclass
class Reach:
    """What the tests reach without a fault: their functions and seconds, by the test's name."""

    functions: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def add(self, other: "Reach") -> None:
        """Take in what another process found."""
        self.functions |= other.functions
        self.seconds |= other.seconds
        self.failed += other.failed


def verdicts(folder: Path, plan: Plan, *, verbose: bool = False) -> Iterator[tuple[str, int]]:
    """Give each fault's name and exit code as soon as it is known; leave when a clean test fails.

    `folder` has the mutated rooms under the name they are imported by, and the tests.
    """
    (folder / PLAN).write_text(json.dumps(asdict(plan)))
    environment = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.mutants.forked", *(["--verbose"] if verbose else [])]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                answer = json.loads(line)
                if "error" in answer:
                    raise SystemExit(f"error: {answer['error']}\nhint: read {folder / LOG}")
                yield answer["fault"], answer["code"]
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise SystemExit(f"error: the tests could not be run\nhint: read {folder / LOG}")


class Room:
    """The pytest plugin that runs a room's tests: without a fault, then with each one."""

    def __init__(self, plan: Plan, answers: TextIO) -> None:
        self.plan = plan
        self.answers = answers
        self.fault = ""
        self.clean = Reach()
        self.hits: set[str] = set()
        self.made: dict[tuple[str, str], set[str]] = {}
        """Functions that a fixture of a module or session reaches, by its place and name."""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what cannot be collected."""
        if report.failed:
            self.clean.failed.append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failed test; with a fault it ends the process."""
        if report.failed and self.fault:
            print(f"\n{self.fault}: noticed by {report.nodeid}", file=sys.__stderr__, flush=True)
            os._exit(FAILED)
        if report.failed:
            print(f"\n{report.nodeid}\n{report.longreprtext}", file=sys.__stderr__, flush=True)
            self.clean.failed.append(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        """Note what a fixture reaches that several tests share: all of them reach it."""
        if fixturedef.scope == "function":
            return (yield)
        before, self.hits = self.hits, set()
        try:
            return (yield)
        finally:
            reached = self.made.setdefault((fixturedef.baseid, fixturedef.argname), set())
            reached |= self.hits
            self.hits |= before

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run everything; pytest's own loop is not used."""
        if not self.clean.failed:
            self.run_clean(session)
        if self.clean.failed:
            names = ", ".join(sorted(set(self.clean.failed)))
            self.answer(error=f"without any fault this fails: {names}")
            return True
        tasks = list(self.tasks(session))
        with closing(forked(tasks, self.plan.jobs)) as done:
            for task, code in done:
                if code == BROKEN:
                    self.answer(error=f"the run of {task.name} broke down")
                    return True
                self.answer(fault=task.name, code=code)
        return True

    def answer(self, **words: str | int) -> None:
        """Tell the process that asked."""
        print(json.dumps(words), file=self.answers, flush=True)

    def run_clean(self, session: pytest.Session) -> None:
        """Learn what each test reaches, or read it if neither code nor tests have changed."""
        names = [item.nodeid for item in session.items]
        if self.plan.state and Path(REACHED).exists():
            kept = json.loads(Path(REACHED).read_text())
            if kept["state"] == self.plan.state and list(kept["reach"]["seconds"]) == names:
                self.clean = Reach(**kept["reach"])
                return
        started = time.monotonic()
        size = -(-len(names) // self.plan.jobs) or 1
        parts = [session.items[at : at + size] for at in range(0, len(names), size)]
        with tempfile.TemporaryDirectory(prefix="reached-") as folder:
            files = [Path(folder, str(number)) for number in range(len(parts))]
            tasks = [
                Task(part[0].nodeid, partial(self.learn, part, file))
                for part, file in zip(parts, files, strict=True)
            ]
            with closing(forked(tasks, self.plan.jobs)) as done:
                broken = [f"{task.name} and those after it" for task, code in done if code]
            self.clean.failed += broken
            for file in files if not broken else ():
                self.clean.add(Reach(**json.loads(file.read_text())))
        print(f"{len(names)} tests without a fault: {time.monotonic() - started:.0f} s", flush=True)
        if not self.clean.failed:
            self.clean.seconds = {name: self.clean.seconds[name] for name in names}
            kept = {"state": self.plan.state, "reach": asdict(self.clean)}
            Path(REACHED).write_text(json.dumps(kept))

    def learn(self, items: list[pytest.Item], file: Path) -> int:
        """Run tests without a fault and write down what they reach (in a process of its own)."""
        self.answers.close()
        trampoline.record_trampoline_hit = lambda name, caller=None: self.hits.add(name)
        trampoline.set_mutant_under_test("stats")
        del os.environ["MUTANT_UNDER_TEST"]  # programs that a test starts do not record
        for item, following in pairwise([*items, None]):
            started = time.monotonic()
            self.hits.clear()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            shared = [
                names
                for (place, fixture), names in self.made.items()
                if fixture in getattr(item, "fixturenames", ()) and item.nodeid.startswith(place)
            ]
            self.clean.functions[item.nodeid] = sorted(self.hits.union(*shared))
            self.clean.seconds[item.nodeid] = time.monotonic() - started
        file.write_text(json.dumps(asdict(self.clean)))
        return PASSED

    def tasks(self, session: pytest.Session) -> Iterator[Task]:
        """Give a task for each fault."""
        reaching: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            for function in self.clean.functions[item.nodeid]:
                reaching.setdefault(function, []).append(item)
        for fault, file in self.plan.faults.items():
            items = self.order(reaching.get(fault.rpartition("__mutmut_")[0], []), file)
            seconds = sum(self.clean.seconds[item.nodeid] for item in items)
            limit = self.plan.factor * seconds + self.plan.constant
            yield Task(fault, partial(self.try_fault, fault, items), limit)

    def order(self, items: list[pytest.Item], file: str) -> list[pytest.Item]:
        """Put the tests of the code's own module first, then quick modules, then quick tests."""
        seconds: dict[Path, float] = {}
        for item in items:
            seconds[item.path] = seconds.get(item.path, 0) + self.clean.seconds[item.nodeid]

        def place(item: pytest.Item) -> tuple[bool, float, Path, float]:
            own = mirrors(item, file)
            return not own, seconds[item.path], item.path, self.clean.seconds[item.nodeid]

        return sorted(items, key=place)

    def try_fault(self, fault: str, items: list[pytest.Item]) -> int:
        """Run tests with a fault; the first that fails ends the process."""
        self.answers.close()
        if not items:
            return NO_TEST
        self.fault = fault
        trampoline.set_mutant_under_test(fault)
        try:
            for item, following in pairwise([*items, None]):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        except (KeyboardInterrupt, pytest.exit.Exception):
            return FAILED  # a test was not passed: the fault interrupted it
        return PASSED


def mirrors(item: pytest.Item, file: str) -> bool:
    """Say whether a test stands in the module of tests that is named after a file of code."""
    folder, _, module = file.removesuffix(".py").rpartition("/")
    return f"/tests/{folder}/test_{module}" in item.path.as_posix()


def main() -> NoReturn:
    """Run the plan of the folder that we stand in; answer on stdout, the rest goes to the log."""
    os.environ["PYTHONPATH"] = str(Path.cwd())  # what a test starts finds the room as we do
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plan = Plan(**json.loads(Path(PLAN).read_text()))
    answers = os.fdopen(os.dup(1), "w")
    new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    log = 2 if "--verbose" in sys.argv else os.open(LOG, new)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.exit(pytest.main([*ARGUMENTS, *plan.tests], plugins=[Room(plan, answers)]))


if __name__ == "__main__":
    main()
