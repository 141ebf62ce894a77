"""How sites weigh in a mean where no share of one site is above a cap."""

from collections.abc import Mapping
from fractions import Fraction


def shared(examples: Mapping[str, int], cap: float) -> dict[str, int]:
    """Return the sites' examples cut so that none has more than `cap` of what is left.

    The largest ones are cut to one number. Of so few sites that this cannot be, all weigh 1.

    Parameters
    ----------
    examples
        Of each site, above 0.
    cap
        A share above 0, at most a half.
    """
    part = Fraction(cap).limit_denominator(10**6)  # 0.4 as it was written, not as a float is
    if part * len(examples) <= 1:
        return dict.fromkeys(examples, 1)
    order = sorted(examples, key=lambda site: -examples[site])
    rest = sum(examples.values())
    for cut, site in enumerate(order):
        limit = part * rest / (1 - cut * part)
        if examples[site] <= limit:
            return {s: min(n, int(limit)) for s, n in examples.items()}
        rest -= examples[site]
    raise ValueError("no share can be capped")  # never: some site is below 1 / sites < cap
