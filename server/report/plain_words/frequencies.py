"""Natural frequencies: of 100 patients, how many (Gigerenzer and Hoffrage 1995)."""

from hepafed.server.formats import RateEstimate
from hepafed.server.report.tables import hundredfold

FEWEST = 10
"""Cases below which a rate is not carried over to 100 patients."""


def of_100(rate: float) -> str:
    """Write a share as a number of 100; one that is not 0 or 1 is never written as 0 or 100."""
    shown = round(100 * rate)
    if shown == 100 and rate < 1:
        return "more than 99"
    if shown == 0 and rate > 0:
        return "fewer than 1"
    return str(shown)


def frequency(rate: RateEstimate, of: str, happens: str, *, other: bool = False) -> str:
    """Write a rate as `Of 100 patients with …, 98 are … (95 % CI 92 to 100; 65 of 66)`.

    `other` turns the rate round: the cases of the denominator that are not in the numerator. ""
    where there is no rate. Below `FEWEST` cases the counts stand alone; where they carry noise
    there are none.
    """
    n, k = rate.denominator, rate.numerator
    if rate.value is None:
        return ""
    if n is None or k is None:
        return _with_noise(rate, of, happens, other=other)
    count, value = (n - k, 1 - rate.value) if other else (k, rate.value)
    if n < FEWEST:
        whom = of.replace("patients", "patient", 1) if n == 1 else of
        return (
            f"{happens[0].upper()}{happens[1:]}: {count} of {n} {whom}. "
            "These are too few for a rate."
        )
    ends = ""
    if rate.low is not None and rate.high is not None:
        low, high = (1 - rate.high, 1 - rate.low) if other else (rate.low, rate.high)
        ends = f"95 % CI {hundredfold(low)} to {hundredfold(high)}; "
    return f"Of 100 {of}, {of_100(value)} are {happens} ({ends}{count:,} of {n:,})."


def _with_noise(rate: RateEstimate, of: str, happens: str, *, other: bool) -> str:
    """Write a rate of counts that are not known; "" where it has no interval."""
    if rate.value is None or rate.low is None or rate.high is None:
        return ""
    value, low, high = rate.value, rate.low, rate.high
    if other:
        value, low, high = 1 - value, 1 - high, 1 - low
    ends = f"95 % CI {hundredfold(low)} to {hundredfold(high)}"
    return f"Of 100 {of}, {of_100(value)} are {happens} ({ends})."
