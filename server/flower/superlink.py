"""The stock SuperLink: a child process on loopback, and how to reach it."""

import contextlib
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx
from hepafed.common.errors import RunError, UnreachableError
from hepafed.common.files import write_whole
from hepafed.common.processes import free_port, stop_process, tied_environment
from hepafed.server.flower.database import put_away_damaged

START_SECONDS = 90.0
"""How long a SuperLink may take until it answers."""
SECRET_BYTES = 32
DATABASE = "sqlite:///state.db"
"""Relative to the folder flower/, in which the process works: in a URL, the path of a home may not
have a `?` or a `%`."""
GUARDED = ("hepafed.server.flower.guard", "guarded_superlink")


@dataclass(frozen=True)
class Link:
    """How to reach a SuperLink from its start to its end."""

    address: str
    """HOST:PORT."""
    ca: bytes
    """Certificate of the authority, PEM."""
    secret: bytes
    """What the executor signs its calls with."""
    control: bytes
    """What opens the Control API."""


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

    def __init__(self, home: Path, program: tuple[str, str] = GUARDED) -> None:
        """`program`: module and function that the process runs."""
        self._program = program
        self._keys = home.absolute() / "keys"
        self._folder = home.absolute() / "flower"
        self._process: subprocess.Popen[bytes] | None = None
        self._link: Link | None = None
        self.port = 0

    def start(self) -> None:
        """Start the process and wait until it answers.

        Raises
        ------
        RunError
            It ended, did not answer within `START_SECONDS`, or answers whoever asks.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret, control = self._folder / "executor.secret", self._folder / "control.secret"
        for path in (secret, control):
            if not path.is_file() or path.stat().st_size != SECRET_BYTES:
                write_whole(path, secrets.token_bytes(SECRET_BYTES), private=True)
        put_away_damaged(self._folder / "state.db")
        self.port = free_port()
        command, environment = self._command(secret, control), tied_environment(self._folder)
        with (self._folder / "superlink.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self._folder
            )
        ca = (self._keys / "ca.pem").read_bytes()
        address = f"127.0.0.1:{self.port}"
        self._link = Link(address, ca, secret.read_bytes(), control.read_bytes())
        self._wait_until_it_answers()
        self._look_at_the_guard()

    def _command(self, secret: Path, control: Path) -> list[str]:
        options = {
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--isolation": "process",
            "--database": DATABASE,
            "--ssl-certfile": str(self._keys / "server.pem"),
            "--ssl-keyfile": str(self._keys / "server.key"),
            "--ssl-ca-certfile": str(self._keys / "ca.pem"),
            "--superexec-auth-secret-file": str(secret),
        }
        return [
            *(sys.executable, "-P", "-m", "hepafed.common.processes"),
            *(*self._program, str(control)),
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

    def _look_at_the_guard(self) -> None:
        """Stop the process where its Control API answers a caller without the secret."""
        trusted = ssl.create_default_context(cadata=(self._keys / "ca.pem").read_text())
        try:
            with httpx.Client(verify=trusted, trust_env=False, timeout=START_SECONDS) as client:
                answer = client.post(f"https://127.0.0.1:{self.port}/v1/control/list-nodes")
        except httpx.HTTPError as e:
            self.stop()
            raise RunError(
                "Flower's SuperLink does not answer", f"see {self._folder}/superlink.log"
            ) from e
        if answer.status_code != HTTPStatus.FORBIDDEN:
            self.stop()
            raise RunError(
                "Flower's control interface would be open to every account of this machine",
                "install the locked release of flwr (requirements.lock)",
            )

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
