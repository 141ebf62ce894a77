"""What a person at a site does in a test: allow everything, or one study."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hepafed.client.permissions.book import PermissionBook
from hepafed.client.permissions.permission import EVERY_STUDY, Permission
from hepafed.client.release.ledger import Ledger

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


def permission(name: str = "p-1", **values: Any) -> Permission:  # noqa: ANN401
    until = (NOW + timedelta(days=10)).isoformat()
    return Permission(**{"id": name, "given": NOW.isoformat(), "until": until, **values})


def allow_everything(home: Path) -> None:
    until = datetime(2099, 1, 1, tzinfo=UTC).isoformat()
    PermissionBook(home, Ledger(home)).add(permission(study=EVERY_STUDY, until=until))
