"""Stock Flower on loopback TLS: SuperLink, three SuperNodes, and an app sent with `flwr run`."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from hepafed.common.certificates import make_authority, make_server_certificate
from hepafed.common.processes import free_port, stop_process

from parts.memory import TreeMemory

BIN = Path(sys.executable).parent
APP = Path(__file__).parent / "stock_app"
SITES = 3
PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class StockFigures:
    """What a stock run took."""

    seconds: list[float]
    """Of each round, the first included."""
    peak: int
    """Bytes of the server's whole process tree."""


def run_stock(folder: Path, weights: Path, rounds: int) -> StockFigures:
    """Run FedAvg for some rounds with `weights` (safetensors); everything lies in `folder`."""
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    make_authority(folder, now)
    make_server_certificate(folder, ["127.0.0.1", "localhost"], now)
    port, times = free_port(), folder / "times"
    environment = _environment(folder, port)
    with _processes(folder, port, environment) as superlink, TreeMemory(superlink.pid) as memory:
        config = f'weights="{weights}" times="{times}" rounds={rounds}'
        subprocess.run(
            [str(BIN / "flwr"), "run", str(APP), "benchmark", "--run-config", config],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        limit = time.monotonic() + PATIENCE_SECONDS
        while len(ended := _ends(times)) <= rounds:
            if superlink.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(f"stock Flower did not finish; see {folder}")
            time.sleep(0.2)
    return StockFigures([b - a for a, b in pairwise(ended)], memory.peak())


def _ends(times: Path) -> list[float]:
    """Read when the start and each round were over."""
    if not times.exists():
        return []
    lines = times.read_text().splitlines(keepends=True)
    return [float(line.split()[1]) for line in lines if line.endswith("\n")]


def _environment(folder: Path, port: int) -> dict[str, str]:
    home = folder / "flwr"
    home.mkdir()
    (home / "config.toml").write_text(
        '[superlink]\ndefault = "benchmark"\n\n[superlink.benchmark]\n'
        f'address = "127.0.0.1:{port}"\nroot-certificates = "{folder / "ca.pem"}"\n'
    )
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
    }


@contextmanager
def _processes(
    folder: Path, port: int, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the SuperLink and its SuperNodes; gives the SuperLink, ends all of them."""
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, *command: str) -> subprocess.Popen[bytes]:
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        running.append(process)
        return process

    try:
        superlink = start(
            "superlink",
            str(BIN / "flower-superlink"),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--ssl-certfile",
            str(folder / "server.pem"),
            "--ssl-keyfile",
            str(folder / "server.key"),
            "--ssl-ca-certfile",
            str(folder / "ca.pem"),
            "--database",
            str(folder / "state.db"),
            "--disable-runtime-dependency-installation",
        )
        _wait_for(port)
        for site in range(SITES):
            start(
                f"supernode-{site}",
                str(BIN / "flower-supernode"),
                "--superlink",
                f"127.0.0.1:{port}",
                "--root-certificates",
                str(folder / "ca.pem"),
                "--host",
                "127.0.0.1",
                "--port",
                str(free_port()),
            )
        yield superlink
    finally:
        for process in reversed(running):
            stop_process(process)


def _wait_for(port: int) -> None:
    limit = time.monotonic() + 90
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.2)
