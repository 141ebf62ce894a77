"""Variables by which a site's figures can be split, and their levels: short plain words."""

import re
from collections.abc import Iterable, Sequence

SIZES = ("<2 cm", "2-5 cm", ">5 cm")
"""Levels of `lesion_size`, the longest in-plane extent; a patient has that of the largest
lesion."""
MEASURED = ("lesion_size", "vendor", "field_strength")
"""Variables that ingest measures; every other variable is declared by the site."""
NOT_STATED, SEVERAL = "not stated", "several"
"""Levels of patients of whom nothing is known, or whose lesions differ."""
EVERY = "every level"
"""The one level that is named where every level of a variable is withheld."""
PREFIX = "group_"
"""The beginning of the name of each column that declares a variable."""
MOST_LEVELS, MOST_VARIABLES = 12, 12
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
LEVEL = re.compile(r"[A-Za-z0-9 .<>=+-]{1,20}")
_BAND = re.compile(r"(?<![\d.-])(\d{1,3})-(\d{1,3})(?![\d.-])")
_OPEN = re.compile(r"[<>]=? ?\d{1,3}(?![\d.])|(?<![\d.])\d{1,3}\+")
NARROWEST_BAND = 4


def usable_names(names: Sequence[object]) -> bool:
    """Return whether these are names of variables, each once and at most `MOST_VARIABLES`."""
    return len({*map(str, names)}) == len(names) <= MOST_VARIABLES and all(
        isinstance(n, str) and NAME.fullmatch(n) for n in names
    )


def plain_level(text: str) -> bool:
    """Return whether a value is a short plain word or a band, not an exact age, date or number."""
    if not LEVEL.fullmatch(text) or text == EVERY or re.search(r"\d{4}", text):
        return False
    left = _OPEN.sub("", _BAND.sub(lambda m: "" if _wide(m) else m[0], text))
    return re.search(r"\d\d", left) is None


def _wide(band: re.Match[str]) -> bool:
    low, high = int(band[1]), int(band[2])
    return high - low >= NARROWEST_BAND or (low < high < 10)


def column_problem(values: Iterable[tuple[str, str]]) -> str:
    """Return what is wrong with a declared column of (patient, value) as a whole, "" if nothing is.

    Its values must be few and must repeat: one value a patient is a name, not a group.
    """
    stated = {(p, v) for p, v in values if v}
    distinct, patients = {v for _, v in stated}, {p for p, _ in stated}
    if len(distinct) > MOST_LEVELS:
        return f"has more than {MOST_LEVELS} different values"
    if len(distinct) > max(2, len(patients) // 2):
        return "has almost only different values"
    return ""


def in_order(levels: Iterable[str]) -> list[str]:
    """Return levels in the order of a table: sizes, then by name, and last what is not known."""
    return sorted(
        set(levels),
        key=lambda v: (v in (SEVERAL, NOT_STATED, "other"), SIZES.index(v) if v in SIZES else 0, v),
    )
