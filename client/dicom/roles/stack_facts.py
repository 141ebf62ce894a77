"""From slices to the facts that the rules look at, over the stacks of one examination."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hepafed.client.dicom.encoding import Header
from hepafed.client.dicom.roles.rule import StackFacts
from hepafed.client.dicom.volumes import Volume

FAT_SHIFT = 3.4e-6 * 42.577e6
"""Hz per tesla between fat and water (3.4 ppm of the proton's frequency)."""
FEWEST_ENHANCED = 3
"""Enhanced stacks that make a dynamic: arterial, portal, delayed."""


def facts_of(h: Header, series: Sequence[Header]) -> StackFacts:
    """Collect what the rules may look at of one stack, given its first slice and its series."""
    echoes = {round(x.echo_time, 2) for x in series if x.echo_time is not None}
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
        weighted=any((x.b_value or 0) > 0 for x in series),
        temporal=h.temporal,
        contrast=h.contrast,
        cycles=cycles,
        dual=2 <= len(echoes) <= 3,
    )


def dynamic_facts(volumes: Sequence[Volume], facts: Sequence[StackFacts]) -> list[StackFacts]:
    """Add to the facts of an examination's T1 stacks where each stands in the dynamic."""
    clock = [_started(v) for v in volumes]
    states = _states(volumes, facts)
    enhanced = [k for k, s in enumerate(states) if s == "enhanced"]
    times = [clock[k] for k in enhanced]
    known = [t for t in times if t is not None]
    timed = len(known) == len(times) and len(set(known)) > 1
    in_order = sorted(enhanced, key=lambda k: _rank(volumes[k], facts[k], timed=timed))
    crowded = Counter(v.series_uid for v in volumes)
    made = []
    for k, (v, f) in enumerate(zip(volumes, facts, strict=True)):
        t, injected = clock[k], v.headers[0].injected
        dynamic = k in enhanced and len(enhanced) >= FEWEST_ENHANCED
        after_first = t - min(known) if dynamic and timed and t is not None else None
        made.append(
            replace(
                f,
                contrast=k in enhanced,
                native=states[k] == "native",
                alone=crowded[v.series_uid] == 1,
                dynamic=dynamic,
                after_injection=None if t is None or injected is None else t - injected,
                after_first=after_first,
                order=in_order.index(k) + 1 if k in enhanced else 0,
            )
        )
    return made


def _started(volume: Volume) -> float | None:
    """Return when a stack began, s: the earliest slice; a trigger time counts from there."""
    times = [h.acquired for h in volume.headers if h.acquired is not None]
    triggers = [h.trigger for h in volume.headers if h.trigger is not None]
    return min(times) + (min(triggers) / 1000 if triggers else 0.0) if times else None


def _states(volumes: Sequence[Volume], facts: Sequence[StackFacts]) -> list[str]:
    """Return for each T1 stack whether it is `native` or `enhanced`; "" where nothing tells.

    Enhanced is what says so; of a series with several temporal positions that says so
    throughout, the first is native unless the examination has another native stack. Where
    nothing says so, four stacks of one protocol are a dynamic whose first is native.
    """
    series: dict[str, list[int]] = defaultdict(list)
    for k, v in enumerate(volumes):
        series[v.series_uid].append(k)
    stated = [f.contrast for f in facts]
    if any(stated):
        states = ["enhanced" if s else "native" for s in stated]
        for members in series.values() if all(stated) else ():
            if len(members) > 1:
                states[_first(members, volumes, facts)] = "native"
        return states
    protocols: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for k, v in enumerate(volumes):
        protocols[_protocol(v)].append(k)
    states = ["native" if len(series[v.series_uid]) == 1 else "" for v in volumes]
    repeated = max(protocols.values(), key=len, default=[])
    if len(repeated) > FEWEST_ENHANCED:
        for k in repeated:
            states[k] = "enhanced"
        states[_first(repeated, volumes, facts)] = "native"
    return states


def _first(members: list[int], volumes: Sequence[Volume], facts: Sequence[StackFacts]) -> int:
    return min(members, key=lambda k: _rank(volumes[k], facts[k], timed=True))


def _rank(volume: Volume, facts: StackFacts, *, timed: bool) -> tuple[float, float, int]:
    started = _started(volume) if timed else None
    return (started or 0.0, facts.temporal or 0.0, volume.headers[0].number)


def _protocol(volume: Volume) -> tuple[object, ...]:
    h = volume.headers[0]
    return (h.echo_time, h.repetition_time, h.flip_angle, volume.shape)
