"""From slices to the facts that the rules look at, of one stack by itself."""

from collections.abc import Sequence

from hepafed.client.dicom.encoding import Header
from hepafed.client.dicom.roles.rule import StackFacts
from hepafed.client.dicom.volumes import nominals

FAT_SHIFT = 3.4e-6 * 42.577e6
"""Hz per tesla between fat and water (3.4 ppm of the proton's frequency)."""


def facts_of(h: Header, series: Sequence[Header]) -> StackFacts:
    """Collect what the rules may look at of one stack, given its first slice and its series."""
    echoes = {*nominals((x.echo_time for x in series), 0.01, 0.05).values()} - {None}
    options = {*h.options, *h.variant}
    cycles = None
    if h.echo_time is not None and h.field_strength is not None and 0 < h.field_strength < 20:
        cycles = h.echo_time * 1e-3 * FAT_SHIFT * h.field_strength
    return StackFacts(
        image_type=frozenset(h.image_type),
        component=h.component,
        weighting=h.weighting,
        description=h.description,
        manufacturer=h.manufacturer,
        pulse=h.pulse,
        scanning=frozenset(h.scanning),
        fat_saturated=bool(options & {"FS", "FAT", "SFS"}),
        volumetric=h.volumetric,
        echo_time=h.echo_time,
        repetition_time=h.repetition_time,
        inversion_time=h.inversion_time,
        flip_angle=h.flip_angle,
        b_value=h.b_value,
        isotropic=h.isotropic,
        weighted=any((x.b_value or 0) > 0 for x in series),
        temporal=h.temporal,
        contrast=h.contrast,
        cycles=cycles,
        dual=2 <= len(echoes) <= 3,
    )
