"""Diffusion and scale attributes, where each manufacturer puts them."""

import re

from hepafed.client.dicom.encoding.elements import Elements, Raw, every, numbers_of, text_of

CANON_COMMENT = re.compile(
    r"b\s*=\s*(\d{1,5}(?:\.\d+)?)\b(?:\((-?[\d.]{1,9}),(-?[\d.]{1,9}),(-?[\d.]{1,9})\))?"
)
"""Canon keeps b-value and direction in the image comment: b=1500(0.445,0.000,0.895)."""
SIEMENS_PULSE = re.compile(r"^\*?[a-z]{2,4}\d?d?_?b(\d{1,5})(t|#\d{1,3})?$")
"""Siemens' SequenceName of diffusion: *ep_b800t is a trace image, *ep_b50#1 a direction."""
GE_ISOTROPIC = 15.0
"""(0043,1030) of a combined image; 3, 4, 5 are single axes, 14 is b = 0, 16 a tensor direction."""
GE_OFFSET = 1_000_000
"""GE adds multiples of a large number to the b-value in its slop integer."""
DIFFUSION = 0x00189117
DIRECTION = 0x00189076


def b_value_of(top: Elements, groups: Elements | None, private: dict[str, Raw]) -> float | None:
    """Read the b-value in s/mm²: the standard's attribute, or the vendor's private one.

    DICOM PS3.3 C.8.13.5.9; Siemens (0019,100C), GE (0043,1039), Philips (2001,1003), United
    Imaging (0065,1009), Canon's image comment, Siemens' SequenceName. `groups` are a frame's
    functional groups.
    """
    for elements in (groups, top):
        if elements is None:
            continue
        for inner in (*every(elements, (DIFFUSION,)), elements):
            value = inner.number(0x00189087)
            if value is not None and value >= 0:
                return value
    for name in ("siemens_b", "ge_b", "philips_b", "uih_b"):
        if (value := _first(private, name)) is not None:
            value = value % GE_OFFSET if name == "ge_b" and value >= GE_OFFSET else value
            if 0 <= value < GE_OFFSET:
                return value % 100_000 if name == "ge_b" else value
    found = CANON_COMMENT.match(top.text(0x00204000).lower()) or _siemens_pulse(top)
    return float(found[1]) if found else None


def _siemens_pulse(top: Elements) -> re.Match[str] | None:
    return SIEMENS_PULSE.match(top.text(0x00180024).lower())


def direction_of(
    top: Elements, groups: Elements | None, private: dict[str, Raw]
) -> tuple[float, ...] | None:
    """Read the diffusion gradient's direction; None when there is none or it is zero.

    GE and Canon give it in the image's axes, the others in the patient's: it tells directions
    apart and is used for nothing else.
    """
    for elements in (groups, top):
        if elements is None:
            continue
        for inner in (*every(elements, (DIFFUSION,)), elements):
            for holder in (inner.within(DIRECTION), inner):
                if (values := _unit(holder.numbers(0x00189089))) is not None:
                    return values
    for name in ("siemens_direction", "uih_direction"):
        if name in private and (values := _unit(numbers_of(private[name], "FD"))) is not None:
            return values
    for vendor in ("philips", "ge"):
        parts = [_first(private, f"{vendor}_{axis}") for axis in "xyz"]
        kept = tuple(p for p in parts if p is not None)
        if (values := _unit(kept)) is not None:
            return values
    found = CANON_COMMENT.match(top.text(0x00204000).lower())
    try:
        return _unit(tuple(map(float, found.groups()[1:]))) if found and found[2] else None
    except ValueError:
        return None


def isotropic(top: Elements, groups: Elements | None, private: dict[str, Raw]) -> bool:
    """Return whether the scanner itself combined the directions (a trace-weighted image)."""
    for elements in (groups, top):
        if elements is None:
            continue
        for inner in (*every(elements, (DIFFUSION,)), elements):
            if word := inner.text(0x00189075):
                return word == "ISOTROPIC"
    if "philips_directionality" in private:
        return text_of(private["philips_directionality"]) == "I"
    if (pulse := _siemens_pulse(top)) is not None:
        return pulse[2] == "t"
    return _first(private, "ge_collapse") == GE_ISOTROPIC


def scale_slope_of(private: dict[str, Raw]) -> float | None:
    """Read Philips' scale slope (2005,100E), when it can be used."""
    value = _first(private, "philips_scale_slope")
    return value if value is not None and value > 0 else None


def grid(private: dict[str, Raw]) -> bool:
    """Return whether a United Imaging file is a tile sheet: several slices in one image."""
    return (_first(private, "uih_grid") or 0) > 1


def _first(private: dict[str, Raw], name: str) -> float | None:
    raw = private.get(name)
    values = None if raw is None else numbers_of(raw, "DS")
    return values[0] if values else None


def _unit(values: tuple[float, ...] | None) -> tuple[float, ...] | None:
    if values is None or len(values) != 3 or not 0.5 < sum(v * v for v in values) < 1.5:
        return None
    return values
