"""A masked sum over the sites of a validation: keys, masked vectors, opening; again on a loss.

The coordinator carries the keys and adds up; it can read the sum and nothing before it
(common/disclosure/masking.py). An attempt in which a site is lost before the opening is never
opened, so it tells nothing, and the next one goes on without that site. The progress lies in the
run's folder, so a restarted coordinator goes on with the attempt that was sealed.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from hepafed.common.contract import NoiseNeed
from hepafed.common.contract.messages import Terms
from hepafed.common.disclosure import FEWEST_SITES, MOST_ATTEMPTS, Counts, opened_sum
from hepafed.common.disclosure.noise import (
    LARGEST_SHARE,
    LENGTH,
    SQUARED,
    honest_sites,
    share_for,
)
from hepafed.server.masked_sums.masked_progress import SumFolder, SumProgress
from hepafed.server.masked_sums.masked_steps import (
    Bands,
    ask_for_seeds,
    exchange_keys,
    take_vectors,
)
from hepafed.server.runs import LiveRun


@dataclass(frozen=True, kw_only=True)
class WantedSum:
    """The sum that is wanted: of which counts, and of which weights' scores."""

    subject: str
    """`counts`, `tuning`, `noisy-counts` or another one, as in `Terms`."""
    weights: str
    split: str
    length: int
    """How many 64-bit counts a site's vector holds."""
    readers: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    """Weights that `weights` are compared with."""
    most_attempts: int = MOST_ATTEMPTS
    needs: Mapping[str, NoiseNeed] = field(default_factory=dict)
    """The noise that each site needs, where the counts carry it."""
    name: str = ""
    """Name of its files, where a run has several sums of the subject; "": the subject."""
    whole: bool = False
    """Whether only all of the sites together make the sum: they sum with no other group."""


@dataclass(frozen=True)
class MaskedSum:
    """The sum that came about, or the reasons why there is none."""

    sites: tuple[str, ...] = ()
    """Sites that the sum is over; empty when there is none."""
    total: Counts | None = None
    attempts: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    """Sites that dropped out, with the reason."""
    bands: dict[str, Bands] = field(default_factory=dict)
    """Bands of the AUCs that each site released beside it."""
    totals: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The numbers of cases that each of its sites signed."""
    noise: int = 0
    """Variance of the noise that each site added to each count, in 1/65536."""


def masked_sum(live: LiveRun, wanted: WantedSum, sites: list[str]) -> MaskedSum:
    """Sum the vectors of `sites` under masks; of those that stay, when some drop out.

    Without a sum (too few stayed, too many attempts, or a site was lost at the opening)
    `total` is None.
    """
    folder = SumFolder(live.folder, wanted.name or wanted.subject)
    progress = folder.load()
    if not progress.done and progress.terms is None:
        progress = _sealed(live, wanted, folder, progress, sites)
    if not progress.done and progress.terms is not None:
        progress = _opened(live, folder, progress, progress.terms)
    if not progress.done or progress.terms is None:
        return MaskedSum(attempts=progress.attempt, lost=dict(progress.lost))
    total = folder.total(progress.terms.length)
    return MaskedSum(
        progress.terms.participants,
        total,
        progress.attempt,
        dict(progress.lost),
        dict(progress.bands),
        dict(progress.totals),
        progress.terms.noise,
    )


def _sealed(
    live: LiveRun, wanted: WantedSum, folder: SumFolder, progress: SumProgress, sites: list[str]
) -> SumProgress:
    """Attempt until the vectors of all that are left have arrived."""
    while progress.attempt < wanted.most_attempts and live.may_go_on():
        group = tuple(sorted(s for s in sites if s not in progress.lost))
        if len(group) < (len(sites) if wanted.whole else FEWEST_SITES):
            break
        terms = _terms(live, wanted, progress.attempt + 1, group)
        progress = folder.store(replace(progress, attempt=terms.attempt))
        live.event("masking", subject=terms.subject, attempt=terms.attempt, sites=list(group))
        offers, lost = exchange_keys(live, terms)
        if not lost:
            lost = take_vectors(live, terms, offers, folder.vectors)
        if not lost:
            totals = {o.site: o.totals for o in offers}
            return folder.store(replace(progress, terms=terms, totals=totals))
        live.note_missing({s: f"masked sum: {reason}" for s, reason in lost.items()})
        progress = folder.store(replace(progress, lost=progress.lost | lost))
    return progress


def _terms(live: LiveRun, wanted: WantedSum, attempt: int, group: tuple[str, ...]) -> Terms:
    return Terms(
        exchange=secrets.token_hex(16),
        run=live.run.id,
        subject=wanted.subject,
        weights=wanted.weights,
        split=wanted.split,
        attempt=attempt,
        participants=group,
        length=wanted.length,
        readers=wanted.readers,
        against=wanted.against,
        noise=noise_for(group, wanted.needs),
    )


def noise_for(group: tuple[str, ...], needs: Mapping[str, NoiseNeed]) -> int:
    """Return the variance of each site's noise (1/65536) that is enough for all of a group.

    The site that needs most decides; 0 where nobody needs any.
    """
    if not needs:
        return 0
    shares = (
        share_for(n.rho, honest_sites(len(group), n.colluding_sites), LENGTH, SQUARED)
        for n in (needs[s] for s in group)
    )
    # a unit more, because the site's last digits of the same computation may differ
    return min(max(shares) + 1, LARGEST_SHARE)


def _opened(live: LiveRun, folder: SumFolder, progress: SumProgress, terms: Terms) -> SumProgress:
    """Have every participant open its own mask, and add up."""
    opened = ask_for_seeds(live, terms)
    if opened is None:
        return progress
    if opened.failed:
        lost = {s: f"lost while the sum was opened: {r}" for s, r in opened.failed.items()}
        return folder.store(replace(progress, lost=progress.lost | lost))
    vectors: dict[str, Counts] = {
        s: np.memmap(folder.vectors / s, "<u8", "r") for s in terms.participants
    }
    progress = replace(progress, bands=opened.bands)
    return folder.finish(progress, opened_sum(vectors, opened.seeds, terms))
