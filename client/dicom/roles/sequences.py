"""The rules that name a series' sequence, in order: attributes before descriptions.

The first rule of which every test holds decides. `docs/site-guide.md` shows these tables; they
are written from here.
"""

import re
from collections.abc import Iterable
from typing import Final

from hepafed.client.dicom.roles.rule import (
    Rule,
    StackFacts,
    Test,
    at_least,
    below,
    has_words,
    holds_any,
    is_so,
    lacks,
    not_so,
)
from hepafed.client.dicom.roles.words import (
    ADC_WORDS,
    DERIVED_WORDS,
    DIFFUSION_WORDS,
    LOCALIZER,
    MAP_WORDS,
    MRCP_WORDS,
    T1_WORDS,
    T2_WORDS,
)

DIFFUSION_TYPES: Final = frozenset({"DIFFUSION", "TRACEW", "TRACE"})
COMPUTED: Final = ("CALC", "COMPUTED", "SYNTHETIC")
"""How a value of Image Type begins that says the image was computed, not acquired."""


def is_computed(image_type: Iterable[str]) -> bool:
    """Return whether an image type says that the image was computed from acquired ones."""
    return any(code.startswith(COMPUTED) for code in image_type)


def _near_cycle(f: StackFacts, part: float) -> bool:
    if f.cycles is None or f.cycles < 0.3:
        return False
    return abs((f.cycles - part + 0.5) % 1 - 0.5) < 0.15


IN_PHASE = Test("echo time within 15 % of fat and water in phase", lambda f: _near_cycle(f, 0.0))
OPPOSED = Test("echo time within 15 % of fat and water opposed", lambda f: _near_cycle(f, 0.5))
GRADIENT_ONLY = Test(
    "gradient echo, no spin echo", lambda f: "GR" in f.scanning and not f.scanning & {"SE", "RM"}
)
NOT_GRADIENT = Test("not a gradient echo alone", lambda f: not GRADIENT_ONLY.holds(f))
ECHO_PLANAR = Test(
    "echo planar", lambda f: "EP" in f.scanning or bool(re.match(r"ep(2d)?\b|epfid|.*epi", f.pulse))
)
FAT_SATURATED = Test(
    "fat saturation (ScanOptions FS, or TI of 100–300 ms)",
    lambda f: f.fat_saturated or 100 <= (f.inversion_time or 0) <= 300,
)
NO_B = Test("b-value 0 or none", lambda f: not f.b_value)
FAMILY = r"\b\w*(?:dixon|flex|ideal|vibe|lava|thrive)\w*\b.*\b"
"""Words of a family of images that are made together: water, fat, in and opposed phase."""


def _described(text: str, beginning: str, end: str) -> Test:
    """Hold where a description begins as GE writes a part of a family, or ends as Siemens does."""
    part = re.compile(rf"^(?:{beginning})\b|{FAMILY}(?:{end})$")
    return Test(text, lambda f: bool(part.search(f.description)))


FAT_PART = _described(
    "described as the fat image of a family (fat …, … f)", r"fat(?! ?(?:sat|sup))", "f|fat|ff"
)
IN_PART = _described("described as in phase (in phase …, … in)", "in ?phase", "in|ip|in ?phase")
OPPOSED_PART = _described(
    "described as opposed (out phase …, … opp)",
    "(?:out|opp) ?phase",
    "opp|op|out|(?:out|opp) ?phase",
)
NO_LONG_ECHO = Test("no echo time of 8 ms or more", lambda f: (f.echo_time or 0) < 8)
NOT_ACQUIRED = lacks("image_type", "ORIGINAL")
ACQUIRED = holds_any("image_type", "ORIGINAL")
DERIVED = (holds_any("image_type", "DERIVED"), holds_any("image_type", "SECONDARY"))
COMBINED = Test(
    "combined by the scanner (image type of diffusion, or isotropic)",
    lambda f: f.isotropic or bool(f.image_type & DIFFUSION_TYPES) or is_computed(f.image_type),
)
ONLY_MAP = Test(
    "not described as diffusion too",
    lambda f: has_words(f, MAP_WORDS) or not has_words(f, DIFFUSION_WORDS),
)
NOT_COMBINED = Test("not combined by the scanner", lambda f: not COMBINED.holds(f))

OF_DIFFUSION: Final = Rule(
    "of-diffusion", "", (), "of the grid and echo time of a diffusion series: its b = 0, or a map"
)
"""For what would be T2 by its timing, where the examination has such a series."""
REPEATED: Final = Rule(
    "repeated",
    "",
    (),
    "several images of each slice, and nothing says what sets them apart: name their sequence in "
    "sequences.toml",
)
"""For what would be T2 by its timing: a diffusion series that lost its b-values looks like this."""

SERIES_RULES: Final = (
    # Of no use here.
    Rule("localizer", "", (holds_any("image_type", "LOCALIZER"),), "a localizer", (), "image type"),
    Rule("localizer-words", "", (), "described as a localizer", LOCALIZER, "words"),
    Rule("localizer-slices", "", (at_least("between_slices", 15, " mm"),),
         "slices 15 mm apart or more: a localizer"),
    Rule("adc", "adc", (holds_any("image_type", "ADC", "ADC_UNSPECIFIED"),),
         "the image type says ADC", (), "image type"),
    Rule("exponential-adc", "", (holds_any("image_type", "EADC", "EXP_ADC"),),
         "an exponential ADC map", (), "image type"),
    Rule("component", "", (holds_any("component", "PHASE", "REAL", "IMAGINARY"),),
         "a phase, real or imaginary image", (), "image type"),
    Rule("fat", "", (holds_any("image_type", "FAT", "F", "FAT_FRACTION", "FF"),),
         "a fat image", (), "image type"),
    Rule("in-phase", "t1-in-phase", (holds_any("image_type", "IN_PHASE", "IP"),),
         "the image type says in phase", (), "image type"),
    Rule("opposed-phase", "t1-opposed-phase",
         (holds_any("image_type", "OUT_PHASE", "OPP_PHASE", "OP"),),
         "the image type says opposed phase", (), "image type"),
    Rule("perfusion", "", (Test("image type or contrast: PERFUSION or ASL", lambda f:
         bool((f.image_type | {f.weighting}) & {"PERFUSION", "ASL", "RELCBF", "TTP"})),),
         "a perfusion image", (), "image type"),
    Rule("projection", "", (holds_any("image_type", "MPR", "MIP", "MINIP", "PROJECTION IMAGE",
                                      "SUBTRACT", "SUBTRACTION", "SUB", "REFORMATTED"),),
         "a projection, reformation or subtraction", (), "image type"),
    Rule("derived-words", "", (NOT_ACQUIRED,), "a map, projection, subtraction or screenshot",
         DERIVED_WORDS, "words"),
    Rule("other-words", "", (), "a scan of another kind (calibration, cine, elastography …)",
         ("cine", "movie", "elasto*", "mre", "perf*", "field map*", "gre field", "shim*",
          "calib*", "asset cal*", "coil sens*", "ref scan"), "words"),
    Rule("adc-words", "adc", (holds_any("image_type", "DERIVED"), NOT_COMBINED, ONLY_MAP),
         "derived, described as ADC",
         ADC_WORDS, "words"),
    Rule("adc-words-alone", "adc",
         (NOT_ACQUIRED, NOT_COMBINED, not_so("weighted"), ONLY_MAP), "described as ADC",
         ADC_WORDS, "words"),
    Rule("adc-or-diffusion", "", (NOT_ACQUIRED, NOT_COMBINED),
         "described as ADC, but as diffusion or with b-values too: name its sequence in "
         "sequences.toml",
         ADC_WORDS, "words"),
    Rule("adc-but-acquired", "", (ACQUIRED, not_so("weighted")),
         "described as ADC, but its image type says acquired: name its sequence in "
         "sequences.toml", ADC_WORDS, "words"),
    Rule("mrcp", "", (at_least("echo_time", 500, " ms"),), "a cholangiogram (MRCP)"),
    Rule("mrcp-words", "", (), "a cholangiogram (MRCP)", MRCP_WORDS, "words"),
    Rule("flair", "", (), "a fluid-attenuated image (FLAIR)",
         ("*flair*", "dark fluid"), "words"),
    Rule("fat-part", "", (FAT_PART, NO_LONG_ECHO), "the fat image of a family", (), "words"),
    Rule("in-phase-part", "t1-in-phase", (IN_PART, NO_LONG_ECHO),
         "described as the in-phase image of a family", (), "words"),
    Rule("opposed-phase-part", "t1-opposed-phase", (OPPOSED_PART, NO_LONG_ECHO),
         "described as the opposed image of a family", (), "words"),
    # Diffusion.
    Rule("copied-b-value", "", (*DERIVED, at_least("b_value", 1), NOT_COMBINED),
         "a derived image with the b-value of its source"),
    Rule("b-value", "dwi", (at_least("b_value", 1),), "a b-value above 0"),
    Rule("b-zero", "dwi", (is_so("weighted"), NO_B),
         "b = 0 (or no b-value) in a series that holds weighted images"),
    Rule("diffusion", "dwi", (Test("image type or contrast: DIFFUSION, TRACEW", lambda f: bool(
         (f.image_type | {f.weighting}) & DIFFUSION_TYPES)),),
         "the image type says diffusion", (), "image type"),
    Rule("diffusion-words", "dwi", (ECHO_PLANAR,), "echo planar, described as diffusion",
         DIFFUSION_WORDS, "words"),
    Rule("echo-planar", "", (ECHO_PLANAR,), "an EPI of no role here"),
    Rule("derived", "", DERIVED, "a derived image", (), "image type"),
    # By timing.
    Rule("t2-star", "", (GRADIENT_ONLY, at_least("echo_time", 12, " ms")),
         "a T2*-weighted gradient echo"),
    Rule("balanced", "", (GRADIENT_ONLY, below("repetition_time", 8, " ms"),
                          at_least("flip_angle", 35, "°")), "a balanced gradient echo"),
    Rule("balanced-words", "", (), "a balanced gradient echo",
         ("true fi", "true fisp", "trufi*", "fiesta", "b ffe", "b tfe"), "words"),
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
         "a short echo, described as in phase",
         ("in phase", "ip"), "words"),
    Rule("opposed-phase-words", "t1-opposed-phase", (below("echo_time", 8, " ms"),),
         "a short echo, described as opposed",
         ("opp", "opposed", "opp phase", "opposed phase", "out of phase", "op"), "words"),
    Rule("t1", "t1", (below("echo_time", 30, " ms"), below("repetition_time", 1200, " ms")),
         "a short echo and repetition time"),
    Rule("t1-prepared", "t1", (GRADIENT_ONLY, is_so("volumetric"), below("echo_time", 12, " ms"),
                               at_least("inversion_time", 300, " ms")),
         "a three-dimensional gradient echo after inversion"),
    Rule("contrast-t2", "t2", (holds_any("weighting", "T2"),), "the file says T2 contrast",
         (), "image type"),
    Rule("contrast-t1", "t1", (holds_any("weighting", "T1"),), "the file says T1 contrast",
         (), "image type"),
    # By description, where attributes are missing.
    Rule("dwi-words", "dwi", (), "described as diffusion",
         ("dwi*", "diff*", "*弥散*", "*扩散*"), "words"),
    Rule("t2-words", "t2", (Test("no echo time", lambda f: f.echo_time is None),),
         "described as T2",
         T2_WORDS, "words"),
    Rule("t1-words", "t1", (Test("no echo time", lambda f: f.echo_time is None),),
         "described as T1",
         T1_WORDS, "words"),
)  # fmt: skip
"""For a stack by itself; the first that holds decides.

What the scanner wrote comes before what a person typed: a word decides where the image type does
not say the contrary.
"""
