"""The operating point: a threshold chosen on the sites' pooled tuning cells, with its interval."""

from hepafed.common.disclosure.operating_point.check import check_tuning
from hepafed.common.disclosure.operating_point.choice import (
    FEWEST,
    ChosenThreshold,
    choose_threshold,
)

__all__ = ["FEWEST", "ChosenThreshold", "check_tuning", "choose_threshold"]
