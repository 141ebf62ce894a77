"""The stock SuperLink: a child process on loopback, and how to reach it."""

import contextlib
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from hepafed.common.errors import RunError, UnreachableError
from hepafed.common.files import write_whole
from hepafed.common.processes import free_port, stop_process, tied_environment

START_SECONDS = 90.0
"""How long a SuperLink may take until it answers."""


@dataclass(frozen=True)
class Link:
    """How to reach a SuperLink from its start to its end."""

    address: str
    """HOST:PORT."""
    ca: bytes
    """Certificate of the authority, PEM."""
    secret: bytes
    """What the executor signs its calls with."""


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Turn whatever Flower's HTTP clients raise into UnreachableError."""
    try:
        yield
    except httpx.HTTPError as e:
        raise UnreachableError(
            "Flower's SuperLink does not answer",
            "it restarts automatically: try again in a moment; details are in flower/superlink.log",
        ) from e


class SuperLink:
    """The SuperLink of a coordinator's home as a child process."""

    def __init__(self, home: Path) -> None:
        self._keys = home / "keys"
        self._folder = home / "flower"
        self._process: subprocess.Popen[bytes] | None = None
        self._link: Link | None = None
        self.port = 0

    def start(self) -> None:
        """Start the process and wait until it answers.

        Raises
        ------
        RunError
            It ended, or did not answer within `START_SECONDS`.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = self._folder / "executor.secret"
        if not secret.exists():
            write_whole(secret, secrets.token_bytes(32), private=True)
        self.port = free_port()
        with (self._folder / "superlink.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(secret), stdout=log, stderr=log, env=tied_environment(self._folder)
            )
        ca = (self._keys / "ca.pem").read_bytes()
        self._link = Link(f"127.0.0.1:{self.port}", ca, secret.read_bytes())
        self._wait_until_it_answers()

    def _command(self, secret: Path) -> list[str]:
        options = {
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--isolation": "process",
            "--database": str(self._folder / "state.db"),
            "--ssl-certfile": str(self._keys / "server.pem"),
            "--ssl-keyfile": str(self._keys / "server.key"),
            "--ssl-ca-certfile": str(self._keys / "ca.pem"),
            "--superexec-auth-secret-file": str(secret),
        }
        return [
            *(sys.executable, "-m", "hepafed.common.processes"),
            *("flwr.superlink.cli", "flower_superlink"),
            *(word for option in options.items() for word in option),
            "--enable-supernode-auth",
            "--disable-runtime-dependency-installation",
        ]

    def _wait_until_it_answers(self) -> None:
        limit = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if not self.alive or time.monotonic() > limit:
                    self.stop()
                    raise RunError(
                        "Flower's SuperLink did not start", f"see {self._folder}/superlink.log"
                    ) from None
                time.sleep(0.1)

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the process, by force after ten seconds."""
        if self._process is not None:
            stop_process(self._process)

    @property
    def link(self) -> Link:
        """How to reach the process; each start makes another one.

        Raises
        ------
        UnreachableError
            It was never started.
        """
        if self._link is None:
            raise UnreachableError("Flower's SuperLink is not running", "run server start")
        return self._link
