"""`sequences.toml`: what a site says of its own series, stronger than every rule.

Each `[[series]]` table holds `sequence` (a word of the vocabulary, or "set-aside") and `match`:
texts are patterns with * and ? in any case (`_` and `-` read as spaces), numbers are equal or
within [from, to], and all must hold.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from hepafed.client.dicom.roles.rule import Rule, StackFacts, Test
from hepafed.common.contract import SEQUENCES
from hepafed.common.errors import ConfigError

FILE_NAME: Final = "sequences.toml"
SET_ASIDE: Final = "set-aside"
FINER: Final = ("t1-in-phase", "t1-opposed-phase")
TEXTS: Final = ("description", "manufacturer", "pulse", "weighting", "component")
CODES: Final = ("image_type", "scanning")
NUMBERS: Final = (
    "echo_time",
    "repetition_time",
    "inversion_time",
    "flip_angle",
    "b_value",
    "temporal",
)
FLAGS: Final = ("contrast", "volumetric", "fat_saturated")


@dataclass(frozen=True)
class Overrides:
    """A site's own rules, in the file's order."""

    rules: tuple[Rule, ...] = field(default=())


NO_OVERRIDES: Final = Overrides()


def read_overrides(home: Path) -> Overrides:
    """Read `sequences.toml` of a site's home; none when there is no such file.

    Raises
    ------
    ConfigError
        It is no TOML, or has an unknown key, word or value, which the message names.
    """
    path = home / FILE_NAME
    try:
        with path.open("rb") as stream:
            return overrides_of(tomllib.load(stream))
    except FileNotFoundError:
        return Overrides()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"{FILE_NAME} is not valid TOML: {e}", "see the site guide") from e


def overrides_of(document: dict[str, object]) -> Overrides:
    """Turn the parsed file into rules.

    Raises
    ------
    ConfigError
        As `read_overrides`.
    """
    series = document.get("series", [])
    if set(document) - {"series"} or not isinstance(series, list):
        raise _wrong("only [[series]] tables are allowed")
    return Overrides(tuple(_rule(k, entry) for k, entry in enumerate(series, 1)))


def _wrong(what: str) -> ConfigError:
    return ConfigError(f"{FILE_NAME}: {what}", "see the site guide, “When a series is misread”")


def _rule(number: int, entry: object) -> Rule:
    where = f"series {number}"
    if not isinstance(entry, dict) or set(entry) - {"sequence", "match"}:
        raise _wrong(f"{where}: its keys are sequence and match")
    sequence, match = entry.get("sequence"), entry.get("match")
    if sequence not in (*SEQUENCES, *FINER, SET_ASIDE):
        known = ", ".join((*SEQUENCES, *FINER, SET_ASIDE))
        raise _wrong(f"{where}: sequence must be one of {known}")
    if not isinstance(match, dict) or not match:
        raise _wrong(f"{where}: match must name at least one attribute")
    tests = tuple(_test(where, str(key), value) for key, value in match.items())
    return Rule(
        f"site-{number}",
        "" if sequence == SET_ASIDE else str(sequence),
        tests,
        "the site's own sequences.toml",
        evidence="site",
    )


def _test(where: str, key: str, value: object) -> Test:
    if key in TEXTS and isinstance(value, str):
        return Test(f"{key} as the site says", _text(key, _pattern(value)))
    if key in CODES and isinstance(value, str):
        return Test(f"{key} as the site says", _code(key, value.upper()))
    if key in FLAGS and isinstance(value, bool):
        return Test(f"{key} as the site says", lambda f: bool(getattr(f, key)) is value)
    if key in NUMBERS and not isinstance(value, bool):
        pair = value if isinstance(value, list) else [value, value]
        ends = [float(v) for v in pair if isinstance(v, int | float)]
        if len(pair) == len(ends) == 2:
            return Test(f"{key} as the site says", _number(key, ends[0], ends[1]))
    if key in (*TEXTS, *CODES, *FLAGS, *NUMBERS):
        raise _wrong(f"{where}: {key} has a value of the wrong type")
    raise _wrong(
        f"{where}: unknown attribute {key[:40]!r}; known: "
        f"{', '.join((*TEXTS, *CODES, *NUMBERS, *FLAGS))}"
    )


def _pattern(words: str) -> str:
    """Bring a pattern to the form of our descriptions: lower case, words apart by spaces."""
    return " ".join(re.sub(r"[^\w*?\[\]]|_", " ", words.lower()).split())


def _text(key: str, pattern: str) -> Callable[[StackFacts], bool]:
    return lambda f: fnmatchcase(_pattern(getattr(f, key)), pattern)


def _code(key: str, pattern: str) -> Callable[[StackFacts], bool]:
    return lambda f: any(fnmatchcase(code, pattern) for code in getattr(f, key))


def _number(key: str, low: float, high: float) -> Callable[[StackFacts], bool]:
    def holds(f: StackFacts) -> bool:
        value = getattr(f, key)
        return value is not None and low <= value <= high

    return holds
