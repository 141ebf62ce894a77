"""What a site may state of how its cohort came about.

The sources are words of the program and are always stated: they say something of the site, nothing
of a patient. The counts of what was left out leave only where the site shares a summary of its
cohort, under the rule of `suppression.hide`: patients and lesions of one reason are hidden together.
"""

from hepafed.common.contract import LEFT_OUT, CohortFacts, CohortOrigin, LeftOut
from hepafed.common.disclosure.suppression import hide


def released_origin(facts: CohortFacts, minimum: int, *, shared: bool) -> CohortOrigin:
    """Return what leaves of the facts; `shared`: policy lets a summary of the cohort leave."""
    if not shared:
        return CohortOrigin(sources=facts.sources)
    counts = {reason: facts.left_out.get(reason, (0, 0)) for reason in LEFT_OUT}
    hidden = hide(counts, minimum)
    return CohortOrigin(
        sources=facts.sources,
        left_out=tuple(
            LeftOut(
                reason=reason,
                patients=None if reason in hidden else patients,
                lesions=None if reason in hidden else lesions,
            )
            for reason, (patients, lesions) in counts.items()
        ),
    )
