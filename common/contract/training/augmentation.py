"""How training images are changed at random: the table `[augmentation]` of a plan."""

from dataclasses import dataclass

from hepafed.common.contract.rounds import within


@dataclass(frozen=True, kw_only=True)
class AugmentationPlan:
    """How far each random change goes; 0 leaves it out.

    An image is moved first; all its sequences move together. Then its intensities change.
    """

    rotate: float = 22.5
    """Largest angle to either side, degrees."""
    scale: float = 0.1
    """Largest change of each side's scale, as a share."""
    shift: float = 0.025
    """Largest shift along each side, as a share of the side."""
    flip: float = 0.5
    """Probability of a mirror image, for each of the two directions by itself."""
    gain: float = 0.15
    """Largest change of a sequence's gain, as a share; each sequence by itself."""
    offset: float = 0.15
    """Largest change of a sequence's level, in standard deviations of the body; each by itself."""
    probability: float = 0.2
    """Probability of each of the next four changes, for each image by itself (contrast: for each
    sequence)."""
    bias_field: float = 0.2
    """Largest coefficient of the bias field's polynomials, of degree 3 along each side (a field of
    the coil, the same for all sequences)."""
    noise: float = 0.1
    """Largest standard deviation of Gaussian noise, in standard deviations of the body."""
    contrast: float = 0.3
    """Largest distance of gamma from 1; each sequence by itself."""
    gibbs: float = 0.4
    """Largest share of the k-space radius that is cut off (Gibbs ringing)."""
    drop_sequence: float = 0.0
    """Probability that a sequence is set to zero, each by itself, though never the last one that an
    image has. Of use with `data.missing = "zero"`."""

    def __post_init__(self) -> None:
        """Check every value."""
        within("augmentation.rotate", self.rotate, 0, 180)
        within("augmentation.scale", self.scale, 0, 0.5)
        within("augmentation.shift", self.shift, 0, 0.5)
        within("augmentation.flip", self.flip, 0, 1)
        within("augmentation.gain", self.gain, 0, 0.9)
        within("augmentation.offset", self.offset, 0, 2)
        within("augmentation.probability", self.probability, 0, 1)
        within("augmentation.bias_field", self.bias_field, 0, 1)
        within("augmentation.noise", self.noise, 0, 2)
        within("augmentation.contrast", self.contrast, 0, 0.9)
        within("augmentation.gibbs", self.gibbs, 0, 0.9)
        within("augmentation.drop_sequence", self.drop_sequence, 0, 0.9)
