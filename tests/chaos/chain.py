"""Cases one after another in one training, which must end in the weights of the undisturbed one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hepafed.common.errors import RunError

from tests.chaos.cases import COORDINATOR, DISK, FROZEN, Case, Damage, damage
from tests.chaos.disks import copied
from tests.chaos.prepared import SITES, Prepared
from tests.chaos.scene import MOST_STARTS, Mark, Scene
from tests.chaos.verdict import (
    BAD,
    HANG,
    NAMED,
    SAME,
    SKIPPED,
    UNMENDED,
    UNNAMED,
    Verdict,
    judge_end,
    naming,
)
from tests.small_disk import SmallDisk

LIMIT_SECONDS = 500.0
"""What has not gone on by then hangs."""
FROZEN_SECONDS = 75.0
"""Flower takes a node for offline after 60 s without a heartbeat."""
FULL_SECONDS = 8.0
QUIET_SECONDS = 25.0
"""A run without a new line in its history for so long goes on no more, where a file was named."""
STARTS_AFTER_ROT = 2
"""What refuses a file refuses it again."""


@dataclass(frozen=True)
class Found:
    """What became of a case."""

    case: Case
    verdict: Verdict
    seconds: float
    file: str = ""
    """Of a rot: the file that was damaged, from the home on."""


def play(cases: Sequence[Case], prepared: Prepared, folder: Path) -> list[Found]:
    """Play cases in `folder` until the training has ended; the homes are left there.

    Returns what was found of those that were played, the first ones; a bad one is the last. Where
    the training ends in other weights, each of them may be why.
    """
    with copied(prepared.folder, (COORDINATOR, *SITES), folder) as small:
        scene = Scene(prepared, folder)
        found: list[Found] = []
        try:
            scene.start_all()
            for case in cases:
                started = time.monotonic()
                made = _played(scene, case, small=small)
                if made is None:
                    break
                found.append(replace(made, seconds=time.monotonic() - started))
                if made.verdict.kind in BAD:
                    return found
            scene.watch(lambda: scene.ended, LIMIT_SECONDS)
            scene.watch(scene.all_run, LIMIT_SECONDS)
        finally:
            scene.stop()
        end = judge_end(scene)
        if end.kind == SAME:
            return found
        return [replace(f, verdict=end) for f in found]


def _played(scene: Scene, case: Case, *, small: bool) -> Found | None:
    """Play one case; None where the training ended before it could strike."""
    if case.fault == DISK and not small:
        return Found(case, Verdict(SKIPPED, "only root can mount a small disk"), 0.0)
    before = scene.mark()
    wanted = before.lines + case.lines
    if not scene.watch(lambda: scene.mark().lines >= wanted or scene.ended, LIMIT_SECONDS):
        return Found(case, Verdict(HANG, "nothing new before the fault"), 0.0)
    time.sleep(case.delay)
    if scene.ended:
        return None
    scene.starts = dict.fromkeys(scene.starts, 0)
    return _rotted(scene, case) if case.rots else _struck(scene, case)


def _struck(scene: Scene, case: Case) -> Found:
    """Strike running programs: all must run again, and another round be done."""
    since, pids = scene.mark(), {who: p.pid for who, p in scene.programs.items()}
    if case.fault == DISK:
        disk = SmallDisk(scene.folder / case.who)
        disk.fill()
        scene.watch(lambda: False, FULL_SECONDS)
        disk.free()
    elif case.fault == FROZEN:
        scene.freeze(case.who, FROZEN_SECONDS)
    else:
        scene.kill(case.who, case.fault.removeprefix("kill "))
    goes_on = _goes_on(scene, since)
    killed = case.who if case.fault in ("kill client start", "kill server start") else ""
    others = [who for who, p in scene.programs.items() if p.pid != pids[who] and who != killed]
    if others:
        return Found(case, Verdict(UNNAMED, f"ended as well: {', '.join(others)}"), 0.0)
    if goes_on:
        return Found(case, Verdict(SAME), 0.0)
    words = naming(scene, case, "", since)
    return Found(case, _stop(scene, words), 0.0)


def _rotted(scene: Scene, case: Case) -> Found:
    """End a program, damage a file of its home and start it again; put back what is named."""
    scene.end(case.who)
    made, since = damage(case, scene.folder / case.who), scene.mark()
    scene.starts[case.who] = MOST_STARTS - STARTS_AFTER_ROT
    scene.start(case.who)
    if _goes_on(scene, since, case, made.file):
        return Found(case, Verdict(SAME), 0.0, made.file)
    words = naming(scene, case, made.file, since)
    if not words:
        return Found(case, _stop(scene, ""), 0.0, made.file)
    if not _mended(scene, case, made):
        words = f"does not go on with the file put back, {scene.state()}, after: {words}"
        return Found(case, Verdict(UNMENDED, words), 0.0, made.file)
    return Found(case, Verdict(NAMED, words), 0.0, made.file)


def _mended(scene: Scene, case: Case, made: Damage) -> bool:
    """Put a file back as it was, and return whether the training goes on, once it is resumed."""
    scene.end(case.who)
    made.put_back()
    scene.starts = dict.fromkeys(scene.starts, 0)
    since = scene.mark()
    scene.start(case.who)
    if scene.state()[0] == "failed":
        for _ in range(60):
            try:
                scene.fed.command(COORDINATOR, "resume", scene.prepared.run)
                break
            except RunError:  # the coordinator is not ready yet
                time.sleep(1)
    return _goes_on(scene, since)


def _goes_on(scene: Scene, since: Mark, case: Case | None = None, file: str = "") -> bool:
    """Return whether every program runs again and the training does another round, or completes."""
    seen = (scene.mark().lines, time.monotonic())

    def over() -> bool:
        nonlocal seen
        now, lines = time.monotonic(), scene.mark().lines
        if lines != seen[0]:
            seen = (lines, now)
        if _is_well(scene, since) or scene.state()[0] == "failed":
            return True
        if case is None:
            return False
        quiet = now > seen[1] + QUIET_SECONDS or scene.stopped(case.who)
        return quiet and bool(naming(scene, case, file, since))

    scene.watch(over, LIMIT_SECONDS)
    return _is_well(scene, since)


def _is_well(scene: Scene, since: Mark) -> bool:
    status = scene.state()[0]
    further = scene.mark().done > since.done or status == "completed"
    return further and scene.all_run() and status in ("running", "completed")


def _stop(scene: Scene, words: str) -> Verdict:
    status, _, error = scene.state()
    if words:
        return Verdict(NAMED, words)
    return Verdict(UNNAMED if status == "failed" else HANG, f"{status}: {error}")
