"""Start and stop a whole federation on this machine: real commands, real processes, real TLS."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hepafed.common.errors import RunError
from hepafed.common.processes import free_port, stop_process

BIN = Path(sys.executable).parent


@dataclass
class Federation:
    """One coordinator and its sites under one folder; commands run as a person would."""

    folder: Path
    address: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that every program gets beside those of this process."""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def home(self, who: str) -> Path:
        """Where `who` (`server` or a site) keeps its files."""
        return self.folder / who

    def command(self, who: str, *words: str, shown: bool = False) -> str:
        """Run `server …` or `client …` for `who`; RunError with its last words when it fails."""
        program = "server" if who == "server" else "client"
        command = [str(BIN / program), "--home", str(self.home(who)), *words]
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdout=None if shown else subprocess.PIPE,
            stderr=None if shown else subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr or "its words stand above").strip()[-800:]
            raise RunError(f"`{program} {words[0]}` of {who} failed: {last}", "see its folder")
        return done.stdout or ""

    def json(self, *words: str) -> Any:  # noqa: ANN401 - whatever the command prints
        """Run a `server … --json` command."""
        return json.loads(self.command("server", *words, "--json"))

    def start(self, who: str) -> subprocess.Popen[bytes]:
        """Start `server start` or `client start` of `who` in a process group of its own."""
        program = "server" if who == "server" else "client"
        command = [str(BIN / program), "--home", str(self.home(who)), "start"]
        with (self.home(who) / "console.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def start_server(self) -> subprocess.Popen[bytes]:
        """Initialise the coordinator once, start it, and wait until it answers."""
        if not (self.home("server") / "server.toml").exists():
            self.address = f"127.0.0.1:{free_port()}"
            self.command("server", "init", "--address", self.address, "--listen", "127.0.0.1")
        process = self.start("server")
        limit = time.monotonic() + 120
        while True:
            try:
                self.json("sites")
            except RunError:
                if process.poll() is not None or time.monotonic() > limit:
                    raise
                time.sleep(0.5)
            else:
                return process

    def enrol(self, site: str, role: str) -> None:
        """Invite a site and have it join with the file."""
        self.command("server", "invite", site, "--role", role, "-o", str(self.folder))
        invite = self.folder / f"{site}.invite"
        self.home(site).mkdir(parents=True, exist_ok=True)
        self.command(site, "join", str(invite))
        invite.unlink()

    def wait_online(
        self,
        sites: Sequence[str],
        seen: Callable[[int], None] = lambda _: None,
        seconds: float = 180,
    ) -> None:
        """Wait until every site's node is connected; `seen` gets how many are.

        Raises
        ------
        RunError
            Some are not after `seconds` (named).
        """
        limit = time.monotonic() + seconds
        while True:
            online = {s["site"] for s in self.json("sites") if s["online"]}
            missing = sorted(set(sites) - online)
            seen(len(sites) - len(missing))
            if not missing:
                return
            if time.monotonic() > limit:
                raise RunError(f"not online: {', '.join(missing)}", "see their supernode.log")
            time.sleep(0.5)

    def stop(self) -> None:
        """End every process that was started here, sites first."""
        for process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self.running):
            stop_process(process, 20)
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.running.clear()


@contextmanager
def federation(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Federation]:
    """Open a federation and leave no process behind, whatever happens (Ctrl-C as well)."""
    made = Federation(folder, environment=environment or {})
    before = signal.getsignal(signal.SIGTERM)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield made
    finally:
        made.stop()
        signal.signal(signal.SIGTERM, before)
