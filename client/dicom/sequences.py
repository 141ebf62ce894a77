"""Which sequence a series is: a declared table of rules, attributes before descriptions.

The first rule of which every test holds decides. `docs/site-guide.md` shows this table; it is
written from here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Facts:
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
    echo_time: float | None = None
    repetition_time: float | None = None
    inversion_time: float | None = None
    flip_angle: float | None = None
    b_value: float | None = None
    weighted: bool = False
    """Its series holds a b-value above 0."""
    temporal: float | None = None
    contrast: bool = False
    cycles: float | None = None
    """Fat against water over the echo time, in turns: whole is in phase, half is opposed."""
    dual: bool = False
    """Its series holds two or three echo times."""
    after_injection: float | None = None
    """Seconds from the contrast's stated start to the acquisition."""
    native: bool = False
    """A T1 stack from before contrast, as far as the examination tells."""
    alone: bool = True
    """The only T1 stack of its series, so that the description is its own."""
    dynamic: bool = False
    """One of at least three contrast-enhanced T1 stacks of the examination."""
    after_first: float | None = None
    """Seconds since the first of those."""
    order: int = 0
    """Place among those, from 1."""


@dataclass(frozen=True)
class Test:
    """One condition: how it reads, and whether it holds."""

    __test__ = False  # not a test case of pytest

    text: str
    holds: Callable[[Facts], bool]


@dataclass(frozen=True)
class Rule:
    """If every attribute holds and the words are found, the series is `sequence`."""

    name: str
    sequence: str
    """A word of the vocabulary, a finer name, or empty: set aside."""
    attributes: tuple[Test, ...]
    why: str
    """Why this decides; for a set-aside, the reason that the person reads."""
    words: str = ""
    """Pattern sought in description, protocol and pulse sequence name."""

    def failing(self, facts: Facts) -> list[str]:
        """Name the tests that do not hold."""
        failed = [t.text for t in self.attributes if not t.holds(facts)]
        if self.words and not re.search(self.words, f"{facts.description} {facts.pulse}"):
            failed.append(f"description: {self.words}")
        return failed


def at_least(name: str, least: float, unit: str = "") -> Test:
    """Hold when a number is there and at least `least`."""

    def holds(f: Facts) -> bool:
        value = getattr(f, name)
        return value is not None and float(value) >= least

    return Test(f"{_spoken(name)} ≥ {least:g}{unit}", holds)


def below(name: str, limit: float, unit: str = "") -> Test:
    """Hold when a number is there and below `limit`."""

    def holds(f: Facts) -> bool:
        value = getattr(f, name)
        return value is not None and float(value) < limit

    return Test(f"{_spoken(name)} < {limit:g}{unit}", holds)


def holds_any(name: str, *codes: str) -> Test:
    """Hold when one of the codes is among an attribute's values."""

    def holds(f: Facts) -> bool:
        value = getattr(f, name)
        return bool({value} & set(codes) if isinstance(value, str) else value & set(codes))

    return Test(f"{_spoken(name)}: {' or '.join(codes)}", holds)


def is_so(name: str) -> Test:
    """Hold when a yes-or-no fact is yes."""
    return Test(_spoken(name), lambda f: bool(getattr(f, name)))


def not_so(name: str) -> Test:
    """Hold when a yes-or-no fact is no."""
    return Test(f"not {_spoken(name)}", lambda f: not getattr(f, name))


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _near_cycle(part: float) -> Callable[[Facts], bool]:
    def holds(f: Facts) -> bool:
        if f.cycles is None or f.cycles < 0.3:
            return False
        return abs((f.cycles - part + 0.5) % 1 - 0.5) < 0.15

    return holds


IN_PHASE = Test("echo time within 15 % of fat and water in phase", _near_cycle(0.0))
OPPOSED = Test("echo time within 15 % of fat and water opposed", _near_cycle(0.5))
GRADIENT_ONLY = Test("gradient echo, no spin echo", lambda f: "GR" in f.scanning
                     and not f.scanning & {"SE", "RM"})  # fmt: skip
NOT_GRADIENT = Test("not a gradient echo alone", lambda f: not GRADIENT_ONLY.holds(f))
ECHO_PLANAR = Test("echo planar", lambda f: "EP" in f.scanning
                   or bool(re.match(r"\*?ep[_\d]|.*epi", f.pulse)))  # fmt: skip
FAT_SATURATED = Test("fat saturation (ScanOptions FS, or TI of 100–300 ms)", lambda f:
                     f.fat_saturated or 100 <= (f.inversion_time or 0) <= 300)  # fmt: skip
NO_B = Test("b-value 0 or none", lambda f: not f.b_value)
NO_TIMES = Test("no acquisition times", lambda f: f.after_first is None)


def _order(*places: int) -> Test:
    spoken = " or ".join(map(str, places)) if len(places) < 9 else f"{places[0]} or later"
    return Test(f"order among the enhanced: {spoken}", lambda f: f.order in places)


SERIES_RULES: Final = (
    # Of no use here.
    Rule("localizer", "", (holds_any("image_type", "LOCALIZER"),), "a localizer"),
    Rule("localizer-words", "", (), "a localizer",
         r"\b(loc|localizer|localiser|scout|survey|pilot|3 ?pl(ane)?|tri ?plane)\b"),
    Rule("adc", "adc", (holds_any("image_type", "ADC", "ADC_UNSPECIFIED"),),
         "the image type says ADC"),
    Rule("exponential-adc", "", (holds_any("image_type", "EADC", "EXP_ADC"),),
         "an exponential ADC map"),
    Rule("component", "", (holds_any("component", "PHASE", "REAL", "IMAGINARY"),),
         "a phase, real or imaginary image"),
    Rule("fat", "", (holds_any("image_type", "FAT", "F", "FAT_FRACTION", "FF"),),
         "a fat image"),
    Rule("in-phase", "t1-in-phase", (holds_any("image_type", "IN_PHASE", "IP"),),
         "the image type says in phase"),
    Rule("opposed-phase", "t1-opposed-phase",
         (holds_any("image_type", "OUT_PHASE", "OPP_PHASE", "OP"),),
         "the image type says opposed phase"),
    Rule("perfusion", "", (Test("image type or contrast: PERFUSION or ASL", lambda f:
         bool((f.image_type | {f.weighting}) & {"PERFUSION", "ASL", "RELCBF", "TTP"})),),
         "a perfusion image"),
    Rule("projection", "", (holds_any("image_type", "MPR", "MIP", "MINIP", "PROJECTION IMAGE",
                                      "SUBTRACT", "SUBTRACTION", "SUB", "REFORMATTED"),),
         "a projection, reformation or subtraction"),
    Rule("derived-words", "", (), "a map, projection, subtraction or screenshot",
         r"\b(mip|minip|mpr|sub|subs|subtraction|subtracted|reformat\w*|cine|movie|screen ?shot"
         r"|screen save|report|snapshot|fusion|eadc|exp\w* (adc|app\w*)|elasto\w*|mre|wave"
         r"|stiffness|pdff|fat fraction|[tr][12] ?(star ?)?map\w*|perf\w*|field ?map\w*|gre field"
         r"|shim\w*|calib\w*|asset|coil sens\w*|ref scan)\b"),
    Rule("adc-words", "adc", (), "described as ADC", r"\badc\b|apparent diff"),
    Rule("mrcp", "", (at_least("echo_time", 500, " ms"),), "a cholangiogram (MRCP)"),
    Rule("mrcp-words", "", (), "a cholangiogram (MRCP)", r"mrcp|cholangio"),
    Rule("flair", "", (), "a fluid-attenuated image (FLAIR)", r"flair|dark ?fluid"),
    # Diffusion.
    Rule("b-value", "dwi", (at_least("b_value", 1),), "a b-value above 0"),
    Rule("b-zero", "dwi", (is_so("weighted"), NO_B),
         "b = 0 (or no b-value) in a series that holds weighted images"),
    Rule("diffusion", "dwi", (Test("image type or contrast: DIFFUSION, TRACEW", lambda f: bool(
         (f.image_type | {f.weighting}) & {"DIFFUSION", "TRACEW", "TRACE"})),),
         "the image type says diffusion"),
    Rule("diffusion-words", "dwi", (ECHO_PLANAR,), "echo planar, described as diffusion",
         r"dwi|diff|\bb ?\d{2,4}\b|\btracew?\b|ep_b\d"),
    Rule("echo-planar", "", (ECHO_PLANAR,), "an EPI of no role here"),
    Rule("derived", "", (holds_any("image_type", "DERIVED"), holds_any("image_type", "SECONDARY")),
         "a derived image"),
    # By timing.
    Rule("t2-star", "", (GRADIENT_ONLY, at_least("echo_time", 12, " ms")),
         "a T2*-weighted gradient echo"),
    Rule("balanced", "", (GRADIENT_ONLY, below("repetition_time", 8, " ms"),
                          at_least("flip_angle", 35, "°")), "a balanced gradient echo"),
    Rule("balanced-words", "", (), "a balanced gradient echo",
         r"true? ?fi(sp)?\b|trufi|fiesta|\bb ?ffe\b|\bb ?tfe\b"),
    Rule("t2-fat-saturated", "t2", (NOT_GRADIENT, at_least("echo_time", 40, " ms"),
                                    at_least("repetition_time", 800, " ms"), FAT_SATURATED),
         "a long echo and repetition time, with fat saturation (t2-fs)"),
    Rule("t2", "t2", (NOT_GRADIENT, at_least("echo_time", 40, " ms"),
                      at_least("repetition_time", 800, " ms")),
         "a long echo and repetition time"),
    Rule("in-phase-echo", "t1-in-phase", (GRADIENT_ONLY, is_so("dual"), IN_PHASE,
                                          below("echo_time", 8, " ms")),
         "one of several gradient echoes, fat and water in phase"),
    Rule("opposed-phase-echo", "t1-opposed-phase", (GRADIENT_ONLY, is_so("dual"), OPPOSED,
                                                    below("echo_time", 8, " ms")),
         "one of several gradient echoes, fat and water opposed"),
    Rule("in-phase-words", "t1-in-phase", (below("echo_time", 8, " ms"),),
         "a short echo, described as in phase", r"\bin ?phase\b|\bip\b"),
    Rule("opposed-phase-words", "t1-opposed-phase", (below("echo_time", 8, " ms"),),
         "a short echo, described as opposed", r"\bopp(osed)?\b|out of phase|\bop\b"),
    Rule("t1", "t1", (below("echo_time", 30, " ms"), below("repetition_time", 1200, " ms")),
         "a short echo and repetition time"),
    Rule("t1-prepared", "t1", (GRADIENT_ONLY, is_so("volumetric"), below("echo_time", 12, " ms"),
                               at_least("inversion_time", 300, " ms")),
         "a three-dimensional gradient echo after inversion"),
    Rule("contrast-t2", "t2", (holds_any("weighting", "T2"),), "the file says T2 contrast"),
    Rule("contrast-t1", "t1", (holds_any("weighting", "T1"),), "the file says T1 contrast"),
    # By description, where attributes are missing.
    Rule("dwi-words", "dwi", (), "described as diffusion", r"\bdwi|\bdiff"),
    Rule("t2-words", "t2", (Test("no echo time", lambda f: f.echo_time is None),),
         "described as T2", r"\bt2"),
    Rule("t1-words", "t1", (Test("no echo time", lambda f: f.echo_time is None),),
         "described as T1", r"\bt1|vibe|lava|thrive|\bquick ?3d"),
)  # fmt: skip
"""For a stack by itself; the first that holds decides."""

PHASE_RULES: Final = (
    Rule("pre-by-injection", "t1-pre", (below("after_injection", 0, " s"),),
         "acquired before the contrast's stated start"),
    Rule("arterial-by-injection", "arterial", (at_least("after_injection", 10, " s"),
         below("after_injection", 45, " s")), "the time since the contrast's stated start"),
    Rule("portal-by-injection", "portal", (at_least("after_injection", 45, " s"),
         below("after_injection", 110, " s")), "the time since the contrast's stated start"),
    Rule("delayed-by-injection", "delayed", (at_least("after_injection", 110, " s"),
         below("after_injection", 600, " s")), "the time since the contrast's stated start"),
    Rule("hepatobiliary-by-injection", "hepatobiliary", (at_least("after_injection", 600, " s"),
         below("after_injection", 7200, " s")), "the time since the contrast's stated start"),
    Rule("pre-by-position", "t1-pre", (is_so("native"), not_so("alone")),
         "the first temporal position of a dynamic series"),
    Rule("pre-words", "t1-pre", (is_so("alone"),), "described as native",
         r"\bpre\b|native|\bnativ\b|unenh|non ?contrast|precontrast|without|\bwo\b"),
    Rule("hepatobiliary-words", "hepatobiliary", (is_so("alone"),), "described as hepatobiliary",
         r"hepato ?b|\bhbp\b|\b(1[05]|20) ?min"),
    Rule("arterial-words", "arterial", (is_so("alone"),), "described as arterial",
         r"\bart|arterial|\b[ehl]ap\b|\bc a\b"),
    Rule("portal-words", "portal", (is_so("alone"),), "described as portal venous",
         r"\bport|\bpvp?\b|\bven(ous)?\b|\bvp\b|\bc v\b"),
    Rule("delayed-words", "delayed", (is_so("alone"),), "described as delayed",
         r"delay|equil|\blate\b|\bdp\b|transition|\b[2-9] ?min"),
    Rule("pre", "t1-pre", (is_so("native"),), "no contrast is stated"),
    Rule("arterial-by-time", "arterial", (is_so("dynamic"), below("after_first", 20, " s")),
         "the first of the enhanced stacks"),
    Rule("portal-by-time", "portal", (is_so("dynamic"), at_least("after_first", 20, " s"),
         below("after_first", 75, " s")), "the time since the first enhanced stack"),
    Rule("delayed-by-time", "delayed", (is_so("dynamic"), at_least("after_first", 75, " s"),
         below("after_first", 600, " s")), "the time since the first enhanced stack"),
    Rule("hepatobiliary-by-time", "hepatobiliary", (is_so("dynamic"),
         at_least("after_first", 600, " s")), "the time since the first enhanced stack"),
    Rule("arterial-by-order", "arterial", (is_so("dynamic"), NO_TIMES, _order(1)),
         "the first of the enhanced stacks"),
    Rule("portal-by-order", "portal", (is_so("dynamic"), NO_TIMES, _order(2)),
         "the second of the enhanced stacks"),
    Rule("delayed-by-order", "delayed", (is_so("dynamic"), NO_TIMES, _order(*range(3, 40))),
         "a later one of the enhanced stacks"),
)  # fmt: skip
"""For the T1 stacks of an examination, which they place in the dynamic; none holds: `t1`.

A stated time decides first, and the place among the temporal positions of one series. A
description is believed before the time since the first enhanced stack, which is an inference:
sites fill in the contrast agent for a whole examination beforehand.
"""

UNKNOWN: Final = Rule("none", "", (), "no role in the protocols")


def decide(facts: Facts, rules: tuple[Rule, ...]) -> Rule:
    """Give the first rule that holds, or `UNKNOWN`."""
    return next((r for r in rules if not r.failing(facts)), UNKNOWN)
