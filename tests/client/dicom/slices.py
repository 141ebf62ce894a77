"""Builds the headers of slices and volumes of them without files, for rules that read no pixels."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import numpy as np
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.volumes.geometry import Stack, stack
from hepafed.client.dicom.volumes.volume import Volume

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
OBLIQUE = (2 / 3, 1 / 3, -2 / 3, 1 / 3, 2 / 3, 2 / 3)
"""Its normal is (2, -2, 1) / 3."""
OBLIQUE_NORMAL = (2 / 3, -2 / 3, 1 / 3)

PLAIN = Header(
    path="/nowhere/x", member="", name="x", frame=0, frames=1,
    sop_class="1.2.840.10008.5.1.4.1.1.4", instance="1", patient_id="P1", study="1", series="S1",
    series_number=None,
    manufacturer="", image_type=("ORIGINAL", "PRIMARY", "M"), component="", weighting="",
    description="", pulse="", scanning=("SE",), variant=(), options=(), volumetric=False,
    echo_time=90.0, repetition_time=4000.0, inversion_time=None, flip_angle=None,
    echo_train=None, field_strength=None, b_value=None, direction=None, isotropic=False,
    temporal=None, temporal_count=None, acquired=None, trigger=None, contrast=False,
    injected=None, acquisition=None,
    number=1, position=(0.0, 0.0, 0.0), orientation=AXIAL, spacing=(1.25, 1.5), rows=6, columns=5,
    bits_allocated=16, bits_stored=16, high_bit=15, signed=False,
    transfer_syntax="1.2.840.10008.1.2.1", big=False, pixel_offset=0, slope=1.0, intercept=0.0,
    scale_slope=None, lossy=False,
)  # fmt: skip
"""An axial T2 slice at the origin."""
T1 = {"scanning": ("GR",), "echo_time": 1.3, "repetition_time": 4.0, "flip_angle": 10.0}
DWI = {"scanning": ("SE", "EP"), "echo_time": 60.0, "repetition_time": 6000.0}

_instances = count(1)


def header(**changes: object) -> Header:
    """Give the plain slice with some fields changed."""
    return replace(PLAIN, **changes)  # type: ignore[arg-type]


def run(
    places: Sequence[float] = (0.0, 3.0, 6.0), first: int = 1, **changes: object
) -> list[Header]:
    """Give slices at places along the z-axis, mm, numbered in that order, each a file of its own.

    The files' names run against the order of the places.
    """
    made = []
    for k, z in enumerate(places):
        number = next(_instances)
        own = {
            "instance": f"1.{number}",
            "name": f"{999_999 - number:06d}",
            "position": (0.0, 0.0, float(z)),
            "number": first + k,
        }
        made.append(header(**own | changes))
    return made


def bare(headers: Sequence[Header]) -> Stack:
    """Give slices as a stack whose geometry does not matter."""
    return Stack(tuple(headers), np.eye(4), (1.0, 1.0, 1.0))


def volume(headers: Sequence[Header], sequence: str = "t1", rule: str = "t1") -> Volume:
    """Give slices as a volume of a role."""
    return Volume(stack(headers), sequence, rule)
