"""Split one series into the stacks it holds: by contrast, b-value, direction, echo and time."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise

from hepafed.client.dicom.encoding import Header, SetAsideError
from hepafed.client.dicom.volumes.geometry import SAME_PLACE, Stack, check, places_of, stack
from hepafed.common.errors import DicomError

Refusal = tuple[list[Header], DicomError]
Key = Callable[[Header], Hashable]
SINGLE = "a single slice"
SAME_B = 0.05
"""Share of a b-value within which two are one nominal value (995, 1000, 1005)."""
PROCESSED = frozenset({"NORM", "ND", "DIS2D", "DIS3D", "FIL", "FM", "SH", "MFSPLIT"})
"""Values of Image Type that say what was done to an image, not what it shows."""
SAME_TIME = 0.01
"""Share within which two echo or inversion times, or flip angles, are one."""


def stacks_of(series: Sequence[Header]) -> tuple[list[Stack], list[Refusal]]:
    """Split the slices of one series into stacks; return those, and what made none and why.

    AcquisitionNumber is no criterion: Philips counts it up inside one volume. Acquisition time
    is none by itself: two-dimensional sequences acquire slice after slice.
    """
    made: list[Stack] = []
    refused: list[Refusal] = []
    key, measured, alike = _kinds(series)
    for group in _joined(_merged(_by(series, key), measured), alike):
        try:
            parts = _repeats(group)
        except DicomError as e:
            refused.append((group, e))
            continue
        for part in parts:
            try:
                if len(part) == 1:
                    raise SetAsideError(SINGLE)
                made.append(stack(part))
            except DicomError as e:
                refused.append((part, e))
    return _without_remainders(*_without_parts(made, refused))


def _merged(groups: list[list[Header]], measured: Key) -> list[list[Header]]:
    """Merge pieces that differ only in what was done to the image, and do not lie at one place.

    A scanner may write NORM on some slices of each phase. Where pieces lie at the same places they
    are two images of each slice, before and after.
    """
    pieces: dict[Hashable, list[list[Header]]] = defaultdict(list)
    for group in groups:
        pieces[measured(group[0])].append(group)
    merged: list[list[Header]] = []
    for parts in pieces.values():
        where = [{(h.position, h.temporal, h.acquired) for h in part} for part in parts]
        apart = len(set().union(*where)) == sum(map(len, where))
        merged += [[h for part in parts for h in part]] if apart else parts
    return merged


def _without_parts(made: list[Stack], refused: list[Refusal]) -> tuple[list[Stack], list[Refusal]]:
    """Refuse stacks that have fewer slices than another of their kind in the series."""
    most: dict[Hashable, int] = defaultdict(int)
    for s in made:
        kind = _grid(s)
        most[kind] = max(most[kind], len(s.headers))
    kept = [s for s in made if len(s.headers) == most[_grid(s)]]
    reason = DicomError("fewer slices than another image of the series: some are missing")
    parts = [(list(s.headers), reason) for s in made if len(s.headers) < most[_grid(s)]]
    return kept, refused + parts


def _grid(s: Stack) -> Hashable:
    """Return what the stacks of one prescription share: direction, matrix and distances."""
    h = s.headers[0]
    direction = tuple(round(float(v), 1) + 0.0 for v in s.affine[:3, :2].ravel())
    return (h.rows, h.columns, direction)


def _joined(groups: list[list[Header]], alike: Key) -> list[list[Header]]:
    """Join pieces that only together are one regular stack.

    A scanner may write NORM on some slices of a volume, or an echo time that it adapts slice by
    slice. Pieces of one b-value, direction and component that together hold each place once, and
    leave no gap, are one volume.
    """
    pieces: dict[Hashable, list[list[Header]]] = defaultdict(list)
    for group in groups:
        pieces[alike(group[0])].append(group)
    joined: list[list[Header]] = []
    for parts in pieces.values():
        whole = [h for part in parts for h in part]
        joined += [whole] if len(parts) > 1 and _is_stack(whole) else parts
    return joined


def _is_stack(headers: list[Header]) -> bool:
    try:
        stack(headers)
    except DicomError:
        return False
    return True


def _without_remainders(
    made: list[Stack], refused: list[Refusal]
) -> tuple[list[Stack], list[Refusal]]:
    """Refuse what is left of a series of which a larger part was refused."""
    largest = max((len(group) for group, _ in refused), default=0)
    kept = [s for s in made if len(s.headers) >= largest]
    reason = DicomError("the rest of a series of which a larger part was refused")
    return kept, refused + [(list(s.headers), reason) for s in made if len(s.headers) < largest]


def _by(headers: Iterable[Header], key: Key) -> list[list[Header]]:
    groups: dict[Hashable, list[Header]] = defaultdict(list)
    for h in headers:
        groups[key(h)].append(h)
    return list(groups.values())


def _kinds(series: Sequence[Header]) -> tuple[Key, Key, Key]:
    """Make three keys: of slices of one stack, whatever their geometry, and of pieces of one.

    The second leaves out what was done to the image, the third the timing as well.

    What is measured is compared by tolerance: values of one nominal value are one.
    """
    weighted = any((h.b_value or 0) > 0 for h in series)
    # b = 0 may carry no b-value at all (Toshiba)
    bs = nominals([h.b_value or 0.0 if weighted else h.b_value for h in series], SAME_B, 1.0)
    echoes = nominals([h.echo_time for h in series], SAME_TIME, 0.05)
    inversions = nominals([h.inversion_time for h in series], SAME_TIME, 1.0)
    angles = nominals([h.flip_angle for h in series], SAME_TIME, 0.2)

    def alike(h: Header) -> Hashable:
        b = bs[h.b_value or 0.0 if weighted else h.b_value]
        return (frozenset(h.image_type) - PROCESSED, h.component, b, direction_key(h))

    def measured(h: Header) -> Hashable:
        timing = echoes[h.echo_time], inversions[h.inversion_time], angles[h.flip_angle]
        return (*timing, alike(h))

    def key(h: Header) -> Hashable:
        return (h.image_type, measured(h))

    return key, measured, alike


def nominals(
    values: Iterable[float | None], share: float, least: float
) -> dict[float | None, float | None]:
    """Return for each value the lowest of those that it hangs together with.

    Neighbours hang together when they are no farther apart than a share of them, or `least`.
    """
    made: dict[float | None, float | None] = {None: None}
    first = last = float("-inf")
    for value in sorted({v for v in values if v is not None}):
        if value - last > max(share * abs(value), least):
            first = value
        made[value] = first
        last = value
    return made


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
