"""Work spread over processes: bounded in flight, and one that dies takes only its own task along.

Pixel decoders can abort their process (GDCM does on some files), so whoever decodes does it here.
A thread of ours waits on each process, over a pipe of its own: that one tells at once, and whatever
was half written, that its process has died. The standard library's pool has one pipe for all, and
waits for ever on the rest of a result whose writer was killed.
"""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from hepafed.common.processes import tie_to_parent

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 3
"""Tasks in flight for each process."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_this_process(function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[tuple[T, R | None]]:
    """Run `function` on each task here, in order; yield what `WorkerPool.spread` does."""
    for task in tasks:
        yield task, function(task)


class WorkerPool:
    """Processes that are started when first needed and that never outlive the `with`."""

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers or cores()
        """How many processes; 0 asks for one a core."""
        # The processes are to leave Ctrl-C to us: what a thread blocks, those it starts block too.
        self._threads = ThreadPoolExecutor(
            self.workers, "pool", signal.pthread_sigmask, (signal.SIG_BLOCK, {signal.SIGINT})
        )
        self._own = threading.local()
        self._hiring = threading.Lock()
        self.hired: list[_Process] = []
        """The processes that are there now."""
        self._closed = False

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """End the processes: when they are done, or at once after an error or Ctrl-C."""
        with self._hiring:
            self._closed = True
            if kind is not None:
                for process in self.hired:
                    process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self.hired:
            process.end()

    def spread(
        self, function: Callable[[T], R], tasks: Iterable[T]
    ) -> Iterator[tuple[T, R | None]]:
        """Run `function` on every task; yield (task, result) as they are done.

        The result is None where the process died of the task, tried again when all others are done.
        `function` must be importable; an exception it raises is raised here.
        """
        # The tracker comes first, as starting it unblocks Ctrl-C in the thread that does.
        resource_tracker.ensure_running()
        waiting = iter(tasks)
        running: dict[Future[R], T] = {}
        killers: list[T] = []
        while True:
            for task in islice(waiting, AHEAD * self.workers - len(running)):
                running[self._threads.submit(self._run, function, task)] = task
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                try:
                    result = future.result()
                except _DiedError:
                    killers.append(task)
                    continue
                yield task, result
        for task in killers:
            try:
                yield task, self._threads.submit(self._run, function, task).result()
            except _DiedError:
                yield task, None

    def _run(self, function: Callable[[T], R], task: T) -> R:
        """Run one task in the process of this thread."""
        process: _Process | None = getattr(self._own, "process", None)
        if process is None:
            process = self._own.process = self._hire()
        try:
            fine, result = process.ask((function, task))
        except _DiedError:
            del self._own.process
            with self._hiring:
                self.hired.remove(process)
            process.kill()
            process.end()
            raise
        if not fine:
            raise result
        return result  # type: ignore[no-any-return]

    def _hire(self) -> "_Process":
        with self._hiring:
            if self._closed:
                raise _DiedError
            process = _Process()
            self.hired.append(process)
            return process


class _DiedError(Exception):
    """The process ended before it had answered."""


class _Process:
    """A process and our end of the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
        self._process.start()
        theirs.close()  # so that the end of the process is the end of the pipe

    def ask(self, question: object) -> tuple[bool, Any]:
        """Send a question and return the answer.

        Raises
        ------
        _DiedError
            The process ended before it had answered.
        """
        try:
            self._pipe.send(question)
            answer: tuple[bool, Any] = self._pipe.recv()
        except (EOFError, OSError):
            raise _DiedError from None
        return answer

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def end(self) -> None:
        """Wait for its end, which comes with that of the pipe."""
        self._pipe.close()
        self._process.join()


def _serve(pipe: Connection, parent: int) -> None:
    """Answer with (True, result) or (False, exception) until the pipe ends."""
    tie_to_parent()
    if os.getppid() != parent:
        return
    for library in ("OPENBLAS", "OMP", "MKL"):  # there is a process for each core already
        os.environ[f"{library}_NUM_THREADS"] = "1"
    while True:
        try:
            function, task = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, function(task))
        except Exception as e:
            e.add_note(traceback.format_exc())
            answer = (False, e)
        pipe.send(answer)
