"""What of a site's home is damaged: which file, what it costs, and what to do.

Keys, `site.toml` and a missing index of the cohort stop `client start` by their name. All other
files cost only what they hold: they are named, and the rest goes on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.cohort import Cohort
from hepafed.client.membership import connection
from hepafed.client.moments import HINT as MOMENTS_HINT
from hepafed.client.moments import Moments
from hepafed.client.outbound import PROXY_CA
from hepafed.client.permissions import PermissionBook
from hepafed.client.pseudonyms import KEY_FILE, KEY_HINT
from hepafed.client.release import (
    Ledger,
    LesionHistory,
    Peers,
    PrivacyBook,
    QuestionHistory,
    SumHistory,
    read_own_identity,
)
from hepafed.client.residuals import HINT as RESIDUALS_HINT
from hepafed.client.residuals import Residuals
from hepafed.client.strategy_state import HINT as STRATEGY_HINT
from hepafed.client.strategy_state import StrategyState
from hepafed.client.validations import damaged_validations
from hepafed.common.certificates import pinned
from hepafed.common.errors import HepaFedError
from hepafed.common.kept_files import fault_of, is_noted, must_be_readable, note_kept

KEYS = ("node.key", "token", "ca.pem", PROXY_CA)
"""What joining makes in keys/, and nothing changes later."""
AGAIN = "or run client leave --offline, and client join with a new invite"
SHOWN = 3
"""Damaged crops that are named one by one."""


@dataclass(frozen=True)
class HomeDamage:
    """A file of a site that cannot be used as it is."""

    found: str
    """Which file, and what is wrong with it."""
    hint: str
    """What it costs, and what to do."""
    stops: bool = False
    """Whether the site cannot run without it."""


def note_keys(home: Path) -> None:
    """Write down what the keys are, so that a change is found at the next start."""
    for path in (home / "keys" / name for name in KEYS):
        if path.exists() and not is_noted(path):
            note_kept(path)


def changed_settings(home: Path) -> bool:
    """Return whether site.toml is another one than at the last start, and remember it as it is."""
    path = home / "site.toml"
    changed = bool(fault_of(path))
    note_kept(path)
    return changed


def look_over(home: Path, *, whole: bool = True) -> list[HomeDamage]:
    """Return what is damaged in the home of a site that has joined; every crop is read.

    Without `whole` the moments of the optimiser (0.9 GB) are not read to their end: the round that
    needs them does. Without whole keys the ledger and what rests on it cannot be judged.
    """
    keys = list(_keys(home))
    return [*keys, *_cohort(home), *([] if keys else _promises(home)), *_kept(home, whole)]


def _keys(home: Path) -> Iterator[HomeDamage]:
    for name in KEYS:
        path = home / "keys" / name
        wrong = fault_of(path)
        if not wrong and name != PROXY_CA and not path.exists():
            wrong = "is missing"
        if wrong:
            cost = f"The site cannot connect. Restore a copy of keys/{name}, {AGAIN}"
            yield HomeDamage(f"keys/{name} {wrong}", cost, stops=True)
            return
    try:
        read_own_identity(home)
        pinned((home / "keys" / "ca.pem").read_text())
    except (HepaFedError, OSError, ValueError) as e:
        words = e.message if isinstance(e, HepaFedError) else "a file in keys/ cannot be read"
        yield HomeDamage(words, f"The site cannot connect. Restore a copy, {AGAIN}", stops=True)


def _cohort(home: Path) -> Iterator[HomeDamage]:
    key = home / KEY_FILE
    if fault := fault_of(key):
        yield HomeDamage(f"{KEY_FILE} {fault}", f"No ingest is possible: {KEY_HINT}")
    if fault := fault_of(home / "scan" / "known.db"):
        cost = "The next ingest reads every file again; nothing else is lost"
        yield HomeDamage(f"scan/known.db {fault}", cost)
    if not (home / "cohort").exists():
        return
    missing = not (home / "cohort" / "index.db").exists()
    try:
        store = Cohort.open(home)
        store.counts()
        store.facts((), "external")
        lost = store.damaged_crops()
    except HepaFedError as e:
        yield HomeDamage(e.message, f"Nothing is trained or scored here: {e.hint}", stops=missing)
        return
    for name in lost[:SHOWN]:
        yield HomeDamage(
            f"{name} is missing or damaged",
            "No plan is answered that needs it: restore a copy, or run client ingest again",
        )
    if len(lost) > SHOWN:
        yield HomeDamage(
            f"{len(lost) - SHOWN} more files in cohort/crops are missing or damaged",
            "Run client ingest again",
        )


def _promises(home: Path) -> Iterator[HomeDamage]:
    """Return what of the ledger, and of what the site must not forget, is damaged."""
    ledger = Ledger(home)
    try:
        ledger.verify()
    except HepaFedError as e:
        cost = "Nothing is answered that continues a changed entry, and nothing is proved"
        yield HomeDamage(f"ledger.jsonl: {e.message}", f"{cost}: {e.hint}")
    except OSError as e:
        yield HomeDamage(f"ledger.jsonl cannot be read: {e.strerror}", "restore a copy of it")
    cost = "Nothing that depends on it is answered:"
    checks: tuple[Callable[[], object], ...] = (
        PermissionBook(home, ledger).state,
        QuestionHistory(home, ledger).past,
        PrivacyBook(home, ledger).spent,
        SumHistory(home).must_be_known,
        LesionHistory(home).must_be_known,
        Peers(home).all,
    )
    for check in checks:
        try:
            check()
        except HepaFedError as e:
            yield HomeDamage(e.message, f"{cost} {e.hint}")
        except OSError as e:
            name = Path(str(e.filename or "a file")).name
            yield HomeDamage(f"{name} cannot be read: {e.strerror}", f"{cost} restore a copy")


def _kept(home: Path, whole: bool) -> Iterator[HomeDamage]:
    """Return what is damaged of what is kept for the eyes of the site, and of the registers."""
    for name, fault in damaged_validations(home):
        yield HomeDamage(
            f"{name} {fault}",
            "Only the pages of that validation need it (client review): restore a copy, or ask "
            "for the validation again",
        )
    for files, hint in (
        (Moments(home), MOMENTS_HINT),
        (StrategyState(home), STRATEGY_HINT),
        (Residuals(home), RESIDUALS_HINT),
    ):
        for fault in files.faults(whole=whole):
            cost = "No round of the training that made it goes on here"
            yield HomeDamage(fault, f"{cost}: {hint}")
    try:
        connection.must_be_known(home)
    except HepaFedError as e:
        cost = "Why the connection ended last is not known"
        yield HomeDamage(e.message, f"{cost}: {e.hint}")
    for lock in sorted(home.glob("*lock")):  # a lock file is empty; its loss costs nothing
        if lock.is_dir():
            cost = "What needs this lock is not answered: move the folder away"
            yield HomeDamage(f"{lock.name} is a folder", cost)
    for folder in (home, *(home / name for name in ("keys", "cohort", "scan", "scores"))):
        try:
            must_be_readable(folder)
        except HepaFedError as e:
            cost = "Meanwhile a changed or missing file beside it is not found"
            yield HomeDamage(e.message, f"{cost}: {e.hint}")
