"""The rules that name a series' sequence, in order: attributes before descriptions.

The first rule of which every test holds decides. `docs/site-guide.md` shows these tables; they
are written from here.
"""

import re
from typing import Final

from hepafed.client.dicom.roles.rule import (
    Rule,
    StackFacts,
    Test,
    at_least,
    below,
    holds_any,
    is_so,
    not_so,
)


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
NO_TIMES = Test("no acquisition times", lambda f: f.after_first is None)
FIRST = Test("order among the enhanced: 1", lambda f: f.order == 1)
SECOND = Test("order among the enhanced: 2", lambda f: f.order == 2)
LATER = Test("order among the enhanced: 3 or later", lambda f: f.order >= 3)

SERIES_RULES: Final = (
    # Of no use here.
    Rule("localizer", "", (holds_any("image_type", "LOCALIZER"),), "a localizer"),
    Rule("localizer-words", "", (), "a localizer",
         ("loc", "localizer", "localiser", "scout", "survey", "pilot", "3 pl", "3 plane",
          "tri plane")),
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
         ("mip", "minip", "mpr", "sub", "subs", "subtraction", "subtracted", "reformat*",
          "cine", "movie", "screen shot", "screen save", "report", "snapshot", "fusion",
          "eadc", "exp* adc", "exp* app*", "elasto*", "mre", "wave", "stiffness", "pdff",
          "fat fraction", "t1 map*", "t2 map*", "t2 star map*", "r2 map*", "r2 star map*",
          "perf*", "field map*", "gre field", "shim*", "calib*", "asset", "coil sens*",
          "ref scan")),
    Rule("adc-words", "adc", (), "described as ADC",
         ("adc", "apparent diff*")),
    Rule("mrcp", "", (at_least("echo_time", 500, " ms"),), "a cholangiogram (MRCP)"),
    Rule("mrcp-words", "", (), "a cholangiogram (MRCP)",
         ("*mrcp*", "*cholangio*")),
    Rule("flair", "", (), "a fluid-attenuated image (FLAIR)",
         ("*flair*", "dark fluid")),
    # Diffusion.
    Rule("b-value", "dwi", (at_least("b_value", 1),), "a b-value above 0"),
    Rule("b-zero", "dwi", (is_so("weighted"), NO_B),
         "b = 0 (or no b-value) in a series that holds weighted images"),
    Rule("diffusion", "dwi", (Test("image type or contrast: DIFFUSION, TRACEW", lambda f: bool(
         (f.image_type | {f.weighting}) & {"DIFFUSION", "TRACEW", "TRACE"})),),
         "the image type says diffusion"),
    Rule("diffusion-words", "dwi", (ECHO_PLANAR,), "echo planar, described as diffusion",
         ("*dwi*", "*diff*", "b#", "trace", "tracew")),
    Rule("echo-planar", "", (ECHO_PLANAR,), "an EPI of no role here"),
    Rule("derived", "", (holds_any("image_type", "DERIVED"), holds_any("image_type", "SECONDARY")),
         "a derived image"),
    # By timing.
    Rule("t2-star", "", (GRADIENT_ONLY, at_least("echo_time", 12, " ms")),
         "a T2*-weighted gradient echo"),
    Rule("balanced", "", (GRADIENT_ONLY, below("repetition_time", 8, " ms"),
                          at_least("flip_angle", 35, "°")), "a balanced gradient echo"),
    Rule("balanced-words", "", (), "a balanced gradient echo",
         ("true fi", "true fisp", "trufi*", "fiesta", "b ffe", "b tfe")),
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
         ("in phase", "ip")),
    Rule("opposed-phase-words", "t1-opposed-phase", (below("echo_time", 8, " ms"),),
         "a short echo, described as opposed",
         ("opp", "opposed", "opp phase", "opposed phase", "out of phase", "op")),
    Rule("t1", "t1", (below("echo_time", 30, " ms"), below("repetition_time", 1200, " ms")),
         "a short echo and repetition time"),
    Rule("t1-prepared", "t1", (GRADIENT_ONLY, is_so("volumetric"), below("echo_time", 12, " ms"),
                               at_least("inversion_time", 300, " ms")),
         "a three-dimensional gradient echo after inversion"),
    Rule("contrast-t2", "t2", (holds_any("weighting", "T2"),), "the file says T2 contrast"),
    Rule("contrast-t1", "t1", (holds_any("weighting", "T1"),), "the file says T1 contrast"),
    # By description, where attributes are missing.
    Rule("dwi-words", "dwi", (), "described as diffusion",
         ("dwi*", "diff*")),
    Rule("t2-words", "t2", (Test("no echo time", lambda f: f.echo_time is None),),
         "described as T2",
         ("t2*",)),
    Rule("t1-words", "t1", (Test("no echo time", lambda f: f.echo_time is None),),
         "described as T1",
         ("t1*", "*vibe*", "*lava*", "*thrive*", "quick 3d*")),
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
         ("pre", "c pre", "native", "nativ", "unenh*", "non contrast", "precontrast",
          "without", "wo")),
    Rule("hepatobiliary-words", "hepatobiliary", (is_so("alone"),), "described as hepatobiliary",
         ("hepato b*", "hbp", "10 min", "15 min", "20 min")),
    Rule("arterial-words", "arterial", (is_so("alone"),), "described as arterial",
         ("art*", "*arterial*", "eap", "hap", "lap", "c a")),
    Rule("portal-words", "portal", (is_so("alone"),), "described as portal venous",
         ("port*", "pv", "pvp", "ven", "venous", "vp", "c v")),
    Rule("delayed-words", "delayed", (is_so("alone"),), "described as delayed",
         ("delay*", "equil*", "late", "dp", "transition*", "2 min", "3 min", "4 min", "5 min",
          "6 min", "7 min", "8 min", "9 min")),
    Rule("pre", "t1-pre", (is_so("native"),), "no contrast is stated"),
    Rule("arterial-by-time", "arterial", (is_so("dynamic"), below("after_first", 20, " s")),
         "the first of the enhanced stacks"),
    Rule("portal-by-time", "portal", (is_so("dynamic"), at_least("after_first", 20, " s"),
         below("after_first", 75, " s")), "the time since the first enhanced stack"),
    Rule("delayed-by-time", "delayed", (is_so("dynamic"), at_least("after_first", 75, " s"),
         below("after_first", 600, " s")), "the time since the first enhanced stack"),
    Rule("hepatobiliary-by-time", "hepatobiliary", (is_so("dynamic"),
         at_least("after_first", 600, " s")), "the time since the first enhanced stack"),
    Rule("arterial-by-order", "arterial", (is_so("dynamic"), NO_TIMES, FIRST),
         "the first of the enhanced stacks"),
    Rule("portal-by-order", "portal", (is_so("dynamic"), NO_TIMES, SECOND),
         "the second of the enhanced stacks"),
    Rule("delayed-by-order", "delayed", (is_so("dynamic"), NO_TIMES, LATER),
         "a later one of the enhanced stacks"),
)  # fmt: skip
"""For the T1 stacks of an examination, which they place in the dynamic; none holds: `t1`.

A stated time decides first, and the place among the temporal positions of one series. A
description is believed before the time since the first enhanced stack, which is an inference:
sites fill in the contrast agent for a whole examination beforehand.
"""
