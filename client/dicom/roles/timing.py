"""When the stacks of an examination were acquired, in which order, and whether one is missing."""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from math import gcd

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


def gap_in(volumes: Sequence[Volume], numbers: Collection[float]) -> bool:
    """Return whether a stack seems to be missing between stacks in the order of acquisition.

    A temporal position is skipped or fewer are there than the series states; or a series number
    is skipped among series that are counted evenly, and no other series of the examination (of
    which `numbers` are the series numbers) has it.
    """
    positions: dict[str, list[Volume]] = {}
    for v in volumes:
        positions.setdefault(v.series_uid, []).append(v)
    if any(_lacks_position(members) for members in positions.values()):
        return True
    own = [v.headers[0].series_number for v in volumes]
    steps = sorted({int(n) for n in own if n is not None})
    if len(positions) < 3 or len(steps) != len(positions):
        return False
    step = gcd(*(b - a for a, b in pairwise(steps)))
    between = range(steps[0], steps[-1], step)
    return any(n not in steps and n not in numbers for n in between)


def _lacks_position(members: Sequence[Volume]) -> bool:
    found = [v.headers[0].temporal for v in members]
    stated = [v.headers[0].temporal_count for v in members]
    known = sorted(int(t) for t in found if t is not None)
    if len(members) > 1 and max(s or 0 for s in stated) > len(members):
        return True
    return len(known) > 1 and known != list(range(known[0], known[0] + len(known)))


def seconds_apart(time: float | None, since: float | None) -> float | None:
    """Return the seconds from one moment to another; None where one is not known."""
    return None if time is None or since is None else time - since
