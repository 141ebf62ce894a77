"""Requests of a run, signed by the coordinator: each for one site, with who asked and for what."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from hepafed.common.contract import study_of
from hepafed.common.contract.messages import seal
from hepafed.server.runs.sites import Seal
from hepafed.server.runs.store import Run
from hepafed.server.runs.stores import Stores


def asked_study(stores: Stores, run: Run) -> str:
    """Return the study for which a run asks: its evaluation's, else its plan's.

    Raises
    ------
    RunError
        The evaluation was changed after it was recorded.
    """
    promised = stores.runs.evaluation(run)
    return (promised.study if promised else "") or study_of(run.plan)


def sealing(
    stores: Stores, run: Run, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Seal:
    """Return what signs the requests of a run with the coordinator's key."""

    def sealed(site: str, text: str, seconds: float) -> Mapping[str, str]:
        return seal(
            text,
            stores.registry.key(),
            site=site,
            requester=run.requester or "coordinator",
            study=asked_study(stores, run),
            now=clock(),
            seconds=seconds,
        )

    return sealed
