"""The programs of a federation in copied homes: started, watched, started again, and struck."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from hepafed.deploy.demo.federation import Federation
from hepafed.server.runs import ENDED

from tests.chaos.cases import COORDINATOR
from tests.chaos.prepared import SITES, SMALL_NETWORK, Prepared, read_events

AGAIN_SECONDS = 1.0
END_SECONDS = 60.0
READY_SECONDS = 90.0
MOST_STARTS = 4
"""How often a program is started that ends, as a person or a unit does."""
CHILDREN = {
    "worker": "hepafed.client.worker.process",
    "SuperNode": "hepafed.client.worker.supernode",
    "SuperLink": "guarded_superlink",
}


@dataclass(frozen=True)
class Mark:
    """A moment: what was written until then."""

    logs: Mapping[Path, int]
    """Bytes of each log."""
    lines: int
    """Of the run's history."""
    done: int
    """Rounds that are done; one that was held again counts again."""


@dataclass
class Scene:
    """A coordinator and its sites in the homes of a folder."""

    prepared: Prepared
    folder: Path
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    """How often each program was started since it was last struck."""
    ends: dict[str, float] = field(default_factory=dict)
    """When a program that has ended was seen to."""

    def __post_init__(self) -> None:
        """Take the federation's commands for the copied homes."""
        self.fed = Federation(self.folder, self.prepared.address, SMALL_NETWORK)
        self.run = self.folder / COORDINATOR / "runs" / self.prepared.run

    def start(self, who: str) -> None:
        """Start the coordinator, or a site's client."""
        self.programs[who] = self.fed.start(who)
        self.starts[who] = self.starts.get(who, 0) + 1

    def start_all(self) -> None:
        """Start the coordinator, and the sites once it is ready or has ended."""
        self.start(COORDINATOR)
        console = self.folder / COORDINATOR / "console.log"
        until = time.monotonic() + READY_SECONDS
        while "ready:" not in console.read_text() and time.monotonic() < until:
            if self.programs[COORDINATOR].poll() is not None:
                break
            time.sleep(0.1)
        for site in SITES:
            self.start(site)

    def end(self, who: str) -> None:
        """End a program in order, and whatever is left of it."""
        program = self.programs[who]
        if program.poll() is None:
            program.terminate()
        with suppress(subprocess.TimeoutExpired):
            program.wait(END_SECONDS)
        _kill_group(program)
        self.fed.running.remove(program)

    def mark(self) -> Mark:
        """Return this moment."""
        history = read_events(self.run / "events.jsonl")
        logs = {p: p.stat().st_size for p in self.folder.glob("*/*.log")}
        return Mark(logs, len(history), sum(e["event"] == "done" for e in history))

    def state(self) -> tuple[str, str, str]:
        """Return status, model and error of the run; "unreadable" where run.json is."""
        try:
            state = json.loads((self.run / "run.json").read_text())
            return str(state["status"]), str(state.get("model", "")), str(state.get("error", ""))
        except (OSError, ValueError, KeyError, TypeError):
            return "unreadable", "", ""

    @property
    def ended(self) -> bool:
        """Whether the run has ended, in whatever way."""
        return self.state()[0] in ENDED

    def stopped(self, who: str) -> bool:
        """Return whether a program has ended and is started no more."""
        return self.programs[who].poll() is not None and self.starts[who] >= MOST_STARTS

    def all_run(self) -> bool:
        """Return whether every program runs."""
        return all(p.poll() is None for p in self.programs.values())

    def start_again(self) -> None:
        """Start what has ended, a moment after that."""
        now = time.monotonic()
        for who, program in self.programs.items():
            if program.poll() is None or self.starts[who] >= MOST_STARTS:
                self.ends.pop(who, None)
            elif now > self.ends.setdefault(who, now) + AGAIN_SECONDS:
                self.ends.pop(who)
                self.start(who)

    def watch(self, until: Callable[[], bool], seconds: float) -> bool:
        """Start again what ends, until something is so; return whether it is so in time."""
        limit = time.monotonic() + seconds
        while not (so := until()) and time.monotonic() < limit:
            self.start_again()
            time.sleep(0.05)
        return so

    def kill(self, who: str, name: str) -> None:
        """Kill a program, or a child of it; one that is about to start is waited for."""
        program = self.programs[who]
        if name not in CHILDREN:
            program.kill()
            return
        for _ in range(200):
            try:
                children = psutil.Process(program.pid).children()
                found = [c for c in children if CHILDREN[name] in " ".join(c.cmdline())]
                if found:
                    found[0].kill()
                    return
            except psutil.Error:
                pass
            time.sleep(0.05)

    def freeze(self, who: str, seconds: float) -> None:
        """Stop all processes of a program for a while, unless the run ends."""
        program = self.programs[who]
        os.killpg(program.pid, signal.SIGSTOP)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.ended:
            time.sleep(0.1)
        os.killpg(program.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End every program at once."""
        for program in self.fed.running:
            _kill_group(program)


def _kill_group(program: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGKILL, signal.SIGCONT):
        try:
            os.killpg(program.pid, number)
        except ProcessLookupError:
            continue
    program.wait()
