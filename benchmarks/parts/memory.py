"""Memory of a process and all its descendants, sampled while it runs."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

import psutil

EVERY_SECONDS = 0.1


@dataclass
class TreeMemory:
    """Samples the summed resident memory of a process tree in a thread of its own."""

    process_id: int
    samples: list[tuple[float, int]] = field(default_factory=list)
    """(time.time(), bytes)."""

    def __post_init__(self) -> None:
        """Prepare the thread."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "TreeMemory":
        """Start sampling."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop sampling."""
        self._ended.set()
        self._thread.join()

    def peak(self, begin: float = 0.0, end: float = float("inf")) -> int:
        """Give the largest sum, in bytes, between two times; 0 without a sample."""
        return max((size for at, size in self.samples if begin <= at <= end), default=0)

    def _sample(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self.samples.append((time.time(), tree_bytes(self.process_id)))


def tree_bytes(process_id: int) -> int:
    """Sum the resident bytes of a process and its descendants; 0 when it is gone."""
    try:
        root = psutil.Process(process_id)
        members = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for member in members:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
