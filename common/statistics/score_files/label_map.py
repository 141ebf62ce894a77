"""The label map: which class each word of a table's `truth` column stands for."""

import functools
from collections.abc import Mapping
from pathlib import Path

from hepafed.common.contract import CLASS_KEYS
from hepafed.common.errors import UsageError

MALIGNANT = "malignant"
"""The class of a two-class table that is not `benign`."""
LABELS = (*CLASS_KEYS, MALIGNANT)
EXAMPLE = (
    '--label-map "HCC=primary_malignant,haemangioma=benign", or a file with one such pair a line'
)


@functools.lru_cache(maxsize=1024)
def word(text: str) -> str:
    """Return a word as it is compared: in small letters, `_` for spaces and hyphens.

    A number stays as it is: −1 is not 1.
    """
    if text[-1:].isdigit() and text.lstrip("+-").replace(".", "").isdigit():
        return text
    return "_".join(text.casefold().replace("-", " ").replace("_", " ").split())


def label_map(text: str) -> Mapping[str, str]:
    """Return the map of pairs `WORD=CLASS`, separated by commas, or of a file that lists them.

    A file has a pair a line, `WORD=CLASS` or the two in columns of a CSV file; `#` begins a
    remark. Words are compared without regard to capitals, spaces, hyphens and `_`.

    Raises
    ------
    UsageError
        A pair is not one, its class is unknown, or a word stands for two classes; or the file
        cannot be read.
    """
    made: dict[str, str] = {}
    for pair in _pairs(text):
        sign = next((s for s in "=;,\t" if s in pair), "=")
        left, sign, right = pair.rpartition(sign)
        name, label = word(left.strip(" \"'")), word(right.strip(" \"'"))
        if not sign or not name:
            raise UsageError(f"--label-map: {pair!r} is not WORD=CLASS", EXAMPLE)
        if label not in LABELS:
            raise UsageError(
                f"--label-map: {right.strip()!r} is not a class", f"one of {', '.join(LABELS)}"
            )
        if made.setdefault(name, label) != label:
            raise UsageError(
                f"--label-map: {left.strip()!r} stands for two classes", "give it one class"
            )
    if not made:
        raise UsageError("--label-map has no pair", EXAMPLE)
    return made


def _pairs(text: str) -> list[str]:
    if "=" in text and not Path(text).is_file():
        return [p.strip() for p in text.split(",") if p.strip()]
    try:
        lines = Path(text).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"--label-map: cannot read {text}", EXAMPLE) from e
    kept = [line.partition("#")[0].strip() for line in lines]
    return [line for line in kept if line]
