"""When contrast was given, as the files state it, held against names, contrast tags and times.

ContrastBolusStartTime (0018,1042) is often typed at registration, or by a clock of its own.
"""

from collections.abc import Sequence
from typing import Final

from hepafed.client.dicom.volumes import Volume

WITHIN: Final = {
    "t1-pre": (float("-inf"), 10.0),
    "arterial": (8.0, 60.0),
    "portal": (35.0, 150.0),
    "delayed": (90.0, 1200.0),
    "hepatobiliary": (480.0, float("inf")),
}
"""Seconds after injection at which a phase so named can have been acquired."""
NATIVE_UNTIL: Final = WITHIN["t1-pre"][1]
USUAL_START: Final = 30.0
"""Seconds after injection at which the first enhanced stack usually begins."""
LATEST_START: Final = 90.0
"""Seconds after injection by which the first T1 stack of an examination has begun."""
ONE_INJECTION: Final = 5.0
"""Seconds by which the contrast start that several series state may differ."""
MANY: Final = 3
"""T1 stacks that are not all from before contrast, where contrast was given."""


def stated_injection(volumes: Sequence[Volume]) -> float | None:
    """Return the start of contrast that the series state, s; None where they differ, or none."""
    stated = _stated(volumes)
    return None if not stated or injections_differ(volumes) else stated[0]


def injections_differ(volumes: Sequence[Volume]) -> bool:
    """Return whether several series state starts of contrast that are not one."""
    stated = _stated(volumes)
    return bool(stated) and max(stated) - min(stated) > ONE_INJECTION


def contradiction(
    since: Sequence[float | None], names: Sequence[str], states: Sequence[str]
) -> str:
    """Return what speaks against a stated start of contrast; "" for nothing.

    `since` are the seconds from it to each stack, `names` the phases that descriptions name, and
    `states` whether a stack is `native` or `enhanced`.
    """
    known = [t for t in since if t is not None]
    told = zip(since, names, states, strict=True)
    if any(t is not None and _denies(t, name, state) for t, name, state in told):
        return "the stated start of contrast contradicts names or contrast tags"
    if known and (min(known) >= LATEST_START or (len(known) >= MANY and max(known) < 0)):
        return "the stated start of contrast does not fit the times of the series"
    return ""


def fits_first(name: str, since_first: float) -> bool:
    """Return whether a phase so named can begin some seconds after the first enhanced stack."""
    low, high = WITHIN[name]
    return low <= since_first + USUAL_START < high


def _stated(volumes: Sequence[Volume]) -> list[float]:
    return [t for v in volumes if (t := v.headers[0].injected) is not None]


def _denies(since: float, name: str, state: str) -> bool:
    """Return whether a stack cannot have been acquired so long after the injection."""
    if name:
        low, high = WITHIN[name]
        return not low <= since < high
    if state == "native":
        return since >= NATIVE_UNTIL
    return state == "enhanced" and since < 0
