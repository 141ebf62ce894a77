"""Run the coordinator in the foreground until SIGTERM or Ctrl-C."""

import logging
import logging.handlers
import socket
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from hepafed.common.console import complain, say
from hepafed.common.contract import ServerConfig, host_and_port, read_toml
from hepafed.common.errors import ConfigError, UnreachableError
from hepafed.common.files import tidied
from hepafed.common.locks import sole_holder
from hepafed.common.printable import OneLineFormatter
from hepafed.common.processes import end_on_hangup, keep_loopback_direct
from hepafed.server import setup
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway import MOST_CONNECTIONS, Impatient, make_gateway, sparse
from hepafed.server.state import look_over, must_open

log = logging.getLogger("hepafed.server")


def run_server(home: Path) -> None:
    """Start everything; return when told to end.

    Raises
    ------
    ConfigError
        `home` holds no server, or another `server start` uses it.
    UnreachableError
        The public port cannot be bound.
    RunError
        Flower's SuperLink does not start.
    """
    keep_loopback_direct()
    end_on_hangup()
    config = read_toml(ServerConfig, home / "server.toml", setup.HINT)
    port = host_and_port(config.address)[1]
    taken = ConfigError(f"a server is running in {home} already", "stop it first")
    with sole_holder(home / "lock", taken):
        _write_log(home / "server.log")
        _make_ready(home)
        public = _bind(config.listen, port)
        coordinator = Coordinator(home, config.wait_for_person)
        say(f"starting on {config.address} …")
        try:
            coordinator.start()
            _serve(home, coordinator, public, config)
        finally:
            coordinator.stop()
            public.close()
    say("Coordinator stopped. Unfinished runs continue at the next server start.")


def _make_ready(home: Path) -> None:
    """Look at the home's files before anything uses them; say what was done, and what is damaged.

    Raises
    ------
    ConfigError
        A file that every site depends on is damaged.
    """
    for line in tidied(home, (home, home / "keys")):
        say(line)
    must_open(home)
    for line in setup.keep_valid(home, datetime.now(UTC)):
        say(line)
    for damage in look_over(home):
        log.error("%s; %s", damage.found, damage.hint)
        complain(damage.found, damage.hint)


def _bind(interface: str, port: int) -> socket.socket:
    try:
        if ":" in interface:  # IPv6; `::` takes IPv4 as well where the system can
            both = interface == "::" and socket.has_dualstack_ipv6()
            family = socket.AF_INET6
            return socket.create_server(
                (interface, port), family=family, backlog=256, dualstack_ipv6=both
            )
        return socket.create_server((interface, port), backlog=256)
    except OSError as e:
        raise UnreachableError(
            f"cannot listen on {interface}:{port}: {e.strerror}",
            "another program uses the port, or the port needs administrator rights; see "
            "server.toml",
        ) from e


def _serve(
    home: Path, coordinator: Coordinator, public: socket.socket, config: ServerConfig
) -> None:
    keys = home / "keys"
    gateway = make_gateway(coordinator, (keys / "ca.pem").read_text())
    settings = uvicorn.Config(
        gateway,
        http=Impatient,
        ws="none",
        limit_concurrency=MOST_CONNECTIONS,
        ssl_certfile=str(keys / "server.pem"),
        ssl_keyfile=str(keys / "server.key"),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        lifespan="off",
    )
    say(f"ready: https://{config.address} · log {home / 'server.log'} · Ctrl-C ends it")
    uvicorn.Server(settings).run(sockets=[public])


def _write_log(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=10 << 20, backupCount=5)
    handler.setFormatter(OneLineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "flwr"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(sparse())
