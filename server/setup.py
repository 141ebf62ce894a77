"""Set a coordinator up, and keep its certificate valid: keys, server.toml, its access file."""

from datetime import datetime, timedelta
from pathlib import Path

from hepafed.common.certificates import (
    expiry,
    make_authority,
    make_server_certificate,
    unfit,
    valid_from,
)
from hepafed.common.contract import (
    Access,
    ServerConfig,
    host_and_port,
    read_toml,
    write_toml,
)
from hepafed.common.errors import ConfigError, UsageError
from hepafed.server.members import Members

HINT = "run server init first, or name its folder with --home"
RENEWED_BEFORE = timedelta(days=60)
"""`server start` renews a certificate with less than this left."""
AUTHORITY_WARNING = timedelta(days=365)
"""`server start` warns when the CA has less than this left."""


def initialise(home: Path, address: str, listen: str, now: datetime) -> datetime:
    """Make a coordinator's home; return the time at which the server certificate expires.

    Raises
    ------
    UsageError
        The address is not HOST:PORT, or `home` holds a server already (nothing is changed).
    """
    host, _ = host_and_port(address)
    if ":" in host and listen == "0.0.0.0":  # noqa: S104 - IPv4 alone
        raise UsageError(
            f"{address} is an IPv6 address, and --listen 0.0.0.0 takes IPv4 alone", "--listen ::"
        )
    if (home / "server.toml").exists():
        raise UsageError(
            f"{home} contains a server already", "use it with server start, or name another --home"
        )
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    keys = home / "keys"
    make_authority(keys, now)
    expires = make_server_certificate(keys, hosts_of(host), now)
    token = Members(home).grant("coordinator", "coordinator")[0]
    ca = (keys / "ca.pem").read_text()
    access = Access(name="coordinator", role="coordinator", address=address, token=token, ca=ca)
    write_toml(access, home / "coordinator.access", private=True)
    write_toml(ServerConfig(address=address, listen=listen), home / "server.toml")
    return expires


def hosts_of(host: str) -> list[str]:
    """Return the names that a server certificate has: the public one, and loopback."""
    return list(dict.fromkeys([host, "localhost", "127.0.0.1"]))


def renew(home: Path, now: datetime) -> datetime:
    """Make a new server key and certificate from the same CA; return when the latter expires.

    Raises
    ------
    ConfigError
        `home` holds no server, its CA cannot be read, or has expired.
    """
    config = read_toml(ServerConfig, home / "server.toml", HINT)
    keys = home / "keys"
    until = expiry(keys / "ca.pem")
    if until <= now:
        raise ConfigError(
            f"the federation's authority expired on {until:%Y-%m-%d}",
            "make a new one: server init in another --home; then every site leaves and joins again",
        )
    return make_server_certificate(keys, hosts_of(host_and_port(config.address)[0]), now)


def keep_valid(home: Path, now: datetime) -> list[str]:
    """Renew the server certificate if it has to be; return the lines that a person should see.

    It has to be renewed when it ends in less than `RENEWED_BEFORE` and a new one would last
    longer, or when it does not fit (`unfit`): its key is not there, as after a crash in the middle
    of a renewal, it is of the future, or not for the host of server.toml.

    Raises
    ------
    ConfigError
        As `renew`, or the authority itself is of the future.
    """
    keys, said = home / "keys", []
    config = read_toml(ServerConfig, home / "server.toml", HINT)
    authority = expiry(keys / "ca.pem")
    if (begins := valid_from(keys / "ca.pem")) > now:
        raise ConfigError(
            f"the federation's authority is valid only from {begins:%Y-%m-%d %H:%M} UTC on, and "
            f"this machine's clock says {now:%Y-%m-%d %H:%M}",
            "set the clock by NTP; where it was ahead when server init ran, make a new home",
        )
    why = unfit(keys, hosts_of(host_and_port(config.address)[0]), now)
    current = now if why else expiry(keys / "server.pem")
    if why or (current - now < RENEWED_BEFORE and current < authority):
        expires = renew(home, now)
        because = f"{why}: " if why else ""
        said.append(f"{because}renewed the server certificate; it expires {expires:%Y-%m-%d}")
    if authority - now < AUTHORITY_WARNING:
        said.append(
            f"warning: the federation's authority expires {authority:%Y-%m-%d}, and every "
            "certificate with it; until then make a new one (docs/coordinator-guide.md)"
        )
    return said
