"""Noise by choice: the table [privacy] of site.toml, and what a site needs of the noise."""

import math
from dataclasses import dataclass

from hepafed.common.errors import ConfigError

LARGEST_EPSILON = 50.0
LARGEST_DELTA = 1e-3
SMALLEST_DELTA = 1e-15
MOST_COLLUDING = 999


@dataclass(frozen=True, kw_only=True)
class PrivacyConfig:
    """The table [privacy] of site.toml: noise in every answer to a validation."""

    epsilon: float
    """What one answer may tell of one patient: the counts leave with so much noise that they are
    (`epsilon`, `delta`)-differentially private: an answer changes the odds that a patient is in the
    data by a factor of at most e^`epsilon` (20 at 3), apart from `delta` (docs/decisions/0023)."""
    lifetime_epsilon: float
    """What all answers about a cohort together may tell, at the same `delta`; beyond it nothing is
    answered."""
    delta: float = 1e-5
    """The chance that an answer tells more; far below 1 / the number of patients."""
    colluding_sites: int = 1
    """How many other sites may tell the coordinator their part of the noise without harm. As many
    as there are: this site's own noise is enough."""

    def __post_init__(self) -> None:
        """Check the limits."""
        for key, value in (("epsilon", self.epsilon), ("lifetime_epsilon", self.lifetime_epsilon)):
            if not 0.01 <= value <= LARGEST_EPSILON:
                raise ConfigError(f"privacy.{key}: {value} is outside 0.01…50")
        if self.lifetime_epsilon < self.epsilon:
            raise ConfigError(
                f"privacy.lifetime_epsilon: {self.lifetime_epsilon} is less than epsilon: "
                "no answer would fit"
            )
        if not SMALLEST_DELTA <= self.delta <= LARGEST_DELTA:
            raise ConfigError(f"privacy.delta: {self.delta} is outside 1e-15…0.001")
        if not 0 <= self.colluding_sites <= MOST_COLLUDING:
            raise ConfigError(f"privacy.colluding_sites: {self.colluding_sites} is outside 0…999")


@dataclass(frozen=True, kw_only=True)
class NoiseNeed:
    """The noise without which a site gives no answer."""

    epsilon: float
    """The site's `epsilon` for one answer."""
    delta: float
    """The site's `delta`."""
    rho: float
    """The same as zero-concentrated differential privacy (Bun and Steinke 2016), from which the
    variance follows."""
    colluding_sites: int
    """How many other sites' noise the site does not count on."""

    def possible(self) -> bool:
        """Return whether the numbers can be those of a site: in range, and rho ≤ ε."""
        numbers = (self.epsilon, self.delta, self.rho)
        return (
            all(map(math.isfinite, numbers))
            and 0.01 <= self.epsilon <= LARGEST_EPSILON
            and SMALLEST_DELTA <= self.delta <= LARGEST_DELTA
            and 1e-9 <= self.rho <= self.epsilon
            and 0 <= self.colluding_sites <= MOST_COLLUDING
        )
