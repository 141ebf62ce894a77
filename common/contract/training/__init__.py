"""What a plan says of the training at a site: its settings, and how images are changed."""

from hepafed.common.contract.training.augmentation import AugmentationPlan
from hepafed.common.contract.training.settings import TrainingPlan

__all__ = ["AugmentationPlan", "TrainingPlan"]
