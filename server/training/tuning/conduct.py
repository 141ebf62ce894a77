"""The masked sum of a round's tuning counts, held to what its sites stated."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.contract import TUNING_SPLIT, TuningFigures
from hepafed.common.disclosure import FEWEST_SITES, TUNING
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import Additive, vector_length
from hepafed.server.masked_sums import MaskedSum, SumFolder, WantedSum, check_cases, masked_sum
from hepafed.server.runs import LiveRun
from hepafed.server.training.tuning.groups import group_of
from hepafed.server.training.tuning.pooled import macro_error, pooled_figures


@dataclass(frozen=True, kw_only=True)
class PooledTuning:
    """The tuning figures of several sites together, from their masked sum."""

    lesions: dict[str, int]
    """Lesions of each of its sites, in order of their names."""
    figures: TuningFigures
    """Their figures as if they were one site."""
    error: float
    """Standard error of the macro AUC."""


def pooled_tuning(
    live: LiveRun, round_: int, digest: str, figures: Mapping[str, TuningFigures]
) -> PooledTuning | None:
    """Sum the tuning counts of the weights `digest`, those after so many rounds, and open the sum.

    None where no sum came about; the run's events say why, and which site. Weights from before the
    first round are never chosen, so nothing is asked of them.

    Parameters
    ----------
    figures
        What each site said of its tuning split.
    """
    if not round_:
        return None
    name = f"{TUNING}-{round_:05d}-{digest[:16]}"
    clear_sums(live.folder, but=name)
    group, outside = group_of(figures)
    live.note_missing(outside, round=round_)
    sealed = SumFolder(live.folder, name).load().terms is not None
    if len(group) < FEWEST_SITES and not sealed:
        return None
    wanted = WantedSum(
        subject=TUNING,
        weights=digest,
        split=TUNING_SPLIT,
        length=vector_length(),
        name=name,
        whole=any(figures[s].group for s in group),
    )
    summed = masked_sum(live, wanted, list(group))
    try:
        made = _taken(live, summed, figures)
    except PayloadError as e:
        sites = list(summed.sites or group)
        live.event("unsummed", round=round_, sites=sites, reason=e.message)
        return None
    _say_heavy(live, round_, made.lesions)
    return made


def clear_sums(folder: Path, but: str = "") -> None:
    """Delete the tuning sums of a run's folder, except the one of that name."""
    found = {p.name.split(".")[0] for p in folder.glob(f"masked-{TUNING}-*")}
    for name in {n.removeprefix("masked-") for n in found} - {but}:
        SumFolder(folder, name).remove()


def _taken(live: LiveRun, summed: MaskedSum, figures: Mapping[str, TuningFigures]) -> PooledTuning:
    """Return what a sum says; PayloadError where there is none, or it cannot be believed."""
    if summed.total is None:
        lost = "; ".join(f"{s}: {r}" for s, r in sorted(summed.lost.items()))
        raise PayloadError(lost or "the sum did not come about")
    gone = sorted(set(summed.sites) - set(live.sites.members()))
    if gone:
        raise PayloadError(f"the sum includes {', '.join(gone)}, no member any more")
    for site in summed.sites:
        if site in figures and _stated(figures[site]) != _signed(summed.totals[site]):
            raise PayloadError(f"{site} signed other numbers of cases than it stated")
    cases = [sum(column) for column in zip(*summed.totals.values(), strict=True)]
    sums = Additive.from_vector(summed.total)
    check_cases(sums, cases, ", ".join(summed.sites))
    return PooledTuning(
        lesions={s: sum(summed.totals[s][2:]) for s in summed.sites},
        figures=pooled_figures(sums),
        error=macro_error(sums),
    )


def _stated(figures: TuningFigures) -> tuple[int, ...]:
    """Return the benign and malignant patients and the lesions that a site stated."""
    return (*(n for t in figures.tasks for n in (t.negatives, t.positives)), figures.lesions)


def _signed(totals: tuple[int, ...]) -> tuple[int, ...]:
    return (*totals[:2], sum(totals[2:]))


def _say_heavy(live: LiveRun, round_: int, lesions: Mapping[str, int]) -> None:
    """Name the site that has more of a sum than the plan's largest share; a sum cannot cap it."""
    share, total = live.run.plan.rounds.max_share, sum(lesions.values())
    for site, count in lesions.items():
        if count > share * total:
            live.event("heavy", round=round_, site=site, lesions=count, of=total)
