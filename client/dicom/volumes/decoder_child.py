"""The decoding process: reads requests from stdin, writes pixels to stdout, within limits.

A request is one JSON line {path, member, frame, shape}; the answer is one JSON line {kind} and
the pixels, or {} when there are none of that shape.
"""

import io
import json
import os
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pydicom
from hepafed.client.dicom.encoding import whole
from numpy.typing import NDArray
from pydicom.pixels.utils import pixel_array

SECONDS = 4.0
"""Processor time for one slice; the signal at its end is deadly on purpose."""
BYTES = 700 << 20
"""Memory beyond what the imports take."""


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    _limit_memory()
    warnings.simplefilter("ignore")
    answers.write(b"ready\n")
    answers.flush()
    serve(sys.stdin.buffer, answers)


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    limit = pages * resource.getpagesize() + BYTES if pages else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold patient data


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until they end."""
    last: tuple[str, str] | None = None
    dataset = pydicom.Dataset()
    for line in requests:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            if last != (request["path"], request["member"]):
                last = None
                data = whole(Path(request["path"]), request["member"])
                dataset = pydicom.dcmread(io.BytesIO(data))
                last = (request["path"], request["member"])
            pixels = _decoded(dataset, request["frame"])
        except Exception:  # a decoder fails in any way; the reason holds no text
            pixels = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        if pixels is None or list(pixels.shape) != request["shape"]:
            answers.write(b"{}\n")
        else:
            kind = pixels.dtype.str.removeprefix("|")
            answers.write(json.dumps({"kind": kind}).encode() + b"\n")
            answers.write(pixels.tobytes())
        answers.flush()


def _decoded(dataset: pydicom.Dataset, frame: int) -> NDArray[Any]:
    several = int(dataset.get("NumberOfFrames") or 1) > 1
    pixels = pixel_array(dataset, index=frame if several else 0, raw=True)
    return np.ascontiguousarray(pixels)


if __name__ == "__main__":
    main()
