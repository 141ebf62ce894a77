"""One case: homes are copied, programs started, the fault strikes, and all goes on as it may."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from hepafed.deploy.demo.federation import Federation
from hepafed.server.runs import ENDED

from tests.chaos.cases import COORDINATOR, DISK, FROZEN, UNDISTURBED, Case, damage
from tests.chaos.prepared import SITES, Prepared, read_events
from tests.chaos.verdict import SKIPPED, Verdict, judge, naming, of_run

LIMIT_SECONDS = 300.0
"""A case that has not ended by then hangs."""
FROZEN_SECONDS = 75.0
"""Flower takes a node for offline after 60 s without a heartbeat."""
FULL_SECONDS = 8.0
QUIET_SECONDS = 25.0
"""A run without a new line in its history for so long goes on no more, where a file was named."""
AGAIN_SECONDS = 1.0
MOST_STARTS, STARTS_AFTER_ROT = 4, 2
"""How often a program is started that ends, as a person or a unit does."""
ROOM = 6 << 20
"""Bytes that a small disk has left before it is filled."""
CHILDREN = {
    "worker": "hepafed.client.worker.process",
    "SuperNode": "hepafed.client.worker.supernode",
    "SuperLink": "guarded_superlink",
}


@dataclass
class Scene:
    """The programs of one case."""

    case: Case
    prepared: Prepared
    folder: Path
    begun: float = field(default_factory=time.monotonic)
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    ends: dict[str, float] = field(default_factory=dict)
    """When a program that has ended was seen to."""

    def __post_init__(self) -> None:
        """Take the federation's commands for the copied homes."""
        self.fed = Federation(self.folder, self.prepared.address)
        self.run = self.folder / COORDINATOR / "runs" / self.prepared.run

    @property
    def most_starts(self) -> int:
        """How often each program is started; what refuses a file refuses it again."""
        return STARTS_AFTER_ROT if self.case.rots else MOST_STARTS

    def start(self, who: str) -> None:
        """Start the coordinator, or a site's client."""
        self.programs[who] = self.fed.start(who)
        self.starts[who] = self.starts.get(who, 0) + 1

    def start_all(self) -> None:
        """Start the coordinator, and the sites once it is ready or has ended."""
        self.start(COORDINATOR)
        console = self.folder / COORDINATOR / "console.log"
        while "ready:" not in console.read_text() and not self.over:
            if self.programs[COORDINATOR].poll() is not None:
                break
            time.sleep(0.1)
        for site in SITES:
            self.start(site)

    @property
    def over(self) -> bool:
        """Whether the case's limit has passed."""
        extra = FROZEN_SECONDS if self.case.fault == FROZEN else 0
        return time.monotonic() - self.begun > LIMIT_SECONDS + extra

    @property
    def ended(self) -> bool:
        """Whether the run has ended, or a program refuses to start and says why."""
        if of_run(self.folder / COORDINATOR, self.prepared.run)[0] in ENDED:
            return True
        return any(
            p.poll() is not None and self.starts[who] >= self.most_starts
            for who, p in self.programs.items()
        )

    def lines(self) -> int:
        """Return how many lines the run's history has beyond those that it began with."""
        return len(read_events(self.run / "events.jsonl")) - self.prepared.events

    def start_again(self) -> None:
        """Start what has ended, a moment after that."""
        now = time.monotonic()
        for who, program in self.programs.items():
            if program.poll() is None or self.starts[who] >= self.most_starts:
                self.ends.pop(who, None)
            elif now > self.ends.setdefault(who, now) + AGAIN_SECONDS:
                self.ends.pop(who)
                self.start(who)

    def watch(self, until: Callable[[], bool]) -> None:
        """Start again what ends, until something is so, the case is over or the run has ended."""
        while not (until() or self.over or self.ended):
            self.start_again()
            time.sleep(0.05)

    def stop(self) -> None:
        """End every program at once."""
        for program in self.fed.running:
            for number in (signal.SIGKILL, signal.SIGCONT):
                try:
                    os.killpg(program.pid, number)
                except ProcessLookupError:
                    continue
            program.wait()


def play(case: Case, prepared: Prepared, folder: Path) -> Verdict:
    """Play a case in `folder`, which is emptied first; the homes are left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if case.fault == DISK and os.geteuid() != 0:
        return Verdict(SKIPPED, "only root can mount a small disk")
    with _homes(case, prepared, folder):
        scene = Scene(case, prepared, folder)
        try:
            if case.rots:
                damage(case, folder / case.who)
            scene.start_all()
            if not case.rots and case.fault != UNDISTURBED:
                scene.watch(lambda: scene.lines() > case.after)
                _pause(scene, case.delay)
                _strike(scene)
            scene.watch(_goes_on_no_more(scene))
        finally:
            scene.stop()
        return judge(case, prepared, folder, late=scene.over)


def _pause(scene: Scene, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        scene.start_again()
        time.sleep(0.02)


def _goes_on_no_more(scene: Scene) -> Callable[[], bool]:
    """Return what tells that a damaged file was named, and that the run adds nothing any more."""
    seen = (scene.lines(), time.monotonic())

    def quiet() -> bool:
        nonlocal seen
        if not scene.case.rots:
            return False
        lines, now = scene.lines(), time.monotonic()
        if lines != seen[0]:
            seen = (lines, now)
        if now < seen[1] + QUIET_SECONDS:
            return False
        return bool(naming(scene.case, scene.prepared, scene.folder))

    return quiet


def _strike(scene: Scene) -> None:
    case, program = scene.case, scene.programs[scene.case.who]
    if case.fault == DISK:
        _fill(scene)
    elif case.fault == FROZEN:
        _freeze(scene, program)
    else:
        _kill(scene, case.fault.removeprefix("kill "))


def _kill(scene: Scene, name: str) -> None:
    """Kill a program, or a child of it; one that is about to start is waited for."""
    program = scene.programs[scene.case.who]
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


def _freeze(scene: Scene, program: subprocess.Popen[bytes]) -> None:
    os.killpg(program.pid, signal.SIGSTOP)
    until = time.monotonic() + FROZEN_SECONDS
    while time.monotonic() < until and not scene.ended:
        time.sleep(0.1)
    os.killpg(program.pid, signal.SIGCONT)


def _fill(scene: Scene) -> None:
    """Fill the small disk to its last byte, and free it again."""
    filler = scene.folder / scene.case.who / "filler"
    try:
        with filler.open("wb", buffering=0) as f:
            while True:
                f.write(bytes(1 << 12))
    except OSError:
        _pause(scene, FULL_SECONDS)
    filler.unlink()


@contextmanager
def _homes(case: Case, prepared: Prepared, folder: Path) -> Iterator[None]:
    """Copy the homes, that of a full disk onto a small disk; they are left without it."""
    for who in (COORDINATOR, *SITES):
        if case.fault != DISK or who != case.who:
            shutil.copytree(prepared.folder / who, folder / who)
    if case.fault != DISK:
        yield
        return
    source, home = prepared.folder / case.who, folder / case.who
    home.mkdir()
    size = ROOM + sum(p.stat().st_size + 4096 for p in source.rglob("*"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", home], check=True)
    try:
        shutil.copytree(source, home, dirs_exist_ok=True)
        yield
        shutil.copytree(home, folder / "kept")
    finally:
        subprocess.run(["umount", "-l", home], check=True)
    home.rmdir()
    (folder / "kept").rename(home)
