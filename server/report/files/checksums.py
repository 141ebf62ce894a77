"""A report's folder: its files, their digests (SHA-256) and the coordinator's signature."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.errors import ReportError
from hepafed.common.files import write_whole

CHECKSUMS = "checksums.sha256"
"""What `sha256sum -c` reads."""
SIGNATURE, CERTIFICATE = "report.sig", "coordinator.pem"
HINT = "name another folder with -o"


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A report as the coordinator wrote and signed it."""

    text: str
    """report.json, byte for byte."""
    signature: str
    """ECDSA over SHA-256 of the text, in base64, by the key of the coordinator's authority."""
    certificate: str
    """The authority's certificate (PEM) of the access file that fetched the report."""


def write_folder(folder: Path, files: Mapping[str, str | bytes], signed: Signed | None) -> None:
    """Write a report's files, its signature, and the digests of all of them last.

    What an earlier report left in the folder, unchanged since (its `checksums.sha256` says so), is
    taken away.

    Raises
    ------
    ReportError
        The folder cannot be written.
    """
    held: dict[str, str | bytes] = dict(files)
    if signed is not None:
        held |= {SIGNATURE: signed.signature + "\n", CERTIFICATE: signed.certificate}
    digests = {name: digest(content) for name, content in held.items()}
    try:
        for name, value in listed(folder).items():
            old = folder / name
            if name not in digests and old.is_file() and digest(old.read_bytes()) == value:
                old.unlink()
        for name, content in held.items():
            write_whole(folder / name, content)
        lines = (f"{value}  {name}\n" for name, value in sorted(digests.items()))
        write_whole(folder / CHECKSUMS, "".join(lines))
    except OSError as e:
        raise ReportError(f"cannot write {folder}: {e.strerror}", HINT) from e


def digest(content: str | bytes) -> str:
    """Return the SHA-256 of a file's content, text as UTF-8."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def listed(folder: Path) -> dict[str, str]:
    """Return the digests that a folder's checksums.sha256 lists, by name; {} where there is none.

    A name that leads out of the folder is not taken.
    """
    path = folder / CHECKSUMS
    if not path.is_file():
        return {}
    found = {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        value, _, name = line.partition("  ")
        inside = name and not Path(name).is_absolute() and ".." not in Path(name).parts
        if len(value) == 64 and inside:
            found[name] = value
    return found
