"""Decode compressed slices in a process apart, which may abort, hang or swallow memory alone.

The decoders are C libraries that meet whatever an archive holds; GDCM ends its process on some
inputs. The process is kept for the next slice and started anew when it dies.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from hepafed.client.dicom.encoding import BrokenFileError, Header
from numpy.typing import NDArray

START_SECONDS: Final = 60.0
"""Seconds for the imports on a loaded machine."""
WALL_SECONDS: Final = 20.0
"""Limit for one slice by the clock; the child's own limit is 4 s of processor time."""
LARGEST_FRAME: Final = 1 << 26
"""Most voxels of one compressed slice."""
KINDS: Final = ("u1", "i1", "<u2", "<i2", "<u4", "<i4")
FAILED: Final = "the pixels cannot be decoded"
CHILD: Final = (sys.executable, "-I", "-m", "hepafed.client.dicom.volumes.decoder_child")
LONGEST_LINE: Final = 4096
"""Most bytes of an answer's first line."""


class DecoderProcess:
    """One child process and the conversation with it."""

    def __init__(
        self,
        command: Sequence[str] = CHILD,
        start_seconds: float = START_SECONDS,
        wall_seconds: float = WALL_SECONDS,
    ) -> None:
        self.wall_seconds = wall_seconds
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )
        try:
            self._line(start_seconds)
        except BaseException:
            self.close()
            raise

    def decode(self, h: Header) -> NDArray[np.integer[Any]]:
        """Decode one slice, integers [rows, columns].

        Raises
        ------
        BrokenFileError
            The child says that it cannot.
        EOFError, TimeoutError, OSError, ValueError
            The child died, hung or talked nonsense.
        """
        assert self.process.stdin is not None  # noqa: S101  # asked for above
        shape = [h.rows, h.columns]
        request = {"path": h.path, "member": h.member, "frame": h.frame, "shape": shape}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        answer = json.loads(self._line(self.wall_seconds))
        if answer.get("kind") not in KINDS:
            raise BrokenFileError(FAILED)
        kind = np.dtype(answer["kind"])
        data = self._bytes(h.rows * h.columns * kind.itemsize, self.wall_seconds)
        return np.frombuffer(data, kind).reshape(h.rows, h.columns)

    def close(self) -> None:
        """End the child and reap it."""
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait()

    def _line(self, seconds: float) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += self._bytes(1, seconds)
            if len(line) > LONGEST_LINE:
                raise ValueError
        return line

    def _bytes(self, count: int, seconds: float) -> bytes:
        assert self.process.stdout is not None  # noqa: S101
        descriptor, data = self.process.stdout.fileno(), bytearray()
        end = time.monotonic() + seconds
        while len(data) < count:
            ready, _, _ = select.select([descriptor], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise TimeoutError
            part = os.read(descriptor, min(count - len(data), 1 << 20))
            if not part:
                raise EOFError
            data += part
        return bytes(data)


class DecoderKeeper:
    """Keeps one child for each process that uses this module, whether forked or not."""

    def __init__(self, start: Callable[[], DecoderProcess] = DecoderProcess) -> None:
        self.start = start
        self.lock = threading.Lock()
        self.child: DecoderProcess | None = None
        self.foreign: DecoderProcess | None = None
        """A parent's child, held so that nothing of it is cleaned up here."""

    def decode(self, h: Header) -> NDArray[np.integer[Any]]:
        """Decode one slice in the child, which is started anew after it has failed.

        Raises
        ------
        BrokenFileError
            It cannot be decoded.
        """
        with self.lock:
            try:
                if self.child is None:
                    self.child = self.start()
                return self.child.decode(h)
            except BrokenFileError:
                raise
            except (EOFError, TimeoutError, OSError, ValueError) as e:
                self.close()
                raise BrokenFileError(FAILED) from e

    def forget(self) -> None:
        """Begin anew in a forked process: the child is the parent's, the lock may be held."""
        self.lock = threading.Lock()
        self.foreign, self.child = self.child or self.foreign, None

    def close(self) -> None:
        """End the child, if there is one."""
        if self.child is not None:
            self.child.close()
            self.child = None


_keeper = DecoderKeeper()
atexit.register(_keeper.close)
os.register_at_fork(after_in_child=_keeper.forget)


def decode(h: Header) -> NDArray[np.integer[Any]]:
    """Decode one compressed slice, integers [rows, columns].

    Raises
    ------
    BrokenFileError
        It cannot be decoded, or only by exceeding 4 s or 1 GB.
    """
    if h.rows * h.columns > LARGEST_FRAME:
        raise BrokenFileError("the image is too large")
    return _keeper.decode(h)


def close_decoder() -> None:
    """End this process's child, if it has one."""
    _keeper.close()
