"""What can be proved of a ledger: that nothing was changed, by which keys, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from hepafed.client.release.ledger.file import KEY, LedgerFile
from hepafed.client.release.ledger.gaps import gaps_of, receipts_of, unresolved
from hepafed.client.release.ledger.lines import Line, is_signed_by
from hepafed.client.release.ledger.texts import CHANGED, Texts
from hepafed.common.contract.messages import HeadReceipt, LedgerGap
from hepafed.common.disclosure import fingerprint, public_line
from hepafed.common.errors import DataError, HepaFedError
from hepafed.common.heads import BEGINNING, is_countersigned


@dataclass(frozen=True, kw_only=True)
class SignedEntries:
    """Entries that one key of the site signed."""

    fingerprint: str
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was checked, and found as it was written."""

    entries: int
    texts: int
    """Number of kept texts that are what was sent or received."""
    torn: int
    """Number of half-written lines that a crash left and a later entry speaks of."""
    half: int
    """Bytes of a half-written line at the end; 0: none."""
    old: int
    """Number of entries by release 0.1.0: chained, not signed when they were written."""
    signed: tuple[SignedEntries, ...]
    countersigned: HeadReceipt | None
    """The newest head that the coordinator has seen and the ledger holds."""
    is_authority_known: bool
    """Whether the authority's signature of it could be checked: its key is in the home."""
    gaps: tuple[LedgerGap, ...]
    """What a person acknowledged as missing."""


def prove(file: LedgerFile, texts: Texts, authority: str) -> Proof:
    """Check all of a ledger; `authority` is the public key that countersigns, or "".

    A signature holds for all entries before it: that of the last entry of each key is checked,
    and the chain for all others.

    Raises
    ------
    DataError
        The first entry that is not what was written, or what is missing.
    """
    lines, half = file.read()
    _check_chain(lines)
    signed = _check_signatures(lines)
    _check_own_key(file, lines, signed)
    file.must_end_at_head(lines[-1] if lines else None)
    seen = _check_receipts(lines, signed[-1].first if signed else 0, authority)
    kept = [line for line in lines if line.entry.get("kept")]
    for line in kept:
        texts.read(line.number, line.entry)
    return Proof(
        entries=len(lines),
        texts=len(kept),
        torn=sum("unfinished" in line.entry for line in lines),
        half=half,
        old=sum("entry" not in line.entry for line in lines),
        signed=tuple(signed),
        countersigned=seen,
        is_authority_known=bool(authority),
        gaps=tuple(gaps_of(line.entry for line in lines)),
    )


def _check_chain(lines: Sequence[Line]) -> None:
    before = None
    for line in lines:
        entry, number = line.entry, line.number
        if "entry" in entry:
            held = entry["entry"] == number
            held &= entry.get("chain") == (before.chain if before else BEGINNING)
            first = before is None or "entry" not in before.entry
            held &= entry.get("old") == (number - 1 if first else None)
        else:
            held = entry.get("before") == (before.digest if before else BEGINNING)
            held &= before is None or "entry" not in before.entry
        if not held:
            raise DataError(
                f"entry {number} of the ledger does not continue the entry before it", CHANGED
            )
        before = line


def _check_signatures(lines: Sequence[Line]) -> list[SignedEntries]:
    """Return which key signed which entries; once signed, every later entry must be."""
    found: list[SignedEntries] = []
    public = own = ""
    for line, after in zip_longest(lines, lines[1:]):
        entry = line.entry
        if entry.get("kind") == KEY and KEY in entry:
            public = str(entry.get("public_key", ""))
            own = _fingerprint(public, line.number)
            found.append(SignedEntries(fingerprint=own, first=line.number, last=line.number))
        if entry.get(KEY, "") != own:
            raise DataError(f"entry {line.number} of the ledger is not signed", CHANGED)
        if not own:
            continue
        found[-1] = SignedEntries(fingerprint=own, first=found[-1].first, last=line.number)
        ends = after is None or (after.entry.get("kind") == KEY and KEY in after.entry)
        if ends and not is_signed_by(line.raw, public):
            raise DataError(
                f"the signature of entry {line.number} of the ledger is not valid", CHANGED
            )
    return found


def _fingerprint(public: str, number: int) -> str:
    try:
        return fingerprint(public)
    except HepaFedError as e:
        raise DataError(f"entry {number} of the ledger names no key", CHANGED) from e


def _check_own_key(
    file: LedgerFile, lines: Sequence[Line], signed: Sequence[SignedEntries]
) -> None:
    """Check that the enrolled key signed last, where the home has one and entries are signed."""
    key = file.key()
    if key is None or not lines or "entry" not in lines[-1].entry:
        return
    own = fingerprint(public_line(key))
    if not signed or signed[-1].fingerprint != own:
        raise DataError(
            "the ledger's last entry is not signed by this site's enrolled key", CHANGED
        )


def _check_receipts(lines: Sequence[Line], joined: int, authority: str) -> HeadReceipt | None:
    """Return the newest countersigned head since the enrolled key signs: entry `joined`."""
    missing = unresolved(lines)
    if missing:
        last = missing[-1]
        raise DataError(
            f"the coordinator has seen entry {last.entry} on {last.at[:10]}, and it is not in this "
            "ledger: was the home folder restored from a backup?",
            "restore the newer ledger.jsonl and ledger.head; if they are lost: client ledger "
            "--acknowledge-gap REASON",
        )
    seen = [
        s
        for s in receipts_of(lines)
        if joined < s.number > s.receipt.entry
        and lines[s.receipt.entry - 1].chain == s.receipt.chain
    ]
    if not seen:
        return None
    last = seen[-1].receipt
    if authority and not is_countersigned(last, authority):
        raise DataError(
            f"the countersignature in entry {seen[-1].number} is not by this federation's "
            "authority",
            CHANGED,
        )
    return last
