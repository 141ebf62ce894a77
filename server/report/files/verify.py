"""Check a report's folder: digests, the coordinator's signature, CSV files against report.json."""

import csv
import io
import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.errors import HepaFedError, UsageError
from hepafed.server.formats import Report, read_report
from hepafed.server.report.files.checksums import (
    CERTIFICATE,
    CHECKSUMS,
    SIGNATURE,
    digest,
    listed,
)

MOST = 5
"""Cells named of one CSV file; the others are counted."""
Texts = Callable[[Report], Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was checked of a report's folder."""

    passed: tuple[str, ...]
    """Sentences about what is as it was written."""
    problems: tuple[str, ...]
    """Sentences about what is not; empty where the folder is whole."""


def verify_folder(folder: Path, texts: Texts, authority: str = "") -> Verified:
    """Check every file of a report's folder; nothing is changed.

    Parameters
    ----------
    folder
        Folder of a report.
    texts
        Makes the CSV files of a report by name.
    authority
        Certificate (PEM) of the coordinator that must have signed; empty: the one in the folder.

    Raises
    ------
    UsageError
        It is no folder of a report, or one of a release that wrote no digests.
    """
    if not (folder / "report.json").is_file():
        raise UsageError(f"{folder} has no report.json", "name the folder of a report")
    digests = listed(folder)
    if not digests:
        raise UsageError(
            f"{folder} has no {CHECKSUMS}: there is nothing to check it against",
            "an older release wrote it; write it again: server report RUN -o FOLDER",
        )
    passed: list[str] = []
    problems = list(_digests(folder, digests))
    if not problems:
        passed.append(f"{len(digests)} files have the digests of {CHECKSUMS}")
    text = (folder / "report.json").read_bytes()
    for check in (_signature(folder, text, authority), _tables(folder, text, texts)):
        for good, words in check:
            (passed if good else problems).append(words)
    return Verified(passed=tuple(passed), problems=tuple(problems))


def _digests(folder: Path, digests: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(digests.items()):
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif digest(path.read_bytes()) != value:
            yield f"{name} was changed after it was written"
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in digests and name != CHECKSUMS:
            yield f"{name} is not of this report: {CHECKSUMS} does not list it"


def _signature(folder: Path, text: bytes, authority: str) -> Iterator[tuple[bool, str]]:
    """Yield what the signature says; a score table's report has none."""
    path = folder / SIGNATURE
    if not path.is_file():
        if _made_by_a_run(text) or authority:
            yield (
                False,
                f"{SIGNATURE} is missing: nothing shows which coordinator made it",
            )
        else:
            yield True, "report.json is of a score table: no coordinator signs it"
        return
    try:
        certificate = x509.load_pem_x509_certificate(
            authority.encode() or (folder / CERTIFICATE).read_bytes()
        )
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise InvalidSignature
        key.verify(b64decode(path.read_bytes()), text, ec.ECDSA(hashes.SHA256()))
    except (OSError, ValueError, UnsupportedAlgorithm) as e:
        what = SIGNATURE if (folder / CERTIFICATE).is_file() or authority else CERTIFICATE
        yield False, f"{what} cannot be read ({type(e).__name__}): the signature was not checked"
        return
    except InvalidSignature:
        whose = "of your access file's coordinator" if authority else f"of {CERTIFICATE}"
        yield False, f"the signature of report.json is not {whose}"
        return
    whose = "your access file's coordinator" if authority else f"the authority in {CERTIFICATE}"
    mark = certificate.fingerprint(hashes.SHA256()).hex()
    yield True, f"report.json is signed by {whose} (SHA-256 of the certificate {mark})"
    if not authority:
        yield True, "compare this digest with the coordinator's, or give --access"


def _made_by_a_run(text: bytes) -> bool:
    try:
        return bool(json.loads(text)["provenance"].get("run"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return True


def _tables(folder: Path, text: bytes, texts: Texts) -> Iterator[tuple[bool, str]]:
    """Yield for each CSV file whether it holds what report.json holds."""
    try:
        made = texts(read_report(json.loads(text)))
    except (ValueError, RecursionError):
        yield False, "report.json is not JSON: the CSV files were not compared"
        return
    except HepaFedError as e:
        yield False, f"{e.message}: the CSV files were not compared"
        return
    alike = 0
    for name, expected in sorted(made.items()):
        path = folder / name
        if not path.is_file():
            yield False, f"{name} is missing; report.json has its rows"
            continue
        found = list(_differences(path.read_text("utf-8", errors="replace"), expected))
        alike += not found
        more = f"; {len(found) - MOST} more" if len(found) > MOST else ""
        if found:
            yield False, f"{name} differs from report.json: {'; '.join(found[:MOST])}{more}"
    if alike == len(made):
        yield True, f"{alike} CSV files hold what report.json holds"


def _differences(held: str, expected: str) -> Iterator[str]:
    """Yield each cell in which a CSV file is another than the one made anew."""
    if held == expected:
        return
    rows, wanted = (list(csv.reader(io.StringIO(t))) for t in (held, expected))
    head = wanted[0]
    for number, (row, right) in enumerate(zip_longest(rows, wanted), 1):
        if row is None or right is None:
            yield f"line {number} is {'missing' if row is None else 'too many'}"
            continue
        for column, (cell, value) in enumerate(zip_longest(row, right)):
            if cell != value:
                named = head[column] if column < len(head) else f"column {column + 1}"
                yield f"line {number}, {named}: {str(cell)[:40]}, expected {str(value)[:40]}"
