"""What a rule is: tests of facts about a stack of slices, and how the first that holds is found."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

Evidence = Literal["site", "image type", "measured", "contrast", "words", "inferred"]

WEIGHTS: Final[dict[Evidence, float]] = {
    "site": 1.0,
    "image type": 0.95,
    "measured": 0.9,
    "contrast": 0.85,
    "words": 0.75,
    "inferred": 0.5,
}
"""How far each kind of evidence is believed, from what the site itself says downwards.

Image types and functional groups are written by the scanner; echo times and b-values are measured;
contrast tags and descriptions are typed by hand; an inference is made from the order or the times
of several series.
"""

DOUBTED: Final = 0.5
"""By what each doubt multiplies a certainty."""


@dataclass(frozen=True, kw_only=True)
class StackFacts:
    """What the rules may look at, of one stack of slices and its examination."""

    image_type: frozenset[str] = frozenset()
    component: str = ""
    weighting: str = ""
    description: str = ""
    manufacturer: str = ""
    pulse: str = ""
    scanning: frozenset[str] = frozenset()
    fat_saturated: bool = False
    volumetric: bool = False
    between_slices: float | None = None
    """mm."""
    echo_time: float | None = None
    repetition_time: float | None = None
    inversion_time: float | None = None
    flip_angle: float | None = None
    b_value: float | None = None
    isotropic: bool = False
    """A trace-weighted image: the scanner combined its diffusion directions."""
    weighted: bool = False
    """Its series holds a b-value above 0."""
    temporal: float | None = None
    contrast: bool = False
    cycles: float | None = None
    """Fat against water over the echo time, in turns: whole is in phase, half is opposed."""
    dual: bool = False
    """Its series holds two or three echo times."""
    after_injection: float | None = None
    """Seconds from the contrast's stated start to the acquisition, where that can be believed."""
    native: bool = False
    """A T1 stack from before contrast, as far as the examination tells."""
    alone: bool = True
    """The only T1 stack of its series, so that the description is its own."""
    phase: str = ""
    """The phase that the description of an `alone` stack names, where that can be believed."""
    dynamic: bool = False
    """One of the enhanced T1 stacks of an examination whose course can be believed."""
    after_first: float | None = None
    """Seconds since the first of those."""
    order: int = 0
    """Place among the enhanced stacks, from 1."""


@dataclass(frozen=True)
class Test:
    """One condition: how it reads, and whether it holds."""

    __test__ = False  # not a test case of pytest

    text: str
    holds: Callable[[StackFacts], bool]


@dataclass(frozen=True)
class Rule:
    """If every attribute holds and the words are found, the series is `sequence`."""

    name: str
    sequence: str
    """A word of the vocabulary, a finer name, or empty: set aside."""
    attributes: tuple[Test, ...]
    why: str
    """Why this decides; for a set-aside, the reason that the person reads."""
    words: tuple[str, ...] = ()
    """One of them must stand in the description or in the pulse sequence's name (`has_words`)."""
    evidence: Evidence = "measured"
    """What it rests on."""

    def failing(self, facts: StackFacts) -> list[str]:
        """Name the tests that do not hold."""
        failed = [t.text for t in self.attributes if not t.holds(facts)]
        if self.words and not has_words(facts, self.words):
            failed.append("no such word in the description")
        return failed


def has_words(facts: StackFacts, words: tuple[str, ...]) -> bool:
    """Return whether one of the words stands in the description or the pulse sequence's name.

    A word is whole: `*` stands for more letters, `#` for two to four digits, `^` and `$` for the
    beginning and the end of the text; a space may be missing.
    """
    found = _pattern(words)
    return bool(found.search(facts.description) or found.search(facts.pulse))


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    parts = {"*": r"\w*", "#": r"\d{2,4}", " ": " ?", "^": "^", "$": "$"}
    spelled = ("".join(parts.get(c) or re.escape(c) for c in word) for word in words)
    return re.compile(rf"\b(?:{'|'.join(spelled)})(?!\w)")


def at_least(name: str, least: float, unit: str = "") -> Test:
    """Hold when a number is there and at least `least`."""

    def holds(f: StackFacts) -> bool:
        value = getattr(f, name)
        return value is not None and float(value) >= least

    return Test(f"{_spoken(name)} ≥ {least:g}{unit}", holds)


def below(name: str, limit: float, unit: str = "") -> Test:
    """Hold when a number is there and below `limit`."""

    def holds(f: StackFacts) -> bool:
        value = getattr(f, name)
        return value is not None and float(value) < limit

    return Test(f"{_spoken(name)} < {limit:g}{unit}", holds)


def holds_any(name: str, *codes: str) -> Test:
    """Hold when one of the codes is among an attribute's values."""

    def holds(f: StackFacts) -> bool:
        value = getattr(f, name)
        return bool({value} & set(codes) if isinstance(value, str) else value & set(codes))

    return Test(f"{_spoken(name)}: {' or '.join(codes)}", holds)


def lacks(name: str, code: str) -> Test:
    """Hold when a code is not among an attribute's values."""
    return Test(f"{_spoken(name)}: not {code}", lambda f: code not in getattr(f, name))


def is_so(name: str) -> Test:
    """Hold when a yes-or-no fact is yes."""
    return Test(_spoken(name), lambda f: bool(getattr(f, name)))


def not_so(name: str) -> Test:
    """Hold when a yes-or-no fact is no."""
    return Test(f"not {_spoken(name)}", lambda f: not getattr(f, name))


def _spoken(name: str) -> str:
    return name.replace("_", " ")


UNKNOWN: Final = Rule("none", "", (), "no role in the protocols")


def decide(facts: StackFacts, rules: tuple[Rule, ...]) -> Rule:
    """Return the first rule that holds, or `UNKNOWN`."""
    return next((r for r in rules if not r.failing(facts)), UNKNOWN)


def certainty_of(rule: Rule, doubts: Sequence[str]) -> float:
    """Return how far a role is believed: the weight of its evidence, halved by each doubt."""
    return WEIGHTS[rule.evidence] * float(DOUBTED ** len(doubts))
