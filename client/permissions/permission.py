"""A permission, what waits for one, and the reasons for which one does not cover a request."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from hepafed.client.permissions.asked import MODEL, AskedThing
from hepafed.common.records import optional

EVERY_STUDY = "*"
"""In the place of a study's name: whatever the coordinator asks."""


@dataclass(frozen=True, kw_only=True)
class Permission:
    """What a person allowed, and what was used of it."""

    id: str
    study: str = ""
    """The study that is allowed; "" where `digest` is."""
    digest: str = ""
    """SHA-256 of the one plan or model that is allowed; "" where `study` is."""
    requester: str = ""
    """Who may ask for it; "": anybody whose request the coordinator signs."""
    purpose: str = ""
    given: str
    """UTC, ISO 8601."""
    until: str
    """UTC, ISO 8601."""
    rounds: int = 0
    """Most rounds of training; 0: no limit."""
    models: int = 0
    """Most models that are scored, each under one plan; 0: no limit, but one plan of a `digest`."""
    bytes: int = 0
    """Most bytes that leave; 0: no limit."""
    withdrawn: str = ""
    """When it was withdrawn; "" if it was not."""
    used_rounds: tuple[str, ...] = field(default=())
    """The rounds that were answered (`AskedThing.step`)."""
    used_models: tuple[str, ...] = field(default=())
    """The models that were scored (`AskedThing.counted`)."""
    used_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A plan or a model that was asked for and that no permission covers."""

    digest: str
    kind: str
    """`plan` or `model`."""
    study: str
    requester: str
    run: str
    since: str
    rounds: int
    words: str
    why: str
    """Why the newest permission that is of it does not cover it; "" if there is none."""
    refused: str = optional("")
    """Why it is refused though a person allowed it: what site.toml or the cohort says; "" if not
    known."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What is listed once: digest, requester and study."""
        return self.digest, self.requester, self.study


def is_of(permission: Permission, digest: str, study: str) -> bool:
    """Tell whether a permission is of a plan or model, whatever its limits."""
    if permission.digest:
        return permission.digest == digest
    return permission.study in (study, EVERY_STUDY)


def not_covered(permission: Permission, asked: AskedThing, number: int, now: datetime) -> str:
    """Return why a permission does not cover the `number`th digest of a request, which it `is_of`.

    "" if it does.
    """
    if permission.withdrawn:
        return "the permission was withdrawn"
    if now > datetime.fromisoformat(permission.until):
        return "the permission has expired"
    if permission.requester and permission.requester != asked.requester:
        return "the permission is for another requester"
    if permission.bytes and permission.used_bytes >= permission.bytes:
        return "the bytes of the permission are used up"
    rounds, models = permission.used_rounds, permission.used_models
    if asked.step and asked.step not in rounds and 0 < permission.rounds <= len(rounds):
        return "the rounds of the permission are used up"
    new = asked.kind == MODEL and asked.counted[number] not in models
    if new and 0 < (permission.models or bool(permission.digest)) <= len(models):
        return "the models of the permission are used up"
    return ""


def used(permission: Permission, asked: AskedThing, number: int) -> Permission:
    """Return a permission under which a request is answered, with what that uses up."""
    rounds, models = permission.used_rounds, permission.used_models
    if asked.step and asked.step not in rounds:
        rounds = (*rounds, asked.step)
    if asked.kind == MODEL and asked.counted[number] not in models:
        models = (*models, asked.counted[number])
    return replace(permission, used_rounds=rounds, used_models=models)
