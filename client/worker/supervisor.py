"""`client start`: SuperNode and worker as two supervised processes; either restarts alone."""

import secrets
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hepafed.client.home import sole_use
from hepafed.client.membership import (
    CLOCK_HINT,
    STOP_ONE,
    ask,
    changed_settings,
    clock_fault,
    exit_of,
    look_over,
    must_fit,
    note_exit,
    note_keys,
    note_start,
    written_since,
)
from hepafed.client.outbound import write_roots
from hepafed.client.worker.beats import keep_beating
from hepafed.client.worker.notices import DiskNotices, WaitNotices
from hepafed.common.console import complain, say
from hepafed.common.contract import SiteConfig, new_instance, read_toml
from hepafed.common.errors import CohortError, ConfigError, FederationError, OtherReleaseError
from hepafed.common.files import tidied, write_whole
from hepafed.common.processes import (
    end_on_hangup,
    free_port,
    keep_loopback_direct,
    stop_process,
    tied_environment,
)
from hepafed.common.retry import Backoff

LONGEST_WAIT_SECONDS = 60.0
"""The longest wait before a process that ended is started again."""

LEFT_SECONDS = 3600.0
"""The age of an unfinished file that a killed process left; other commands may be writing now."""

SUPERNODE = "connection process"
WORKER_SETTINGS = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
}
"""The environment of the worker where the site sets no other. PyTorch's threads wait asleep: beside
another program on the same cores, waiting awake makes the network several times slower. And glibc
keeps freed memory: every round takes the same large pieces, and having them from the system anew,
page by page, cost a quarter of a round's processor time."""


@dataclass
class _Child:
    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    begins: int = 0
    """Where in its log the running process began."""
    id: str = ""
    """Of the running process; another one after each start."""
    began: threading.Event = field(default_factory=threading.Event)
    """Set by each start."""
    waits: Backoff = field(default_factory=lambda: Backoff(LONGEST_WAIT_SECONDS))

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.begins = log.tell()
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self.environment
            )
        self.started = time.monotonic()
        self.id = new_instance()
        self.began.set()

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def delay(self) -> float:
        return self.waits.after_life(time.monotonic() - self.started)


def run_site(home: Path) -> None:
    """Run the site until SIGTERM or Ctrl-C.

    Raises
    ------
    ConfigError
        `home` has not joined, another `client start` uses it, or a key is missing or damaged.
    CohortError
        The site has no cohort yet.
    OtherReleaseError
        This site's release of HepaFed does not work with the coordinator's.
    """
    config = read_toml(SiteConfig, home / "site.toml", "run client join first")
    if not (home / "cohort").exists():
        raise CohortError("this site has no cohort yet", "run client ingest first")
    keep_loopback_direct()
    with sole_use(home):
        _look_over(home)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        end_on_hangup()
        for line in tidied(home, (home / "keys",), LEFT_SECONDS):
            say(line)
        children = _children(home, config)
        instance = new_instance()
        note_start(home, instance)
        told = _tell(why_shut_out(home, config, instance), ("", ""))
        say(f"{config.site} ({config.role}) connects to {config.address}; logs in {home}")
        try:
            for child in children:
                child.start()
            _beat(home, config, instance, children[0], stopping)
            _supervise(home, config, instance, children, stopping, told)
        finally:
            for child in children:
                if child.process is not None:
                    stop_process(child.process)
    say("stopped")


def _look_over(home: Path) -> None:
    """Name what of the home is damaged; ConfigError for a file that the site cannot run without."""
    found = look_over(home, whole=False)
    for damage in found:
        if damage.stops:
            raise ConfigError(damage.found, damage.hint)
        complain(damage.found, damage.hint)
    note_keys(home)
    if changed_settings(home):
        say("site.toml was changed since the last start; what is there now is used")


def _beat(
    home: Path, config: SiteConfig, instance: str, supernode: _Child, stopping: threading.Event
) -> None:
    """Begin to tell the coordinator which client and SuperNode run, beside everything else."""

    def others() -> tuple[str, ...]:
        heard = ask(home, config, starts=True, instance=instance, connection=supernode.id)
        return heard.others

    def tell(words: str) -> None:
        complain(words, STOP_ONE)

    words = (others, tell, stopping, supernode.began)
    threading.Thread(target=keep_beating, args=words, daemon=True).start()


def why_shut_out(home: Path, config: SiteConfig, instance: str = "") -> tuple[str, str]:
    """Return what keeps this site from coming online, as the coordinator says, and what helps.

    Both are "" where nothing keeps it. The coordinator is told this site's release, and that the
    client `instance` runs.

    Raises
    ------
    OtherReleaseError
        The release does not work with the coordinator's.
    """
    try:
        standing = ask(home, config, seconds=5, starts=True, instance=instance)
        must_fit(standing)
        fault = clock_fault(standing.ahead)
    except OtherReleaseError:
        raise
    except (FederationError, ConfigError) as e:
        return e.message, f"{e.hint} (the client keeps trying)"
    return (fault, CLOCK_HINT) if fault else ("", "")


def _supervise(
    home: Path,
    config: SiteConfig,
    instance: str,
    children: list[_Child],
    stopping: threading.Event,
    told: tuple[str, str],
) -> None:
    """Start children again that end, until `stopping`; `told` was printed last."""
    due: dict[str, float] = {}
    notices, disk = WaitNotices(home), DiskNotices(home)
    while not stopping.wait(0.3):
        for line in (*disk.new(), *notices.new()):
            say(line)
        for child in children:
            if not child.died():
                continue
            if child.name not in due:
                wait = child.delay()
                due[child.name] = time.monotonic() + wait
                say(f"The {child.name} stopped; restarting in {wait:.0f} s. Details: {child.log}")
                if child.name == SUPERNODE:
                    _say_exit(home, child)
                    told = _tell(why_shut_out(home, config, instance), told)
            elif time.monotonic() >= due[child.name]:
                del due[child.name]
                child.start()


def _say_exit(home: Path, child: _Child) -> None:
    """Say why the SuperNode ended, and keep it for `client check`."""
    status = child.process.returncode if child.process else 0
    found = exit_of(status, written_since(child.log, child.begins))
    say(f"Why: {found.words}. What helps: {found.hint}")
    with suppress(OSError):  # a full disk, say: it was printed
        note_exit(home, found, datetime.now(UTC))


def _tell(reason: tuple[str, str], told: tuple[str, str]) -> tuple[str, str]:
    """Print what keeps the site away, unless that was `told` last time; return it."""
    if any(reason) and reason != told:
        complain(*reason)
    return reason


def _children(home: Path, config: SiteConfig) -> list[_Child]:
    keys = home / "keys"
    secret = keys / "executor.secret"
    write_whole(secret, secrets.token_bytes(32), private=True)
    port = free_port()
    folder = home / "flower"
    folder.mkdir(exist_ok=True, mode=0o700)
    supernode = [
        sys.executable,
        "-m",
        "hepafed.common.processes",
        "hepafed.client.worker.supernode",
        "main",
        "--root-certificates",
        str(write_roots(home)),
        "--superlink",
        config.address,
        "--auth-supernode-private-key",
        str(keys / "node.key"),
        "--isolation",
        "process",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--superexec-auth-secret-file",
        str(secret),
    ]
    worker = [sys.executable, "-m", "hepafed.client.worker.process", str(home), f"127.0.0.1:{port}"]
    environment = tied_environment(folder)
    return [
        _Child(SUPERNODE, supernode, home / "supernode.log", environment),
        _Child("worker", worker, home / "worker.log", {**WORKER_SETTINGS, **environment}),
    ]
