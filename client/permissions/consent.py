"""Judges each request by what a person at the site allowed, and counts what is used of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hepafed.client.permissions.asked import AskedThing, asked_of
from hepafed.client.permissions.book import MOST_WAITING, PermissionBook
from hepafed.client.permissions.permission import (
    Permission,
    Waiting,
    is_of,
    not_covered,
    used,
)
from hepafed.client.permissions.stamps import AnsweredStamps
from hepafed.client.permissions.state import BookState
from hepafed.client.permissions.waits import OpenWait, WaitBook
from hepafed.client.release import Ledger
from hepafed.common.contract import study_of
from hepafed.common.contract.messages import (
    CohortRequest,
    Stamp,
    TrainRequest,
    TuneRequest,
    open_sealed,
)
from hepafed.common.errors import ConfigError, RefusedError

MOST_RUNS = 200
"""Runs whose answers can go on; the oldest make room."""
WITHOUT = "no person at this site has allowed what this run asks"


class NotAllowedError(RefusedError):
    """No permission covers the request; a person at the site can give one."""

    def __init__(self, digests: tuple[str, ...], why: str, kind: str) -> None:
        """`digests`: the plans or models (`kind`) that no permission covers; `why` the first."""
        super().__init__(why or WITHOUT, "client pending shows what waits; client allow allows it")
        self.digests, self.kind = digests, kind


class Consent:
    """What the worker asks before it answers anything."""

    def __init__(
        self,
        home: Path,
        site: str,
        ledger: Ledger,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._home, self._site, self._clock = home, site, clock
        self._book = PermissionBook(home, ledger)
        self._stamps = AnsweredStamps(ledger, WaitBook(home, ledger))

    def opened(self, values: dict[str, object]) -> tuple[str, Stamp]:
        """Return text and stamp of a signed request that did not come before.

        The caller writes both into the ledger before anything is answered.

        Raises
        ------
        RefusedError
            Its signature, site or time does not hold, or it is sent a second time.
        PayloadError
            Its stamp is damaged.
        ConfigError
            The coordinator's certificate cannot be read.
        DataError
            An entry of the ledger was changed, cut out or put in.
        """
        try:
            authority = (self._home / "keys" / "ca.pem").read_text()
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigError("the coordinator's certificate (keys/ca.pem) cannot be read") from e
        now = self._clock()
        text, stamp = open_sealed(values, authority, self._site, now)
        self._stamps.check(stamp)
        return text, stamp

    def missing(self, request: object, stamp: Stamp) -> NotAllowedError | None:
        """Return what `admit` would raise because nobody allowed it, or None; change nothing.

        Raises
        ------
        RefusedError, ConfigError
            As `admit` says.
        """
        asked = _asked(request, stamp)
        if asked is None:
            return None
        return _judged(self._book.state(), asked, self._clock())[1]

    def lists(self, wait: OpenWait) -> bool:
        """Tell whether a person still reads of a question that waits (`client pending`)."""
        return wait.keys <= {w.key for w in self._book.state().waiting}

    def admit(self, request: object, stamp: Stamp, refused: str = "") -> tuple[str, ...]:
        """Return the ids of the permissions that cover a request, with its use counted.

        `refused`: why it would be refused though a person allowed it, for that person to read.

        Raises
        ------
        NotAllowedError
            None covers it; what it asks is listed as waiting.
        RefusedError
            It continues a run that was not allowed, or is not any more.
        ConfigError
            The permissions were changed by another than this site's commands.
        """
        asked = _asked(request, stamp)
        if asked is None:
            if isinstance(request, CohortRequest):
                return ()
            return self._of_run(str(getattr(request, "run", "")))
        now = self._clock()
        with self._book.changing(run=asked.run) as change:
            state, missing, ids = _judged(change.state, asked, now)
            if missing is None:
                change.state = replace(state, runs=_with_run(state, asked.run, ids))
            else:
                change.state = _all_listed(change.state, asked, now, refused)
        if missing is not None:
            raise missing
        return ids

    def spend(self, ids: tuple[str, ...], size: int, run: str = "") -> None:
        """Count bytes that are about to leave under permissions, for a run.

        Raises
        ------
        RefusedError
            A permission allows fewer; nothing may leave.
        """
        if not ids:
            return
        with self._book.changing(run=run) as change:
            for p in change.state.permissions:
                if p.id not in ids:
                    continue
                if p.bytes and p.used_bytes + size > p.bytes:
                    raise RefusedError("the answer has more bytes than the permission allows")
                change.state = _changed(change.state, replace(p, used_bytes=p.used_bytes + size))

    def _of_run(self, run: str) -> tuple[str, ...]:
        """Return the permissions of a run whose answer goes on, if they still stand."""
        state, now = self._book.state(), self._clock()
        ids = state.runs.get(run, ())
        standing = {
            p.id
            for p in state.permissions
            if not p.withdrawn and now <= datetime.fromisoformat(p.until)
        }
        if not ids or not standing.issuperset(ids):
            raise RefusedError("the run was not allowed at this site, or is not any more")
        return ids


def _asked(request: object, stamp: Stamp) -> AskedThing | None:
    if isinstance(request, (TrainRequest, TuneRequest)) and stamp.study != study_of(request.plan):
        raise RefusedError("the request was signed for another study than its plan's")
    return asked_of(request, stamp)


def _judged(
    state: BookState, asked: AskedThing, now: datetime
) -> tuple[BookState, NotAllowedError | None, tuple[str, ...]]:
    """Return the state with the use counted, and the ids of the permissions; or what is missing."""
    missing: dict[str, str] = {}
    ids: list[str] = []
    for number, digest in enumerate(asked.digests):
        found, why = _covering(state, asked, number, now)
        if found is None:
            missing.setdefault(digest, why)
            continue
        state = _changed(state, used(found, asked, number))
        ids.append(found.id)
    names = tuple(dict.fromkeys(ids))
    if not missing:
        return state, None, names
    return state, NotAllowedError(tuple(missing), next(iter(missing.values())), asked.kind), names


def _all_listed(state: BookState, asked: AskedThing, now: datetime, refused: str) -> BookState:
    """Return the state with everything listed as waiting that no permission covers."""
    judged = state
    for number in range(len(asked.digests)):
        found, why = _covering(judged, asked, number, now)
        if found is None:
            state = _listed(state, asked, number, why, now, refused)
        else:
            judged = _changed(judged, used(found, asked, number))
    return state


def _covering(
    state: BookState, asked: AskedThing, number: int, now: datetime
) -> tuple[Permission | None, str]:
    """Return the newest permission that covers a digest; else None and why the newest does not."""
    why = ""
    for p in reversed(state.permissions):
        if is_of(p, asked.digests[number], asked.study):
            reason = not_covered(p, asked, number, now)
            if not reason:
                return p, ""
            why = why or reason
    return None, why


def _changed(state: BookState, permission: Permission) -> BookState:
    kept = tuple(permission if p.id == permission.id else p for p in state.permissions)
    return replace(state, permissions=kept)


def _listed(
    state: BookState, asked: AskedThing, number: int, why: str, now: datetime, refused: str
) -> BookState:
    """Return the state with one more plan or model that waits; one that waits already stays."""
    waiting = Waiting(
        digest=asked.digests[number],
        kind=asked.kind,
        study=asked.study,
        requester=asked.requester,
        run=asked.run,
        since=now.isoformat(timespec="seconds"),
        rounds=asked.rounds,
        words=asked.words[number],
        why=why,
        refused=refused,
    )
    others = tuple(w for w in state.waiting if w.key != waiting.key)
    for w in state.waiting:
        if w.key == waiting.key and (w.why, w.run, w.refused) == (why, asked.run, refused):
            return state
    return replace(state, waiting=(*others, waiting)[-MOST_WAITING:])


def _with_run(state: BookState, run: str, ids: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the runs with one more; of the oldest the answer cannot go on any more."""
    held = {r: i for r, i in state.runs.items() if r != run}
    both = tuple(dict.fromkeys((*state.runs.get(run, ()), *ids)))
    return dict([*held.items(), (run, both)][-MOST_RUNS:])
