"""Sites that give no update round after round: how much of the training data stays out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hepafed.common.contract import RoundsPlan
from hepafed.common.errors import RunError
from hepafed.server.runs import LiveRun, train_patients
from hepafed.server.training.participation import Participation

OFFLINE = "it was offline when the round began"
SILENT = "no answer before the deadline"
"""How the reason of a site begins that was too slow (server/runs/asking.py)."""


@dataclass(frozen=True)
class Absence:
    """Sites that missed as many rounds in a row as the plan says, and have much of the data."""

    sites: dict[str, int]
    """Rounds that each has missed in a row, up to now."""
    share: float | None
    """Their share of the data of all sites of which it is known; None where none is known."""
    unit: str
    """`examples`, as the sites stated them last, or `patients`, from the newest `server cohort`."""
    unknown: tuple[str, ...]
    """Those of `sites` of which it is not known how much they have."""
    reasons: dict[str, str]
    """Why each missed the last round."""


def absence(
    taken: Participation,
    until: int,
    members: Collection[str],
    rounds: RoundsPlan,
    patients: Mapping[str, int],
) -> Absence | None:
    """Return which sites with much of the data are missing after a round; None where none are.

    Sites of which nothing is known are named too: not known is not nothing.

    Parameters
    ----------
    members
        The sites of the run, as of now.
    patients
        Training patients of sites, as far as cohort surveys say.
    """
    missed = {s: taken.missed_in_a_row(s, until) for s in sorted(members)}
    away = {s: n for s, n in missed.items() if n >= rounds.missing_rounds}
    if not away:
        return None
    known, unit = _known(taken.latest(until), patients, members)
    unknown = tuple(s for s in away if s not in known)
    total = sum(known.values())
    share = (
        sum(known.get(s, 0) for s in away) / total if total and len(unknown) < len(away) else None
    )
    if not unknown and (share or 0.0) <= rounds.missing_share:
        return None
    reasons = {s: taken.reasons[until][s] for s in away}
    return Absence(away, share, unit, unknown, reasons)


def _known(
    examples: Mapping[str, int], patients: Mapping[str, int], members: Collection[str]
) -> tuple[dict[str, int], str]:
    """Return how much data each site has, and of what, in the unit that tells of more sites."""
    stated = {s: examples[s] for s in members if s in examples}
    surveyed = {s: patients[s] for s in members if s in patients}
    if len(surveyed) > len(stated):
        return surveyed, "patients"
    return stated, "examples"


def note_absence(live: LiveRun, taken: Participation, round_: int) -> None:
    """Say, after a round, which sites with much of the data are missing.

    Raises
    ------
    RunError
        The plan stops a run of which such sites are missing.
    """
    rounds = live.run.plan.rounds
    patients = train_patients(live.stores.runs)
    found = absence(taken, round_, live.sites.members(), rounds, patients)
    if found is None:
        return
    said = words(found, rounds)
    if rounds.missing == "stop" or any(
        n % rounds.missing_rounds == 0 for n in found.sites.values()
    ):
        live.event(
            "absence",
            round=round_,
            sites=found.sites,
            share=found.share,
            unit=found.unit,
            unknown=list(found.unknown),
            text=said,
        )
    if rounds.missing == "stop":
        raise RunError(
            f"stopped after round {round_}, as the plan says (rounds.missing): {said}",
            f"no round is lost: server resume {live.run.id} goes on when the sites are back, or "
            "without them",
        )


def words(found: Absence, rounds: RoundsPlan) -> str:
    """Return an absence in sentences for the coordinator, with what to do."""
    said = [
        f"{s}: no update in the last {n} round{'' if n == 1 else 's'} ({found.reasons[s]})."
        for s, n in found.sites.items()
    ]
    if found.share is not None:
        names = [s for s in found.sites if s not in found.unknown]
        has = f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'}"
        said.append(f"{has} {100 * found.share:.0f} % of the known training {found.unit}.")
    if found.unknown:
        silent = ", ".join(found.unknown)
        said.append(f"How much training data is at {silent} is not known (server cohort asks).")
    return " ".join([*said, *_remedies(found, rounds)])


def _remedies(found: Absence, rounds: RoundsPlan) -> list[str]:
    """Return what to do about the reasons, each cause once."""
    made = []
    if any(r.startswith(SILENT) for r in found.reasons.values()):
        made.append(
            f"A site that is too slow needs a plan with rounds.deadline above {rounds.deadline}, "
            f'or with rounds.strategy = "fednova" and training.budget = {rounds.deadline // 2}.'
        )
    if OFFLINE in found.reasons.values():
        made.append("At a site that is offline, client check says why.")
    return made
