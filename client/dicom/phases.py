"""From slices to the facts that the rules look at, over the stacks of one examination."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hepafed.client.dicom.geometry import Stack
from hepafed.client.dicom.header import Header
from hepafed.client.dicom.sequences import Facts
from hepafed.client.dicom.volume import Volume

FAT_SHIFT = 3.4e-6 * 42.577e6
"""Hz per tesla between fat and water (3.4 ppm of the proton's frequency)."""
FEWEST_ENHANCED = 3
"""Enhanced stacks that make a dynamic: arterial, portal, delayed."""


def facts_of(stack: Stack, series: Sequence[Header]) -> Facts:
    """Collect what the rules may look at of one stack; `series` is all slices of its series."""
    h = stack.headers[0]
    echoes = {round(x.echo_time, 2) for x in series if x.echo_time is not None}
    options = {*h.options, *h.variant}
    cycles = None
    if h.echo_time is not None and h.field_strength is not None and 0 < h.field_strength < 20:
        cycles = h.echo_time * 1e-3 * FAT_SHIFT * h.field_strength
    return Facts(
        image_type=frozenset(h.image_type), component=h.component, weighting=h.weighting,
        description=h.description, manufacturer=h.manufacturer, pulse=h.pulse,
        scanning=frozenset(h.scanning), fat_saturated=bool(options & {"FS", "FAT", "SFS"}),
        volumetric=h.volumetric, echo_time=h.echo_time, repetition_time=h.repetition_time,
        inversion_time=h.inversion_time, flip_angle=h.flip_angle, b_value=h.b_value,
        weighted=any((x.b_value or 0) > 0 for x in series), temporal=h.temporal,
        contrast=h.contrast, cycles=cycles, dual=2 <= len(echoes) <= 3,
    )  # fmt: skip


def dynamic_facts(volumes: Sequence[Volume], facts: Sequence[Facts]) -> list[Facts]:
    """Add to the facts of an examination's T1 stacks where each stands in the dynamic.

    Enhanced is what says so; of a series with several temporal positions that says so
    throughout, the first is native unless the examination has another native stack. Where
    nothing says so, four stacks of one protocol are a dynamic whose first is native.
    """
    clock = [_started(v) for v in volumes]
    enhanced = _enhanced(volumes, facts)
    times = [t for t, e in zip(clock, enhanced, strict=True) if e]
    known = [t for t in times if t is not None]
    distinct = len(known) == len(times) and len(set(known)) > 1
    dynamic = len(times) >= FEWEST_ENHANCED
    keys = [
        (t if distinct and t is not None else 0.0, f.temporal or 0.0, v.headers[0].number)
        for v, f, t in zip(volumes, facts, clock, strict=True)
    ]
    ranked = sorted(k for k, e in zip(keys, enhanced, strict=True) if e)
    made = []
    for v, f, t, e, key in zip(volumes, facts, clock, enhanced, keys, strict=True):
        injected = v.headers[0].injected
        after = t - injected if t is not None and injected is not None else None
        made.append(
            replace(
                f,
                contrast=e,
                dynamic=dynamic and e,
                after_injection=after,
                after_first=t - min(known) if dynamic and e and distinct and t is not None
                else None,
                order=ranked.index(key) + 1 if e else 0,
            )
        )  # fmt: skip
    return made


def _started(volume: Volume) -> float | None:
    """Give when a stack began, s: the earliest slice; a trigger time counts from there."""
    times = [h.acquired for h in volume.headers if h.acquired is not None]
    triggers = [h.trigger for h in volume.headers if h.trigger is not None]
    return min(times) + (min(triggers) / 1000 if triggers else 0.0) if times else None


def _enhanced(volumes: Sequence[Volume], facts: Sequence[Facts]) -> list[bool]:
    """Tell which T1 stacks were acquired after contrast."""
    stated = [f.contrast for f in facts]
    series: dict[str, list[int]] = defaultdict(list)
    for k, v in enumerate(volumes):
        series[v.series_uid].append(k)
    if any(stated):
        native = not all(stated)
        for members in series.values():
            if len(members) > 1 and all(stated[k] for k in members) and not native:
                stated[min(members, key=lambda k: _rank(volumes[k], facts[k]))] = False
        return stated
    protocols = Counter(_protocol(v) for v in volumes)
    common, count = protocols.most_common(1)[0] if protocols else ((), 0)
    if count <= FEWEST_ENHANCED:
        return stated
    members = [k for k, v in enumerate(volumes) if _protocol(v) == common]
    first = min(members, key=lambda k: _rank(volumes[k], facts[k]))
    return [k in members and k != first for k in range(len(volumes))]


def _rank(volume: Volume, facts: Facts) -> tuple[float, float, int]:
    return (_started(volume) or 0.0, facts.temporal or 0.0, volume.headers[0].number)


def _protocol(volume: Volume) -> tuple[object, ...]:
    h = volume.headers[0]
    return (h.echo_time, h.repetition_time, h.flip_angle, volume.shape)
