"""A run while it is conducted: what was asked, where it is written down, whom it may ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepafed.server.runs.sites import Sites
from hepafed.server.runs.store import Run
from hepafed.server.runs.stores import Stores

STEP_SECONDS = 180.0
"""How long an answer of a masked sum is waited for: the scoring lies behind."""


@dataclass(frozen=True)
class LiveRun:
    """The one object that a procedure (`train`, `validate`, `survey`) is called with."""

    run: Run
    """The run as it stood when the attempt began; `change` writes to disk alone."""
    stores: Stores
    sites: Sites
    """The sites that this run may ask."""
    step_seconds: float = STEP_SECONDS
    """How long keys, masked vectors, seeds and placements are waited for."""

    @property
    def folder(self) -> Path:
        """The folder that holds the run's files."""
        return self.stores.runs.folder(self.run.id)

    def may_go_on(self) -> bool:
        """Return whether nobody asked the run to stop."""
        return self.stores.runs.may_go_on(self.run.id)

    def change(self, **values: Any) -> None:  # noqa: ANN401
        """Change some fields of the run's record on disk."""
        self.stores.runs.change(self.run.id, **values)

    def event(self, kind: str, **values: Any) -> None:  # noqa: ANN401
        """Add a line to the run's history."""
        self.stores.runs.event(self.run.id, kind, **values)

    def note_missing(self, reasons: Mapping[str, str], **values: Any) -> None:  # noqa: ANN401
        """Add a line `missing` to the run's history for each site of `reasons`, in order."""
        for site, reason in sorted(reasons.items()):
            self.event("missing", **values, site=site, reason=reason)
