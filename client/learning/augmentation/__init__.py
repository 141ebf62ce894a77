"""Random changes of training images."""

from hepafed.client.learning.augmentation.changes import Augmentation
from hepafed.client.learning.augmentation.sequence_dropout import RandSequenceDropout

__all__ = ["Augmentation", "RandSequenceDropout"]
