"""What a plan says of the training at a site: its settings, and how images are changed."""

from hepafed.common.contract.training.augmentation import AugmentationPlan
from hepafed.common.contract.training.checks import one_of, within
from hepafed.common.contract.training.settings import LONGEST_SECONDS, TrainingPlan

__all__ = ["LONGEST_SECONDS", "AugmentationPlan", "TrainingPlan", "one_of", "within"]
