"""Set a coordinator up: keys, server.toml, the coordinator's own access file."""

from datetime import datetime
from pathlib import Path

from hepafed.common.certificates import make_authority, make_server_certificate
from hepafed.common.config import Access, ServerConfig, host_and_port, write_toml
from hepafed.common.errors import UsageError
from hepafed.server.enrolment import Members


def initialise(home: Path, address: str, listen: str, now: datetime) -> datetime:
    """Make a coordinator's home; returns when the server certificate expires.

    Raises
    ------
    UsageError
        The address is not HOST:PORT, or `home` holds a server already (nothing is changed).
    """
    host, _ = host_and_port(address)
    if (home / "server.toml").exists():
        raise UsageError(
            f"{home} holds a server already", "use it with server start, or name another --home"
        )
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    keys = home / "keys"
    make_authority(keys, now)
    hosts = list(dict.fromkeys([host, "localhost", "127.0.0.1"]))
    expires = make_server_certificate(keys, hosts, now)
    token = Members(home).grant("coordinator", "coordinator")[0]
    ca = (keys / "ca.pem").read_text()
    access = Access(name="coordinator", role="coordinator", address=address, token=token, ca=ca)
    write_toml(access, home / "coordinator.access", private=True)
    write_toml(ServerConfig(address=address, listen=listen), home / "server.toml")
    return expires
