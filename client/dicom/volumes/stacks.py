"""Split one series into the stacks it holds: by contrast, b-value, direction, echo and time."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise

from hepafed.client.dicom.encoding import Header, SetAsideError
from hepafed.client.dicom.volumes.geometry import SAME_PLACE, Stack, check, places_of, stack
from hepafed.common.errors import DicomError

Refusal = tuple[list[Header], DicomError]


def stacks_of(series: Sequence[Header]) -> tuple[list[Stack], list[Refusal]]:
    """Split the slices of one series into stacks; return those, and what made none and why.

    AcquisitionNumber is no criterion: Philips counts it up inside one volume. Acquisition time
    is none by itself: two-dimensional sequences acquire slice after slice.
    """
    made: list[Stack] = []
    refused: list[Refusal] = []
    for group in _by(series, _kind(series)):
        try:
            parts = _repeats(group)
        except DicomError as e:
            refused.append((group, e))
            continue
        for part in parts:
            try:
                if len(part) == 1:
                    raise SetAsideError("a single slice")
                made.append(stack(part))
            except DicomError as e:
                refused.append((part, e))
    return made, refused


def _by(headers: Iterable[Header], key: Callable[[Header], Hashable]) -> list[list[Header]]:
    groups: dict[Hashable, list[Header]] = defaultdict(list)
    for h in headers:
        groups[key(h)].append(h)
    return list(groups.values())


def _kind(series: Sequence[Header]) -> Callable[[Header], Hashable]:
    """Make the key that slices of one stack share, whatever their geometry."""
    weighted = any((h.b_value or 0) > 0 for h in series)

    def key(h: Header) -> Hashable:
        # b = 0 may carry no b-value at all (Toshiba)
        b = round(h.b_value or 0) if weighted else h.b_value
        return (
            h.image_type,
            h.component,
            _rounded(h.echo_time, 2),
            _rounded(h.inversion_time, 0),
            _rounded(h.flip_angle, 1),
            b,
            direction_key(h),
        )

    return key


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def direction_key(h: Header) -> Hashable:
    """Name a diffusion direction; none at b = 0, of a trace image, or where it is not stated."""
    if not h.b_value or h.isotropic or h.direction is None:
        return None
    return tuple(round(v, 2) + 0.0 for v in h.direction)


def _repeats(group: list[Header]) -> list[list[Header]]:
    """Split slices that lie several times at each place: by temporal position, else by time.

    Raises
    ------
    DicomError
        The geometry is not one stack's, or nothing tells the repeats apart.
    """
    if len(group) > 1:
        check(group)
    else:
        return [group]
    places = places_of(group)
    rows = _places(group, places)
    counts = Counter(len(r) for r in rows)
    if set(counts) == {1}:
        return [group]
    temporal = _by(group, lambda h: h.temporal)
    if len(temporal) > 1:
        return [part for t in sorted(temporal, key=_temporal) for part in _untimed(t)]
    return _untimed(group)


def _temporal(group: list[Header]) -> float:
    return group[0].temporal or 0.0


def _places(group: list[Header], places: list[float]) -> list[list[Header]]:
    """Collect the slices that lie at one place."""
    rows: list[list[Header]] = []
    last = float("-inf")
    for place, h in sorted(zip(places, group, strict=True), key=lambda pair: pair[0]):
        if place - last > SAME_PLACE:
            rows.append([])
        rows[-1].append(h)
        last = place
    return rows


def _untimed(group: list[Header]) -> list[list[Header]]:
    """Split repeats without temporal identifiers: the k-th in time at each place.

    Raises
    ------
    DicomError
        The places hold different numbers of slices, or nothing says which came first.
    """
    rows = _places(group, places_of(group))
    times = len(rows[0])
    if any(len(r) != times for r in rows):
        raise DicomError("two slices lie at the same place")
    for row in rows:
        row.sort(key=_when)
    parts = [[row[k] for row in rows] for k in range(times)]
    # Directions of one b-value may be unnamed: their mean does not depend on the order
    if not (group[0].b_value or _timed(rows) or _in_blocks(parts)):
        raise DicomError("two slices lie at the same place")
    return parts


def _timed(rows: list[list[Header]]) -> bool:
    """Return whether times or acquisition numbers set the slices at each place apart."""
    return all(len({_when(h)[:3] for h in row}) == len(row) for row in rows)


def _in_blocks(parts: list[list[Header]]) -> bool:
    """Return whether the instance numbers run through one repeat after the other."""
    numbers = [[h.number for h in part] for part in parts]
    return all(max(a) < min(b) for a, b in pairwise(numbers))


def _when(h: Header) -> tuple[float, ...]:
    return (h.acquired or 0.0, h.trigger or 0.0, h.acquisition or 0.0, float(h.number))
