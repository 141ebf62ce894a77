"""pacs.toml: how a site's PACS is reached, and what is asked of it."""

import contextlib
import os
import re
import ssl
import stat
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hepafed.common.contract import read_toml
from hepafed.common.errors import ConfigError

PROTOCOLS = ("dicomweb", "dimse")
RETRIEVE = ("get", "move")
AUTHENTICATION = ("none", "basic", "bearer")
ALSO = ("SEG", "RTSTRUCT")
WHERE = 'write the address at which the PACS reaches this machine, e.g. "10.0.0.5"'
HINT = "the keys of pacs.toml are in docs/site-guide.md, From PACS to cohort"
AE_TITLE = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")
"""Application entity: 1 to 16 printable characters, no backslash (DICOM PS3.5 6.2, VR AE)."""


@dataclass(frozen=True, kw_only=True)
class PacsConfig:
    """pacs.toml; paths are relative to its folder."""

    protocol: str
    """`dicomweb` (QIDO-RS and WADO-RS) or `dimse` (C-FIND, and C-GET or C-MOVE)."""
    url: str = ""
    """DICOMweb: address of the service, e.g. `https://pacs.hospital.example/dicom-web`."""
    host: str = ""
    """DIMSE: name or address of the PACS."""
    port: int = 104
    """DIMSE: port of the PACS."""
    ae_title: str = "HEPAFED"
    """DIMSE: this machine's application entity, as the PACS knows it."""
    called_ae_title: str = ""
    """DIMSE: the PACS's application entity."""
    retrieve: str = "get"
    """DIMSE: `get` (C-GET), or `move` (C-MOVE) for a PACS that offers no C-GET."""
    listen_address: str = ""
    """C-MOVE: address of this machine to which the PACS sends, e.g. `10.0.0.5`; `0.0.0.0` is
    every address."""
    listen_port: int = 11112
    """C-MOVE: port of this machine to which the PACS sends; open only during a fetch."""
    sender_ae_title: str = ""
    """C-MOVE: application entity that sends; empty: `called_ae_title`."""
    sender_addresses: tuple[str, ...] = ()
    """C-MOVE: addresses that may send, e.g. `["10.0.0.7"]`; empty: those of `host`."""
    tls: bool = False
    """DIMSE over TLS; DICOMweb has it by an `https` address."""
    ca: str = ""
    """PEM file of the authority that signed the PACS's certificate; empty: the system's list."""
    certificate: str = ""
    """PEM file of this machine's certificate, where the PACS asks for one."""
    key: str = ""
    """PEM file of its key, mode 0600."""
    auth: str = "none"
    """DICOMweb: `none`, `basic` or `bearer`."""
    secret_file: str = ""
    """File of mode 0600 with `user:password` (basic) or the token (bearer)."""
    secret_env: str = ""
    """Environment variable with the same, instead of a file."""
    accessions: str = ""
    """File of accession numbers: one a line, or a `.csv` with a column `accession_number`."""
    patients: str = ""
    """File of patient ids instead: one a line, or a `.csv` with a column `patient_id`."""
    also: tuple[str, ...] = ()
    """What is fetched beside MR: `SEG`, `RTSTRUCT`."""
    per_second: float = 20.0
    """Most requests and instances a second, over all connections together."""
    parallel: int = 2
    """Connections (associations) at a time."""
    timeout: float = 30.0
    """Seconds to wait for the PACS's next answer."""
    retries: int = 3
    """How often a broken connection is tried again, after 1, 2, 4 … seconds."""
    largest_instance_mb: int = 512
    """A larger instance is refused, MB; each connection may need four times that memory."""
    uncounted: bool = False
    """Take short series also of a PACS that does not say how many instances a series has."""
    keep_spool: bool = False
    """Keep the fetched files after a successful ingest."""

    def __post_init__(self) -> None:
        """Check every value that a mistake could make dangerous or useless."""
        _one_of("protocol", self.protocol, PROTOCOLS)
        _one_of("auth", self.auth, AUTHENTICATION)
        _one_of("retrieve", self.retrieve, RETRIEVE)
        for word in self.also:
            _one_of("also", word, ALSO)
        if bool(self.accessions) == bool(self.patients):
            raise ConfigError("name one of accessions and patients", HINT)
        if bool(self.certificate) != bool(self.key):
            raise ConfigError("certificate and key go together", HINT)
        _within("per_second", self.per_second, 0.1, 10_000)
        _within("parallel", self.parallel, 1, 16)
        _within("timeout", self.timeout, 1, 3600)
        _within("retries", self.retries, 0, 10)
        _within("largest_instance_mb", self.largest_instance_mb, 1, 2048)
        if self.protocol == "dicomweb":
            self._check_dicomweb()
        else:
            self._check_dimse()

    def _check_dicomweb(self) -> None:
        if self.retrieve != "get":
            raise ConfigError("retrieve: only with protocol dimse", 'write protocol = "dimse"')
        self._check_get()
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
            raise ConfigError("url: not an http or https address", HINT)
        if parts.username is not None or parts.password is not None:
            raise ConfigError(
                "url: it contains a password", "use auth with secret_file or secret_env"
            )
        if self.auth == "none":
            return
        if bool(self.secret_file) == bool(self.secret_env):
            raise ConfigError(f"auth {self.auth}: name one of secret_file and secret_env", HINT)
        if parts.scheme == "http" and not _is_loopback(host):
            raise ConfigError(
                "auth: the secret would be sent without encryption", "use an https url"
            )

    def _check_dimse(self) -> None:
        if not self.host:
            raise ConfigError("host: missing, the name or address of the PACS", HINT)
        _within("port", self.port, 1, 65535)
        for name in ("ae_title", "called_ae_title"):
            if not AE_TITLE.fullmatch(getattr(self, name)):
                raise ConfigError(f"{name}: not an AE title of 1 to 16 characters", HINT)
        if self.auth != "none" or self.secret_file or self.secret_env:
            raise ConfigError(
                "auth: DIMSE has no passwords", "use tls = true with certificate and key"
            )
        if (self.ca or self.certificate) and not self.tls:
            raise ConfigError("ca and certificate need tls = true", HINT)
        if self.retrieve == "move":
            self._check_move()
        else:
            self._check_get()

    def _check_get(self) -> None:
        if self.listen_address or self.sender_ae_title or self.sender_addresses:
            raise ConfigError(
                "listen_address and sender_… are for C-MOVE alone", 'write retrieve = "move"'
            )

    def _check_move(self) -> None:
        for name, value in [
            ("listen_address", self.listen_address),
            *(("sender_addresses", a) for a in self.sender_addresses),
        ]:
            if not _is_address(value):
                raise ConfigError(
                    f"{name}: {value[:40]!r} is not an IP address",
                    f'retrieve = "move" needs listen_address: {WHERE}',
                )
        _within("listen_port", self.listen_port, 1, 65535)
        if self.sender_ae_title and not AE_TITLE.fullmatch(self.sender_ae_title):
            raise ConfigError("sender_ae_title: not an AE title of 1 to 16 characters", HINT)
        if self.tls and not (self.ca and self.certificate):
            raise ConfigError(
                "tls with retrieve move: name ca, certificate and key",
                "the PACS also sends over TLS, and both sides show a certificate",
            )


def read_config(path: Path) -> PacsConfig:
    """Return what pacs.toml says, its file names as absolute paths.

    Raises
    ------
    ConfigError
        Naming the key that is unknown, missing or wrong.
    """
    config = read_toml(PacsConfig, path, HINT)
    folder = path.absolute().parent
    names = ("ca", "certificate", "key", "secret_file", "accessions", "patients")
    given = {name: Path(getattr(config, name)) for name in names if getattr(config, name)}
    paths: dict[str, Any] = {k: str(folder / p.expanduser()) for k, p in given.items()}
    config = replace(config, **paths)
    if config.key:
        _private(Path(config.key), "key")
    return config


def secret_of(config: PacsConfig) -> str:
    """Return the secret, from its private file or from the environment; it is never shown.

    Raises
    ------
    ConfigError
        It is missing, malformed, or others may read its file.
    """
    if config.secret_env:
        secret = os.environ.get(config.secret_env, "").strip()
        where = f"the environment variable {config.secret_env}"
    else:
        path = Path(config.secret_file)
        _private(path, "secret_file")
        where = "secret_file"
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigError(f"secret_file: cannot be read ({type(e).__name__})", HINT) from None
    if not secret or "\n" in secret or (config.auth == "basic" and ":" not in secret):
        wanted = "user:password" if config.auth == "basic" else "a token"
        raise ConfigError(f"{where} does not contain {wanted}", HINT)
    return secret


class _ClosingSocket(ssl.SSLSocket):
    """Lets pynetdicom close a connection that the PACS broke off: it gives up at the shutdown."""

    def shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):
            super().shutdown(how)


def listening_tls_context(config: PacsConfig) -> ssl.SSLContext:
    """Return the TLS settings of what the PACS sends: its certificate is required and checked."""
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        context.sslsocket_class = _ClosingSocket
        context.load_cert_chain(config.certificate, config.key)
    except OSError as e:  # ssl.SSLError is one
        raise ConfigError(f"ca, certificate or key cannot be read ({e.strerror})", HINT) from None
    return context


def tls_context(config: PacsConfig) -> ssl.SSLContext:
    """Return the TLS settings of a DIMSE connection: the PACS's certificate is always checked."""
    try:
        context = ssl.create_default_context(cafile=config.ca or None)
        context.sslsocket_class = _ClosingSocket
        if config.certificate:
            context.load_cert_chain(config.certificate, config.key)
    except OSError as e:  # ssl.SSLError is one
        raise ConfigError(f"ca, certificate or key cannot be read ({e.strerror})", HINT) from None
    return context


def _private(path: Path, name: str) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as e:
        raise ConfigError(f"{name}: cannot be read ({e.strerror})", HINT) from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{name}: others may read this file", "make the file private: chmod 600")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"{name}: {value[:40]!r} is not one of {', '.join(known)}", HINT)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name}: {value} is outside {low:g}…{high:g}", HINT)
