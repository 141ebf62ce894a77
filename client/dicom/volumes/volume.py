"""A volume: a stack of slices, or the mean of several, with its role and how to load it."""

from dataclasses import dataclass, field, replace

import numpy as np
from hepafed.client.dicom.encoding import FileOutcome, Header
from hepafed.client.dicom.volumes.geometry import Stack
from hepafed.client.dicom.volumes.pixels import load_stack
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Volume:
    """Slices of one series in order along their normal. Identities stay in memory."""

    stack: Stack
    sequence: str
    """A word of the vocabulary or a finer name, e.g. `t1-in-phase`."""
    rule: str
    """Name of the rule that decided."""
    directions: tuple["Volume", ...] = ()
    """Diffusion directions (or repeats) whose geometric mean this is; empty for one stack."""
    stated_b: float | None = None
    """b-value that the description of a series with one stack names, s/mm²."""
    certainty: float = 1.0
    """How far the evidence of its role is believed, 0 to 1 (`roles.rule.WEIGHTS`)."""
    doubts: tuple[str, ...] = ()
    """What speaks against its role; sentences of ours, no value of the files."""
    after_injection: float | None = None
    """Seconds from the start of contrast, where that can be believed."""

    @property
    def headers(self) -> tuple[Header, ...]:
        """Return the slices in order; of a mean, those of its first direction."""
        return self.stack.headers

    @property
    def affine(self) -> NDArray[np.float64]:
        """Return the 4×4 matrix from voxel [column, row, slice, 1] to patient LPS, mm."""
        return self.stack.affine

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Return the distance between slices, rows and columns, mm."""
        return self.stack.spacing

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the number of slices, rows and columns."""
        return len(self.headers), self.headers[0].rows, self.headers[0].columns

    @property
    def stacks(self) -> tuple["Volume", ...]:
        """Return the single stacks that the volume is made of."""
        return self.directions or (self,)

    @property
    def names(self) -> list[str]:
        """Return the names of all files that the volume is made of, in slice order."""
        return list(dict.fromkeys(h.name for v in self.stacks for h in v.headers))

    @property
    def b_value(self) -> float | None:
        """Return the b-value, s/mm²; 0 where a diffusion series states none."""
        b = self.headers[0].b_value
        if b is None:
            b = self.stated_b
        return 0.0 if b is None and self.rule == "b-zero" else b

    @property
    def combined(self) -> str:
        """Return how several directions became one volume; "" for one stack."""
        return f"geometric mean of {len(self.directions)} directions" if self.directions else ""

    @property
    def lossy(self) -> bool:
        """Return whether a slice was compressed with loss."""
        return any(h.lossy for v in self.stacks for h in v.headers)

    @property
    def remark(self) -> str:
        """Return what a person should know about the files, although they are used."""
        return "; ".join(filter(None, (self.combined, "compressed with loss" * self.lossy)))

    @property
    def patient_id(self) -> str:
        """Return the patient's identity as the hospital writes it."""
        return self.headers[0].patient_id

    @property
    def study_uid(self) -> str:
        """Return the StudyInstanceUID."""
        return self.headers[0].study

    @property
    def series_uid(self) -> str:
        """Return the SeriesInstanceUID."""
        return self.headers[0].series

    def load(self) -> NDArray[np.float32]:
        """Decode the voxels, float32 [slices, rows, columns], after rescale.

        Raises
        ------
        DicomError
            A slice cannot be decoded.
        """
        if not self.directions:
            return load_stack(self.headers)
        total: NDArray[np.float32] = np.zeros(self.shape, np.float32)
        with np.errstate(divide="ignore"):
            for part in self.directions:
                # Signal is never negative; log 0 is −∞, and the mean with a zero is zero
                total += np.log(np.maximum(load_stack(part.headers), 0))
        total /= len(self.directions)
        return np.exp(total, out=total)

    def named(self, sequence: str, rule: str) -> "Volume":
        """Return the volume with another role."""
        return replace(self, sequence=sequence, rule=rule)


@dataclass(frozen=True)
class Grouped:
    """What the slices of one examination amount to."""

    volumes: list[Volume] = field(default_factory=list)
    outcomes: dict[str, FileOutcome] = field(default_factory=dict)
    """By the file's name."""
    remarks: tuple[str, ...] = ()
    """What of the examination's T1 series contradicts itself or decides nothing."""
