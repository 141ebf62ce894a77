"""What an entry about permissions says: what was allowed, withdrawn or used, and of which study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hepafed.client.release.ledger.lookup import SHORTEST
from hepafed.common.errors import DataError
from hepafed.common.printable import printable
from hepafed.common.records import read_record

ALLOWED, WITHDRAWN, USED, WAITS, ENDED = "allowed", "withdrawn", "used", "waits", "ended"
WHOLE = "*"
"""In the place of a study's name: every study."""


@dataclass(frozen=True, kw_only=True)
class PermissionChange:
    """One thing that a new version of permissions.json has and the version before had not."""

    what: str
    """`allowed`, `withdrawn`, `used`, `waits` (for a person) or `ended` (it waits no longer)."""
    permission: str = ""
    """Id of the permission; "" for what waits."""
    study: str = ""
    """The study; `*` for every study; "" where one plan or model is allowed by its digest."""
    kind: str = ""
    """`plan` or `model`, of what waits."""
    digest: str = ""
    """SHA-256 of the plan or model; "" where a study is allowed."""
    requester: str = ""
    """Who may ask, or who asked; "": anybody."""
    purpose: str = ""
    """What for, as the person wrote it."""
    until: str = ""
    """Last second of the permission, UTC, ISO 8601."""
    run: str = ""
    """The run that uses it, or waits."""
    rounds: int = 0
    """Rounds of training that are counted as used with this change."""
    models: int = 0
    """Models that are counted as used with this change."""
    bytes: int = 0
    """Bytes that are counted as used with this change."""


def changes_in(entry: Mapping[str, Any]) -> tuple[PermissionChange, ...]:
    """Return what a ledger's entry says of permissions; none for an entry that says nothing.

    Raises
    ------
    DataError
        It is damaged.
    """
    return tuple(read_record(PermissionChange, c, DataError) for c in entry.get("changes", ()))


def change_words(change: PermissionChange) -> str:
    """Return a change in plain words: who did what, of which study, for what purpose."""
    of = _thing(change)
    said = {
        ALLOWED: f"A person here allowed {of}",
        WITHDRAWN: f"A person here withdrew the permission of {of}",
        USED: f"Counted as used of the permission of {of}: {_used(change)}",
        WAITS: f"{of} began to wait for a person here",
        ENDED: f"{of} is not listed as waiting any more; nobody here allowed it",
    }.get(change.what, f"{change.what}: {of}")
    more = [f"until {change.until[:10]}"] if change.what == ALLOWED and change.until else []
    if change.what == ALLOWED and change.requester:
        more.append(f"only if {change.requester} asks")
    if change.purpose:
        more.append(f"purpose: {change.purpose}")
    made = printable("; ".join((said, *more)))
    return made[:1].upper() + made[1:]


def _thing(change: PermissionChange) -> str:
    """Return what is allowed or waits."""
    of_study = f"the study {change.study}" if change.study != WHOLE else "every study"
    if not change.digest:
        return of_study
    one = f"the {change.kind or 'plan or model'} {change.digest[:SHORTEST]}"
    return f"{one} of {of_study}" if change.study else one


def _used(change: PermissionChange) -> str:
    counted = (
        (change.rounds, "round of training", "rounds of training"),
        (change.models, "model", "models"),
        (change.bytes, "byte", "bytes"),
    )
    parts = [f"{n} {one if n == 1 else many}" for n, one, many in counted if n]
    return ", ".join(parts) or "an answer, which its limits do not count again"
