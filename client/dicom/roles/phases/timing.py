"""When the stacks of an examination were acquired, in which order, and whether one is missing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from math import gcd

from hepafed.client.dicom.encoding import Header
from hepafed.client.dicom.volumes import Volume

SAME_MOMENT = 1.0
"""Seconds within which two stacks have one acquisition time."""
PORTAL_AFTER = (20.0, 75.0)
"""Seconds after the first arterial stack between which a portal one begins."""


def clocks_of(volumes: Sequence[Volume]) -> list[float | None]:
    """Return when each stack began, s on one clock; None where it is not known.

    TriggerTime (0018,1060), ms, counts from AcquisitionTime where several stacks state the same
    one (GE); where AcquisitionTime advances by itself the trigger repeats it (Philips).
    """
    starts = [_first(h.acquired for h in v.headers) for v in volumes]
    triggers = [_first(h.trigger for h in v.headers) for v in volumes]
    clocks: list[float | None] = []
    for k, (start, trigger) in enumerate(zip(starts, triggers, strict=True)):
        if start is None:
            clocks.append(None)
            continue
        shared = any(
            other is not None and abs(other - start) <= SAME_MOMENT
            for j, other in enumerate(starts)
            if j != k
        )
        clocks.append(start + (trigger or 0.0) / 1000 * shared)
    return clocks


def _first(values: Iterable[float | None]) -> float | None:
    return min((v for v in values if v is not None), default=None)


def order_of(volumes: Sequence[Volume], clocks: Sequence[float | None]) -> list[int] | None:
    """Return the stacks in the order of acquisition; None where that is not known of all.

    By time; where that is not known, or two stacks share it, by the numbers that the scanner
    counts up: of the series, the temporal position and the acquisition. Never by identifiers.
    """
    by_time = sorted(range(len(volumes)), key=lambda k: clocks[k] or 0.0)
    if None in clocks:
        by_time = list(range(len(volumes)))
        groups = [by_time] if by_time else []
    else:
        groups = [by_time[:1]] if by_time else []
        for a, b in pairwise(by_time):
            if (clocks[b] or 0.0) - (clocks[a] or 0.0) <= SAME_MOMENT:
                groups[-1].append(b)
            else:
                groups.append([b])
    order: list[int] = []
    for group in groups:
        numbered = _numbered([volumes[k] for k in group])
        if numbered is None:
            return None
        order += [group[i] for i in numbered]
    return order


def _numbered(volumes: Sequence[Volume]) -> list[int] | None:
    """Order stacks by the series' number, and within a series by the first of its counters.

    These are the temporal position, the acquisition's number and that of the first instance.
    """
    places = range(len(volumes))
    if len(volumes) < 2:
        return list(places)
    series = [v.headers[0].series_number for v in volumes]
    if len({v.series_uid for v in volumes}) == 1:
        series = [0.0] * len(volumes)
    for count in (_nothing, _temporal, _acquisition, _instance):
        keys = [(s, count(v)) for s, v in zip(series, volumes, strict=True)]
        known = {(s, n) for s, n in keys if s is not None and n is not None}
        if len(known) == len(volumes):
            return sorted(places, key=lambda i: (keys[i][0] or 0.0, keys[i][1] or 0.0))
    return None


def _nothing(volume: Volume) -> float | None:
    return 0.0


def _temporal(volume: Volume) -> float | None:
    return volume.headers[0].temporal


def _acquisition(volume: Volume) -> float | None:
    return _first(h.acquisition for h in volume.headers)


def _instance(volume: Volume) -> float | None:
    return float(min(h.number for h in volume.headers))


def is_course(times: Sequence[float]) -> bool:
    """Return whether enhanced stacks in order, s, can be arterial, portal and later ones.

    The first is arterial only where a portal one follows in its time; else a phase is missing.
    """
    since = [t - times[0] for t in times]
    low, high = PORTAL_AFTER
    return any(low <= t < high for t in since) and since[-1] >= high


def lacks_position(volumes: Sequence[Volume]) -> bool:
    """Return whether a series of several stacks skips a temporal position, or has fewer than said.

    The series says in NumberOfTemporalPositions (0020,0105) how many it holds.
    """
    series: dict[str, list[Header]] = defaultdict(list)
    for v in volumes:
        series[v.series_uid].append(v.headers[0])
    for members in series.values():
        known = sorted(int(h.temporal) for h in members if h.temporal is not None)
        if len(members) > 1 and max(h.temporal_count or 0 for h in members) > len(members):
            return True
        if len(known) > 1 and known != list(range(known[0], known[0] + len(known))):
            return True
    return False


def skips_number(volumes: Sequence[Volume], numbers: Collection[float]) -> bool:
    """Return whether a series seems to be missing between the series of stacks.

    Of series that are counted evenly one number is skipped, and no other series of the
    examination (of which `numbers` are the series numbers) has it.
    """
    own = {v.series_uid: v.headers[0].series_number for v in volumes}
    steps = sorted({int(n) for n in own.values() if n is not None})
    if len(own) < 3 or len(steps) != len(own):
        return False
    step = gcd(*(b - a for a, b in pairwise(steps)))
    between = range(steps[0], steps[-1], step)
    return any(n not in steps and n not in numbers for n in between)


def seconds_apart(time: float | None, since: float | None) -> float | None:
    """Return the seconds from one moment to another; None where one is not known."""
    return None if time is None or since is None else time - since
