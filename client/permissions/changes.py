"""What a new version of permissions.json has that the version before had not, for the ledger."""

from collections.abc import Iterator
from dataclasses import replace

from hepafed.client.permissions.permission import Permission, Waiting, is_of
from hepafed.client.permissions.state import BookState
from hepafed.client.release import PermissionChange


def changes_of(before: BookState, after: BookState, run: str = "") -> tuple[PermissionChange, ...]:
    """Return what a person did, what was used, and what waits or waits no longer.

    `run`: the run whose question made the change; "" if a person did.
    """
    return (*_of_permissions(before, after, run), *_of_waiting(before, after))


def _of_permissions(before: BookState, after: BookState, run: str) -> Iterator[PermissionChange]:
    held = {p.id: p for p in before.permissions}
    for p in after.permissions:
        old = held.get(p.id)
        if old is None:
            yield replace(_change("allowed", p), requester=p.requester)
            old = p
        if p.withdrawn and not old.withdrawn:
            yield _change("withdrawn", p)
        used = replace(
            _change("used", p),
            run=run,
            rounds=len(p.used_rounds) - len(old.used_rounds),
            models=len(p.used_models) - len(old.used_models),
            bytes=p.used_bytes - old.used_bytes,
        )
        new_run = p.id in after.runs.get(run, ()) and p.id not in before.runs.get(run, ())
        if new_run or used.rounds or used.models or used.bytes:
            yield used


def _of_waiting(before: BookState, after: BookState) -> Iterator[PermissionChange]:
    for w in after.waiting:
        if w not in before.waiting:
            yield _waiting("waits", w)
    allowed = [p for p in after.permissions if p not in before.permissions]
    known = {w.key for w in after.waiting}
    for w in before.waiting:
        if w.key not in known and not any(is_of(p, w.digest, w.study) for p in allowed):
            yield _waiting("ended", w)


def _change(what: str, p: Permission) -> PermissionChange:
    return PermissionChange(
        what=what,
        permission=p.id,
        study=p.study,
        digest=p.digest,
        purpose=p.purpose,
        until=p.until,
    )


def _waiting(what: str, w: Waiting) -> PermissionChange:
    return PermissionChange(
        what=what, study=w.study, kind=w.kind, digest=w.digest, requester=w.requester, run=w.run
    )
