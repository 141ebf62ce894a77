"""The file ledger.jsonl: written line by line, and ledger.head, which says where it must end.

The head is written after each line. A ledger that ends elsewhere was cut, changed, or is of
another time than its head: nothing is written after it until a person has said why.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.client.release.ledger.lines import (
    Line,
    append,
    end_of,
    is_signed_by,
    last_lines,
    line_of,
    lone_line,
    parsed,
    written,
)
from hepafed.client.release.peers import read_own_identity
from hepafed.common.disclosure import fingerprint, public_line
from hepafed.common.errors import ConfigError, DataError, HepaFedError
from hepafed.common.heads import BEGINNING
from hepafed.common.json_file import JsonFile
from hepafed.common.locks import wait_for_lock
from hepafed.common.room import in_room

KEY = "key"
"""The kind of the entry with which a key begins to sign."""
ACKNOWLEDGE = (
    "client ledger --verify says what is missing. If it cannot be restored: "
    "client ledger --acknowledge-gap REASON"
)


@dataclass(frozen=True, kw_only=True)
class KeptEnd:
    """Where the ledger ends: the number of the last entry and the link of the chain there."""

    entry: int
    chain: str


class LedgerFile:
    """The lines of one site's ledger on disk."""

    def __init__(self, home: Path) -> None:
        self.path = home / "ledger.jsonl"
        self._home = home
        self._key: ec.EllipticCurvePrivateKey | None = None
        self._end = JsonFile(path=home / "ledger.head", record=KeptEnd, hint=ACKNOWLEDGE)

    def key(self) -> ec.EllipticCurvePrivateKey | None:
        """Return the site's enrolled key, or None in a home that has not joined."""
        if self._key is None and (self._home / "keys" / "node.key").exists():
            self._key = read_own_identity(self._home)
        return self._key

    def write(self, entry: Mapping[str, Any], *, after_gap: bool = False) -> Line:
        """Write an entry down, chained and signed; return its line once it is on disk.

        The end of the file is read anew each time, under a lock: another process may have written
        meanwhile. A line that a crash tore was of a payload that never left; it is cut off, and
        the new entry says so (`unfinished`, in bytes).

        Raises
        ------
        DataError
            The ledger does not end where it was left, unless `after_gap`.
        ConfigError
            Earlier entries are signed, and the key is not there.
        """
        key = self.key()
        with self._locked() as f:
            last, torn = self._last(f)
            if not after_gap:
                self.must_end_at_head(last)
            if key is None:
                if last is not None and KEY in last.entry:
                    raise ConfigError("the site's key is missing; the ledger is signed with it")
                return self._add(f, last, {**entry, **torn}, None)
            public = public_line(key)
            own = fingerprint(public)
            if last is None or last.entry.get(KEY) != own:
                begun = {"at": entry["at"], "kind": KEY, "direction": "here", "public_key": public}
                empty = {"run": "", "bytes": 0, "sha256": ""}
                last = self._add(f, last, {**begun, **empty, KEY: own, **torn}, key)
                torn = {}
            return self._add(f, last, {**entry, KEY: own, **torn}, key)

    def _add(
        self,
        f: BinaryIO,
        last: Line | None,
        entry: Mapping[str, Any],
        key: ec.EllipticCurvePrivateKey | None,
    ) -> Line:
        number = last.number + 1 if last else 1
        full = {**entry, "entry": number, "chain": last.chain if last else BEGINNING}
        if last is None or "entry" not in last.entry:
            full["old"] = number - 1
        raw = written(full, key)
        made = line_of(raw, last)
        assert made is not None  # noqa: S101 - we have just written it
        in_room(self.path.parent, len(raw), lambda: append(f, raw))
        self._end.write(KeptEnd(entry=made.number, chain=made.chain))
        return made

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        with self.path.open("a+b", buffering=0) as f:
            wait_for_lock(f)
            yield f

    def _last(self, f: BinaryIO) -> tuple[Line | None, dict[str, int]]:
        """Return the last line, and what is to be said of a torn one, which is cut off."""
        raw, rest = end_of(f)
        torn: dict[str, int] = {}
        if parsed(rest) is not None:  # whole but for its line end
            append(f, b"")
            raw = rest
        elif rest:
            torn = {"unfinished": len(rest)}
            f.truncate(f.tell() - len(rest))
        if f.seek(0, os.SEEK_END) == 0:
            return None, torn
        return lone_line(raw) or self._counted(f), torn

    def _counted(self, f: BinaryIO) -> Line | None:
        """Return the last line of a ledger of 0.1.0, counted from the first."""
        f.seek(0)
        lines = lines_of(f.read())[0]
        return lines[-1] if lines else None

    def must_end_at_head(self, last: Line | None) -> None:
        """Compare the last line with ledger.head; one signed line more is what a crash leaves.

        Raises
        ------
        DataError
            The ledger was cut, changed, or is of another time than its head.
        """
        try:
            end = self._end.read(missing=KeptEnd(entry=0, chain=BEGINNING))
        except ConfigError as e:
            raise DataError(e.message, ACKNOWLEDGE) from e
        if end.entry == 0:
            if last is None or "entry" not in last.entry or "old" in last.entry:
                return
            raise DataError(
                "ledger.head is missing: nothing says where the ledger ends", ACKNOWLEDGE
            )
        number = last.number if last else 0
        if number < end.entry:
            raise DataError(
                f"the ledger ends at entry {number}, but entry {end.entry} was written", ACKNOWLEDGE
            )
        assert last is not None  # noqa: S101 - its number is not 0
        if (number, last.chain) == (end.entry, end.chain):
            return
        follows = number == end.entry + 1 and last.entry.get("chain") == end.chain
        if not follows or not self._is_own(last):
            raise DataError(
                f"the ledger's last entry ({number}) is not the one that was written", ACKNOWLEDGE
            )

    def _is_own(self, line: Line) -> bool:
        """Return whether a line that the head does not know is of this site's key."""
        key = self.key()
        return key is None or is_signed_by(line.raw, public_line(key))

    def end(self) -> KeptEnd | None:
        """Return where the ledger must end; None when it is not known or cannot be read."""
        try:
            return self._end.read()
        except HepaFedError:
            return None

    def read(self) -> tuple[list[Line], int]:
        """Return every whole line, and the bytes of a torn one; DataError for a damaged line."""
        return lines_of(self.path.read_bytes() if self.path.exists() else b"")

    def last(self) -> Line | None:
        """Return the last line, or None of an empty ledger."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as f:
            found = lone_line(end_of(f)[0])
        if found is not None:
            return found
        lines = self.read()[0]
        return lines[-1] if lines else None

    def from_entry(self, number: int) -> list[Line]:
        """Return the lines from an entry on; those before are not read where that can be."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as f:
            last = lone_line(end_of(f)[0])
            if last is not None:
                raws = last_lines(f, max(1, last.number - number + 1))[0]
                found = [lone_line(raw) for raw in raws]
                numbers = [line.number for line in found if line is not None]
                if numbers == list(range(number, last.number + 1)):
                    return [line for line in found if line is not None]
        return self.read()[0][max(0, number - 1) :]


def lines_of(content: bytes) -> tuple[list[Line], int]:
    """Return every whole line of a ledger, and the bytes of a torn last one."""
    *raws, rest = content.split(b"\n")
    if parsed(rest) is not None:
        raws.append(rest)
        rest = b""
    found: list[Line] = []
    for number, raw in enumerate(raws, 1):
        line = line_of(raw, found[-1] if found else None)
        if line is None:
            raise DataError(
                f"line {number} of the ledger is damaged",
                "keep the file as evidence; restore it from a backup, or move it away and run "
                "client ledger --acknowledge-gap REASON",
            )
        found.append(line)
    return found, len(rest)
