"""The ledger as a page for a data protection officer: what left, to whom, when, how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepafed.client.release.ledger.changes import WHOLE, changes_in
from hepafed.client.release.ledger.plain_words import said_of, words_of
from hepafed.client.release.ledger.proof import Proof
from hepafed.common.files import write_whole
from hepafed.common.printable import printable
from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass(frozen=True, kw_only=True)
class Total:
    """All entries of one kind that left."""

    what: str
    """In plain words."""
    number: int
    size: int
    """Bytes, all together."""
    first: str
    last: str
    requesters: str
    permissions: str


def write_page(target: Path, site: str, entries: Sequence[Mapping[str, Any]], proof: Proof) -> None:
    """Write the page (0600): a summary of what left first, then every entry.

    `entries` as `Ledger.entries` gives them; `proof` as `Ledger.verify` does.
    """
    pages = Environment(
        loader=PackageLoader("hepafed.client.release.ledger", "."),
        autoescape=True,
        undefined=StrictUndefined,
    )
    rows = [_row(number, entry) for number, entry in enumerate(entries, 1)]
    text = pages.get_template("ledger.html").render(
        site=site,
        rows=rows,
        totals=totals_of(rows),
        runs=sorted({r["run"] for r in rows if r["run"]}),
        proof=proof,
    )
    write_whole(target, text, private=True)


def totals_of(rows: Sequence[Mapping[str, Any]]) -> list[Total]:
    """Return what left by kind, in the order in which each first left."""
    left: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["direction"] == "out":
            left.setdefault(row["what"], []).append(row)
    return [
        Total(
            what=what,
            number=sum(r["times"] for r in found),
            size=sum(r["bytes"] for r in found),
            first=found[0]["at"],
            last=found[-1]["at"],
            requesters=_listed(r["requester"] for r in found),
            permissions=_listed(r["permission"] for r in found),
        )
        for what, found in left.items()
    ]


def _listed(words: Any) -> str:  # noqa: ANN401 - an iterable of texts
    return ", ".join(dict.fromkeys(w for w in words if w))


def _row(number: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry as the page shows it; text of the other side without control characters."""
    direction = str(entry.get("direction", "out"))
    studies = [str(entry.get("study", "")), *(c.study for c in changes_in(entry))]
    return {
        "number": number,
        "at": str(entry["at"])[:19].replace("T", " "),
        "day": str(entry["at"])[:10],
        "direction": direction,
        "what": words_of(str(entry["kind"])),
        "said": said_of(entry),
        "study": printable(_listed("every study" if s == WHOLE else s for s in studies)),
        "times": int(entry.get("times", 1)),
        "run": printable(str(entry["run"])),
        "requester": printable(str(entry.get("requester") or _other(direction))),
        "permission": printable(str(entry.get("permission", ""))),
        "bytes": int(entry["bytes"]),
        "sha256": str(entry["sha256"]),
    }


def _other(direction: str) -> str:
    return "" if direction == "here" else "coordinator"
