"""Which entry of a ledger a person means: by its number, or by the first digits of its SHA-256."""

from collections.abc import Mapping, Sequence
from typing import Any

from hepafed.common.errors import DataError, UsageError

SHORTEST = 8
"""The fewest digits of a SHA-256 that name an entry, a plan or a model; so many are shown."""


def kept_entry(entries: Sequence[Mapping[str, Any]], which: str) -> tuple[int, Mapping[str, Any]]:
    """Return the entry that is meant, whose text is kept, and its number from 1.

    Of several entries with one text it is the first.

    Raises
    ------
    UsageError
        There is no such entry, or there are several.
    DataError
        Its text is not kept.
    """
    numbered = list(enumerate(entries, 1))
    if len(which) < SHORTEST and which.isdecimal():
        found = [(n, e) for n, e in numbered if n == int(which)]
    elif len(which) >= SHORTEST and set(which.lower()) <= set("0123456789abcdef"):
        found = [(n, e) for n, e in numbered if e["sha256"].startswith(which.lower())]
    else:
        raise UsageError(
            f"{which[:80]} is neither an entry's number nor {SHORTEST} or more digits of a SHA-256",
            "client ledger lists both",
        )
    if not found or len({e["sha256"] for _, e in found}) > 1:
        what = "several entries begin with" if found else "there is no entry"
        raise UsageError(f"{what} {which[:80]}", "client ledger lists them")
    number, entry = found[0]
    if not entry.get("kept"):
        raise DataError(
            f"the content of entry {number} ({entry['kind']}) is not stored, only its size and "
            "hash",
            "only the text of messages is stored",
        )
    return number, entry
