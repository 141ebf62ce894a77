"""A site's answer with noise: what it says of itself, and the noise that it adds to its counts."""

from datetime import datetime

import numpy as np
from hepafed.client.release.noise.accounting import need_of
from hepafed.client.release.noise.book import NoisyAnswer
from hepafed.common.contract import PrivacyConfig
from hepafed.common.contract.messages import SiteSummary, Terms, ValidateRequest
from hepafed.common.disclosure import Counts
from hepafed.common.disclosure.noise import (
    LENGTH,
    SQUARED,
    honest_sites,
    noise_of,
    share_for,
    told_by,
    variance_of,
)
from hepafed.common.errors import RefusedError


def noisy_summary(
    policy: PrivacyConfig, request: ValidateRequest, minimum_count: int
) -> SiteSummary:
    """Return all that leaves beside counts with noise: nothing of the cohort."""
    return SiteSummary(
        run=request.run,
        model=request.model,
        weights=request.weights,
        patients=0,
        lesions=0,
        by_class={},
        minimum_count=minimum_count,
        tasks=(),
        confusion=None,
        form="noisy",
        noise=need_of(policy),
    )


def check_noise(policy: PrivacyConfig, terms: Terms) -> None:
    """Check that the noise of a sum is enough for this site.

    Raises
    ------
    RefusedError
        It is not.
    """
    honest = honest_sites(len(terms.participants), policy.colluding_sites)
    needed = share_for(need_of(policy).rho, honest, LENGTH, SQUARED)
    if terms.noise < needed:
        raise RefusedError(
            f"the noise of this sum falls short of this site's epsilon {policy.epsilon:g}",
            "ask the coordinator to begin the validation anew",
        )


def answer_to(policy: PrivacyConfig, terms: Terms, now: datetime) -> NoisyAnswer:
    """Return the entry of a sum in the budget: what it tells of a patient of this site."""
    honest = honest_sites(len(terms.participants), policy.colluding_sites)
    return NoisyAnswer(
        exchange=terms.exchange,
        run=terms.run,
        split=terms.split,
        weights=terms.weights,
        at=now.isoformat(timespec="seconds"),
        rho=told_by(terms.noise, honest, LENGTH, SQUARED),
    )


def with_noise(counts: Counts, terms: Terms) -> Counts:
    """Return counts with this site's part of the noise, drawn afresh."""
    noise = noise_of(variance_of(terms.noise), len(counts))
    made: Counts = (counts.view(np.int64) + noise).view(np.uint64)
    return made
