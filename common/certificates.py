"""The coordinator's own CA and certificates, and each side's keys, made where they are used."""

import ipaddress
import ssl
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hepafed.common.errors import ConfigError
from hepafed.common.files import write_whole

CA_DAYS = 5 * 365
SERVER_DAYS = 365
_EARLIER = timedelta(days=1)
"""A server certificate is valid from so long ago, so that a site whose clock is behind accepts
it."""


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def make_authority(folder: Path, now: datetime) -> None:
    """Write ca.pem and ca.key (ECDSA P-256, 5 years) into `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name("HepaFed coordinator CA"))
        .issuer_name(_name("HepaFed coordinator CA"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_whole(folder / "ca.key", _pem(key), private=True)
    write_whole(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM))


AUTHORITY_LOST = (
    "restore a copy of the folder keys; without one: server init in another --home, then every "
    "site leaves and joins again"
)


def read_authority(folder: Path) -> x509.Certificate:
    """Return the CA's certificate (ca.pem) of a coordinator's `folder` keys/.

    Raises
    ------
    ConfigError
        It is missing or damaged: another hand's signature does not make it ours.
    """
    try:
        found = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        found.public_key()
        found.verify_directly_issued_by(found)
    except (OSError, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as e:
        raise ConfigError("keys/ca.pem is missing or damaged", AUTHORITY_LOST) from e
    return found


def authority_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Return the CA's private key (ca.key) of a coordinator's `folder` keys/.

    Raises
    ------
    ConfigError
        It is missing or damaged, or is not the key of ca.pem.
    """
    try:
        found = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise ConfigError("keys/ca.key is missing or damaged", AUTHORITY_LOST) from e
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise ConfigError("keys/ca.key is damaged: it is another kind of key", AUTHORITY_LOST)
    return found


def must_be_authority(folder: Path) -> None:
    """Check that ca.key is the key of ca.pem; ConfigError, naming the file, where it is not."""
    if authority_key(folder).public_key() != read_authority(folder).public_key():
        raise ConfigError("keys/ca.key is not the key of keys/ca.pem", AUTHORITY_LOST)


def make_server_certificate(folder: Path, hosts: list[str], now: datetime) -> datetime:
    """Write server.pem and server.key for `hosts`, signed by the CA in `folder`.

    Return when it expires: after one year, and never later than the CA.
    """
    authority, signing = read_authority(folder), authority_key(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    expires = min(now + timedelta(days=SERVER_DAYS), authority.not_valid_after_utc)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(hosts[0]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - _EARLIER, authority.not_valid_before_utc))
        .not_valid_after(expires)
        .add_extension(x509.SubjectAlternativeName([_san(h) for h in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority_id, critical=False)
        .sign(signing, hashes.SHA256())
    )
    write_whole(folder / "server.key", _pem(key), private=True)
    write_whole(folder / "server.pem", certificate.public_bytes(serialization.Encoding.PEM))
    return expires


def expiry(certificate: Path) -> datetime:
    """Return when a PEM certificate expires (UTC).

    Raises
    ------
    ConfigError
        The file is missing or is not a certificate.
    """
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as e:
        raise ConfigError(f"{certificate} is missing or not a certificate") from e


def unfit(folder: Path, hosts: list[str], now: datetime) -> str:
    """Return why server.pem cannot serve these hosts now; "" where it can.

    Each host must stand in it, it must be valid already (a clock that was ahead made one of the
    future), and it must be of server.key and ca.pem.
    """
    if not is_pair(folder):
        return "keys/server.pem or keys/server.key is missing or damaged"
    found = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    if found.not_valid_before_utc > now:
        return (
            f"the server certificate is valid only from {found.not_valid_before_utc:%Y-%m-%d}: "
            "this machine's clock was ahead when it was made"
        )
    if found.not_valid_after_utc <= now:
        return "the server certificate has expired"
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    missing = [h for h in hosts if _san(h) not in names]
    return f"the server certificate is not for {missing[0]}, as server.toml says" if missing else ""


def valid_from(certificate: Path) -> datetime:
    """Return from when on a PEM certificate is valid (UTC); ConfigError as `expiry`."""
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_before_utc
    except (OSError, ValueError) as e:
        raise ConfigError(f"{certificate} is missing or not a certificate") from e


def is_pair(folder: Path) -> bool:
    """Return whether server.pem is of server.key and of ca.pem; a crash can leave half a change."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "server.key").read_bytes(), None)
        authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        certificate.verify_directly_issued_by(authority)
        return certificate.public_key() == key.public_key()
    except (OSError, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False


def _san(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def make_node_key(path: Path) -> str:
    """Write a node's private key (EC P-384, OpenSSH form, 0600); return its public line."""
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    write_whole(path, private, private=True)
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return public.decode()


def untrusted(error: Exception) -> str:
    """Return why a TLS certificate was not accepted, from OpenSSL's words; "" for another error.

    https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
    """
    words = str(error)
    if "CERTIFICATE" not in words:
        return ""
    if "has expired" in words:
        return "its certificate has expired, or this machine's clock is ahead"
    if "not yet valid" in words:
        return (
            "its certificate is not valid yet: this machine's clock is behind, or the "
            "coordinator's was ahead when it was made (there: server check)"
        )
    if "mismatch" in words:
        return "its certificate is for another name"
    return (
        "another server answers there, or a proxy that decrypts TLS (client join --proxy-ca): its "
        "certificate is not from this federation"
    )


def pinned(ca: str) -> ssl.SSLContext:
    """Return TLS settings that trust the coordinator's CA (PEM) and nothing else.

    Raises
    ------
    ConfigError
        `ca` is not a certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=ca)
    except (ssl.SSLError, ValueError) as e:  # ValueError: an empty text
        raise ConfigError("the coordinator's CA certificate cannot be read") from e
    return context
