"""Gaps: heads that the coordinator countersigned and this ledger does not hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hepafed.client.release.ledger.lines import Line
from hepafed.common.contract.messages import LONGEST_REASON, HeadReceipt, LedgerGap
from hepafed.common.errors import DataError, UsageError
from hepafed.common.records import read_record


@dataclass(frozen=True)
class Seen:
    """A countersigned head that came with a request."""

    number: int
    """The number of the request's entry."""
    receipt: HeadReceipt


def check_reason(reason: str) -> None:
    """Check a person's words; UsageError when they are not one line, or too long."""
    if not 0 < len(reason.strip()) <= LONGEST_REASON or not reason.isprintable():
        raise UsageError(
            f"the reason must be one line of 1 to {LONGEST_REASON} characters",
            "name no patient; it is sent to the coordinator",
        )


def gaps_of(entries: Iterable[dict[str, Any]]) -> list[LedgerGap]:
    """Return every acknowledged gap, oldest first; DataError for one that is damaged."""
    return [
        read_record(LedgerGap, gap, DataError, "gap")
        for entry in entries
        if entry.get("kind") == "gap"
        for gap in entry.get("gaps", ())
    ]


def receipts_of(lines: Sequence[Line]) -> list[Seen]:
    """Return the countersigned heads that came with requests, oldest first."""
    return [
        Seen(
            line.number,
            read_record(HeadReceipt, line.entry["countersigned"], DataError, "countersigned"),
        )
        for line in lines
        if "countersigned" in line.entry
    ]


def unresolved(lines: Sequence[Line]) -> list[HeadReceipt]:
    """Return the countersigned heads that the ledger neither holds nor has acknowledged."""
    said = {(g.entry, g.chain) for g in gaps_of(line.entry for line in lines)}
    missing = []
    for seen in receipts_of(lines):
        entry, chain = seen.receipt.entry, seen.receipt.chain
        held = 1 <= entry < seen.number and lines[entry - 1].chain == chain
        if not held and (entry, chain) not in said:
            missing.append(seen.receipt)
    return missing
