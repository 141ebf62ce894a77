"""Child processes that never outlive their parent: how they are started and ended."""

import ctypes
import importlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
LOOPBACK = ("127.0.0.1", "localhost")


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def tie_to_parent() -> None:
    """Ask the kernel to end this process when its parent dies (Linux prctl; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def keep_loopback_direct() -> None:
    """Have this process and its children reach loopback without the proxy of the environment."""
    for name in ("NO_PROXY", "no_proxy"):
        listed = [n for n in os.environ.get(name, "").split(",") if n.strip()]
        missing = [n for n in LOOPBACK if n not in listed and "*" not in listed]
        os.environ[name] = ",".join([*listed, *missing])


def tied_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a Flower process: own home, no telemetry, no search for updates."""
    return {
        **os.environ,
        "FLWR_HOME": str(folder),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "PYTHONUNBUFFERED": "1",
    }


def stop_process(process: subprocess.Popen[bytes], seconds: float = 10) -> None:
    """End a process by SIGTERM, and by SIGKILL where it has not ended after `seconds`."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def give_back_memory() -> None:
    """Give the memory that was freed back to the machine (glibc's malloc_trim; elsewhere nothing).

    glibc keeps what small tensors took for the next ones: 0.8 GB after a round of training.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def end_on_hangup() -> None:
    """Let a closed terminal (SIGHUP) end this process as SIGTERM does; under nohup it goes on."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _run_tied() -> None:
    """Call the function that `python -m hepafed.common.processes MODULE FUNCTION ARGS…` names."""
    tie_to_parent()
    module, function = sys.argv[1:3]
    sys.argv = [function.replace("_", "-"), *sys.argv[3:]]
    getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    _run_tied()
