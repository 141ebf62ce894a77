"""Work spread over processes: bounded in flight, and one that dies takes only its own task along.

Pixel decoders can abort their process (GDCM does on some files), so whoever decodes does it here.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from hepafed.common.processes import tie_to_parent

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 3
"""Tasks in flight for each process."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Farm:
    """Processes that are started when first needed and that never outlive the `with`."""

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers or cores()
        """How many processes; 0 asks for one a core."""
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Farm":
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """End the processes: when they are done, or at once after an error or Ctrl-C."""
        if self._executor is not None:
            if kind is not None:
                for process in multiprocessing.active_children():
                    process.kill()
            self._executor.shutdown(wait=kind is None, cancel_futures=True)
            self._executor = None

    def spread(
        self, function: Callable[[T], R], tasks: Iterable[T]
    ) -> Iterator[tuple[T, R | None]]:
        """Run `function` on every task; gives (task, result) as they are done.

        The result is None where the process died of the task, tried alone a second time.
        `function` must be importable; an exception it raises is raised here.
        """
        waiting = iter(tasks)
        running: dict[Future[R], T] = {}
        while True:
            suspects: list[T] = []
            while len(running) < AHEAD * self.workers and not suspects:
                try:
                    task = next(waiting)
                except StopIteration:
                    break
                try:
                    running[self._pool().submit(function, task)] = task
                except BrokenProcessPool:  # it died between two tasks of ours
                    suspects.append(task)
            if not running and not suspects:
                return
            done = wait(running, return_when=FIRST_COMPLETED).done if running else set()
            for future in done:
                task = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    suspects.append(task)
                    continue
                yield task, result
            if suspects:
                suspects += running.values()
                running.clear()
                self._discard()
                for task in suspects:
                    yield task, _alone(function, task)

    def _pool(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(os.getpid(),),
            )
        return self._executor

    def _discard(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


def _alone(function: Callable[[T], R], task: T) -> R | None:
    """Run one task in a process of its own; None when the process dies of it."""
    with Farm(1) as farm:
        try:
            return farm._pool().submit(function, task).result()
        except BrokenProcessPool:
            return None


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tie_to_parent()
    if os.getppid() != parent:
        os._exit(1)
