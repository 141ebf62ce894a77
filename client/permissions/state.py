"""What the file permissions.json holds."""

from dataclasses import dataclass, field

from hepafed.client.permissions.permission import Permission, Waiting
from hepafed.client.release import PermissionChange
from hepafed.common.records import optional


@dataclass(frozen=True, kw_only=True)
class BookState:
    """What the file holds under the signature."""

    permissions: tuple[Permission, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    runs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The permissions under which each run was answered, by run."""
    changes: tuple[PermissionChange, ...] = optional(())
    """What this version has that the one before had not that the ledger knows."""
    before: str = ""
    """SHA-256 of the version before; "" if this is the first."""


@dataclass(frozen=True, kw_only=True)
class SignedBook:
    """The file itself."""

    state: BookState
    signature: str
