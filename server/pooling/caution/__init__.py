"""Where an interval covers more or less often than it says, and the remark beside it."""

from hepafed.server.pooling.caution.few_lost import (
    CAUTIOUS,
    LEAST_LOST,
    as_patients,
    few_lost,
    with_caution,
)

__all__ = ["CAUTIOUS", "LEAST_LOST", "as_patients", "few_lost", "with_caution"]
