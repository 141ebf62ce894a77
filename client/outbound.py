"""How this site's connections leave the building: whom they trust, and through which proxy.

They trust the coordinator's own authority, and that of a proxy that decrypts TLS only where
somebody at the site said so. Which proxy is used is in the environment (`HTTPS_PROXY`,
`NO_PROXY`), as for other programs.
"""

import ssl
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from hepafed.common.certificates import pinned
from hepafed.common.contract import host_and_port
from hepafed.common.errors import ConfigError
from hepafed.common.files import write_whole

PROXY_CA = "proxy-ca.pem"
"""The file in keys/ with the authorities of a proxy that decrypts TLS; most sites have none."""
ROOTS = "roots.pem"
"""The file in keys/ with all that Flower trusts."""


def read_proxy_ca(file: Path) -> str:
    """Return the certificates in a PEM file; ConfigError where it holds none."""
    try:
        text = file.read_text()
        pinned(text)
    except (OSError, UnicodeDecodeError, ConfigError) as e:
        raise ConfigError(
            f"{file} holds no certificate",
            "give the PEM file of your proxy's authority, as your network team has it",
        ) from e
    return text


def authorities(home: Path) -> str:
    """Return what this site trusts, PEM: the coordinator's authority, and the proxy's if any.

    Raises
    ------
    ConfigError
        keys/ca.pem or keys/proxy-ca.pem cannot be read.
    """
    keys = home / "keys"
    try:
        own = (keys / "ca.pem").read_text()
    except OSError as e:
        raise ConfigError(
            "the coordinator's certificate (keys/ca.pem) cannot be read", "client join makes it"
        ) from e
    file = keys / PROXY_CA
    return own + (read_proxy_ca(file) if file.exists() else "")


def trusted(home: Path) -> ssl.SSLContext:
    """Return the TLS settings of this site's connections to the coordinator."""
    return pinned(authorities(home))


def write_roots(home: Path) -> Path:
    """Write what Flower's SuperNode shall trust, and return the file."""
    path = home / "keys" / ROOTS
    write_whole(path, authorities(home))
    return path


def proxy_to(address: str) -> str:
    """Return host and port of the proxy that the environment names for HOST:PORT; "" for none.

    A user name and password in its address are left out.
    """
    if proxy_bypass(host_and_port(address)[0]):
        return ""
    found = getproxies()
    named = found.get("https") or found.get("all") or ""
    parts = urlsplit(named if "://" in named else f"//{named}")
    if not parts.hostname:
        return ""
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
