"""Each row of the rules for a stack by itself: codes, words, limits, and what it comes before."""

import pytest
from hepafed.client.dicom.roles.rule import StackFacts, decide
from hepafed.client.dicom.roles.sequences import SERIES_RULES

GR = frozenset({"GR"})
T1 = {"scanning": GR, "echo_time": 1.3, "repetition_time": 4.0, "flip_angle": 10.0}
T2 = {"scanning": frozenset({"SE"}), "echo_time": 90.0, "repetition_time": 4000.0}
EPI = {"scanning": frozenset({"SE", "EP"}), "echo_time": 60.0, "repetition_time": 6000.0}


def decided(**facts: object) -> tuple[str, str]:
    """Give the rule that decides and its sequence."""
    rule = decide(StackFacts(**facts), SERIES_RULES)  # type: ignore[arg-type]
    return rule.name, rule.sequence


CODES = {
    ("localizer", ""): ("LOCALIZER",),
    ("adc", "adc"): ("ADC", "ADC_UNSPECIFIED"),
    ("exponential-adc", ""): ("EADC", "EXP_ADC"),
    ("fat", ""): ("FAT", "F", "FAT_FRACTION", "FF"),
    ("in-phase", "t1-in-phase"): ("IN_PHASE", "IP"),
    ("opposed-phase", "t1-opposed-phase"): ("OUT_PHASE", "OPP_PHASE", "OP"),
    ("perfusion", ""): ("PERFUSION", "ASL", "RELCBF", "TTP"),
    ("projection", ""): (
        "MPR", "MIP", "MINIP", "PROJECTION IMAGE", "SUBTRACT", "SUBTRACTION", "SUB", "REFORMATTED",
    ),
    ("diffusion", "dwi"): ("DIFFUSION", "TRACEW", "TRACE"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "code"),
    [pytest.param(r, c, id=f"{r[0]}-{c}") for r, codes in CODES.items() for c in codes],
)
def test_an_image_type_decides_before_the_timing(rule: tuple[str, str], code: str) -> None:
    assert decided(**T1, image_type=frozenset({"ORIGINAL", "PRIMARY", code})) == rule


@pytest.mark.parametrize("code", ["PERFUSION", "ASL", "RELCBF", "TTP"])
def test_a_stated_contrast_of_perfusion_is_of_no_use(code: str) -> None:
    assert decided(**T2, weighting=code) == ("perfusion", "")


@pytest.mark.parametrize("code", ["DIFFUSION", "TRACEW", "TRACE"])
def test_a_stated_contrast_of_diffusion_is_diffusion(code: str) -> None:
    assert decided(**T2, weighting=code) == ("diffusion", "dwi")


@pytest.mark.parametrize("component", ["PHASE", "REAL", "IMAGINARY"])
def test_only_magnitude_is_of_use(component: str) -> None:
    assert decided(**T2, component=component) == ("component", "")
    assert decided(**T2, component="MAGNITUDE") == ("t2", "t2")


@pytest.mark.parametrize("code", ["WATER", "W", "M", "NORM", "IN", "OUT", "AXIAL"])
def test_other_image_types_decide_nothing(code: str) -> None:
    assert decided(**T1, image_type=frozenset({"ORIGINAL", "PRIMARY", code})) == ("t1", "t1")


@pytest.mark.parametrize(
    ("codes", "rule"),
    [
        ({"DERIVED", "SECONDARY"}, "derived"),
        ({"DERIVED", "PRIMARY"}, "t1"),
        ({"ORIGINAL", "SECONDARY"}, "t1"),
    ],
)
def test_a_derived_image_is_set_aside_only_where_it_is_secondary_too(
    codes: set[str], rule: str
) -> None:
    assert decided(**T1, image_type=frozenset(codes))[0] == rule


WORDS = {
    ("localizer-words", ""): (
        "localizer", "localiser", "scout", "3 pl", "3pl", "3 plane", "3plane", "tri plane",
        "triplane",
    ),
    ("derived-words", ""): (
        "mip", "minip", "mpr", "sub", "subs", "subtraction", "subtracted", "reformat",
        "reformatted", "screen shot", "screenshot", "screen save", "report", "snapshot", "fusion",
        "eadc", "exp adc", "exponential adc", "exp apparent", "exp app coeff", "wave",
        "stiffness", "pdff", "fat fraction", "t1 map", "t1 mapping", "t2 map", "t2 maps",
        "t2 star map", "r2 map", "r2 star map", "腹部减影图",
    ),
    ("other-words", ""): (
        "cine", "movie", "elasto", "elastography", "mre", "perf", "perfusion", "field map",
        "fieldmap", "gre field", "shim", "shimming", "calib", "calibration", "asset cal",
        "asset calibration", "coil sens", "coil sensitivity", "ref scan", "refscan",
    ),
    ("adc-words-alone", "adc"): (
        "adc", "apparent diff", "apparent diffusion coefficient", "average dc", "avg dc",
    ),
    ("mrcp-words", ""): ("mrcp", "3dmrcp thin", "cholangio", "mrcholangiogram"),
    ("flair", ""): ("flair", "tiraflair2", "dark fluid", "darkfluid"),
    ("balanced-words", ""): (
        "true fi", "truefi", "true fisp", "truefisp", "trufi", "trufisp", "fiesta", "b ffe",
        "bffe", "b tfe", "btfe",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "word"),
    [pytest.param(r, w, id=f"{r[0]}-{w}") for r, words in WORDS.items() for w in words],
)
def test_a_description_of_what_looks_like_t2_decides_before_the_timing(
    rule: tuple[str, str], word: str
) -> None:
    assert decided(**T2, description=f"abd {word} tra") == rule


@pytest.mark.parametrize("word", ["loc", "survey", "pilot"])
def test_a_short_word_for_a_localizer_counts_at_either_end_of_a_description(word: str) -> None:
    for described in (word, f"{word} bh", f"haste {word}"):
        assert decided(**T2, description=described) == ("localizer-words", "")
    assert decided(**T2, description=f"ext {word} ref") == ("t2", "t2")


ACQUIRED = frozenset({"ORIGINAL", "PRIMARY", "M"})
DERIVED = frozenset({"DERIVED", "PRIMARY"})


@pytest.mark.parametrize("word", [w for w in WORDS["derived-words", ""] if " adc" not in w])
def test_what_the_scanner_calls_acquired_is_no_map_for_a_word(word: str) -> None:
    assert decided(**T2, image_type=ACQUIRED, description=f"abd {word} tra") == ("t2", "t2")


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (T2 | {"description": "t2 asset fs"}, "t2"),
        (T1 | {"description": "vibe wave", "image_type": ACQUIRED}, "t1"),
        (EPI | {"image_type": ACQUIRED, "b_value": 800.0, "weighted": True}, "b-value"),
        (EPI | {"image_type": ACQUIRED, "b_value": 0.0, "weighted": True}, "b-zero"),
        (EPI | {"image_type": ACQUIRED}, "adc-but-acquired"),
        (T2 | {"image_type": ACQUIRED}, "adc-but-acquired"),
        (EPI | {"image_type": DERIVED, "b_value": 800.0}, "adc-or-diffusion"),
        (EPI | {"image_type": DERIVED, "description": "adc b800"}, "adc-or-diffusion"),
        (EPI | {"image_type": DERIVED, "description": "liver adc", "b_value": 800.0}, "adc-words"),
        (EPI | {"image_type": DERIVED, "description": "average dc ax dwi b800"}, "adc-words"),
        (
            EPI | {"image_type": DERIVED | {"TRACEW"}, "description": "adc", "b_value": 800.0},
            "b-value",
        ),
        (EPI | {"description": "liver adc"}, "adc-words-alone"),
        (EPI | {"b_value": 800.0, "weighted": True}, "adc-or-diffusion"),
        (EPI | {"weighted": True}, "adc-or-diffusion"),
        (EPI, "adc-or-diffusion"),
    ],
)
def test_the_word_adc_makes_a_map_only_where_the_scanner_does_not_say_otherwise(
    facts: dict[str, object], rule: str
) -> None:
    assert decided(**{"description": "dwi 3b adc"} | facts)[0] == rule


COPIED = {"image_type": frozenset({"DERIVED", "SECONDARY"}), "b_value": 800.0, "weighted": True}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, "copied-b-value"),
        ({"isotropic": True}, "b-value"),
        ({"image_type": COPIED["image_type"] | {"TRACEW"}}, "b-value"),
        ({"image_type": COPIED["image_type"] | {"DIFFUSION"}}, "b-value"),
        ({"image_type": COPIED["image_type"] | {"CALC_BVALUE"}}, "b-value"),
        ({"image_type": COPIED["image_type"] | {"SYNTHETIC"}}, "b-value"),
        ({"image_type": frozenset({"DERIVED", "PRIMARY"})}, "b-value"),
        ({"image_type": frozenset({"ORIGINAL", "SECONDARY"})}, "b-value"),
        ({"b_value": 0.99}, "echo-planar"),
    ],
)
def test_a_derived_image_only_carries_the_b_value_unless_the_scanner_combined_it(
    changes: dict[str, object], rule: str
) -> None:
    assert decided(**EPI | COPIED | changes)[0] == rule


@pytest.mark.parametrize(
    ("described", "rule"),
    [
        ("fat ax lava flex", "fat-part"),
        ("water ax lava flex", "t1"),
        ("inphase ax lava flex", "in-phase-part"),
        ("in phase ax lava flex", "in-phase-part"),
        ("outphase ax lava flex", "opposed-phase-part"),
        ("out phase ax lava flex", "opposed-phase-part"),
        ("t1 vibe dixon tra f", "fat-part"),
        ("t1 vibe dixon tra fat", "fat-part"),
        ("t1 vibe dixon tra w", "t1"),
        ("t1 vibe dixon tra in", "in-phase-part"),
        ("t1 vibe dixon tra opp", "opposed-phase-part"),
        ("mdixon quant ff", "fat-part"),
        ("fat sat t1 tra", "t1"),
        ("fat sup t1 lava", "t1"),
        ("fatsat t1 tra", "t1"),
        ("t1 tra f", "t1"),
        ("t1 vibe f tra", "t1"),
        ("fatty liver t1", "t1"),
    ],
)
def test_a_part_of_a_family_is_known_by_the_beginning_or_the_end_of_its_description(
    described: str, rule: str
) -> None:
    assert decided(**T1, description=described)[0] == rule
    assert decided(**T1 | {"echo_time": 8.0}, description=described)[0] == "t1"


@pytest.mark.parametrize(
    "word",
    [
        "local", "scouts", "3 place", "mips", "subject", "cinema", "waves", "mreg", "perspective",
        "adcs", "apparent", "dark", "true", "fies", "map", "t1", "asset", "fat", "ip angle",
    ],
)  # fmt: skip
def test_a_word_that_only_resembles_one_decides_nothing(word: str) -> None:
    assert decided(**T2, description=f"abd {word} tra") == ("t2", "t2")


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        ("dwi", "diffusion-words"),
        ("ep2ddwi3scan", "diffusion-words"),
        ("rediffx", "diffusion-words"),
        ("b50", "diffusion-words"),
        ("b800", "diffusion-words"),
        ("b1000", "diffusion-words"),
        ("trace", "diffusion-words"),
        ("tracew", "diffusion-words"),
        ("b5", "echo-planar"),
        ("tracer", "echo-planar"),
        ("fmri", "echo-planar"),
    ],
)
def test_an_echo_planar_image_is_diffusion_only_where_it_is_described_so(
    word: str, rule: str
) -> None:
    sequence = "dwi" if rule == "diffusion-words" else ""
    assert decided(**EPI, description=f"abd {word} tra") == (rule, sequence)


@pytest.mark.parametrize("word", ["dwi", "b800", "trace"])
def test_words_of_diffusion_do_not_make_diffusion_of_a_spin_echo(word: str) -> None:
    assert decided(**T2, description=f"abd {word}") == ("t2", "t2")


@pytest.mark.parametrize(
    ("pulse", "planar"),
    [
        ("ep b800", True),
        ("ep2d", True),
        ("ep2d diff", True),
        ("epfid2d1", True),
        ("se epi", True),
        ("dwepi", True),
        ("ep3d", False),
        ("step", False),
        ("tse", False),
        ("fepfid", False),
    ],
)
def test_a_pulse_sequences_name_says_echo_planar(pulse: str, planar: bool) -> None:
    described = "diffusion-words" if planar else "t2"
    assert decided(**T2, pulse=pulse, description="dwi")[0] == described


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        ("in phase", "in-phase-words"),
        ("inphase", "in-phase-words"),
        ("ip", "in-phase-words"),
        ("opp", "opposed-phase-words"),
        ("opposed", "opposed-phase-words"),
        ("opp phase", "opposed-phase-words"),
        ("opposed phase", "opposed-phase-words"),
        ("out of phase", "opposed-phase-words"),
        ("op", "opposed-phase-words"),
        ("in", "t1"),
        ("phase", "t1"),
        ("opposite", "t1"),
        ("out", "t1"),
        ("ips", "t1"),
    ],
)
def test_a_short_echo_described_by_its_phase_is_that(word: str, rule: str) -> None:
    assert decided(**T1, description=f"t1 {word} tra")[0] == rule


@pytest.mark.parametrize(("word", "sequence"), [("ip", "t1-in-phase"), ("opp", "t1-opposed-phase")])
def test_the_phase_is_believed_of_an_echo_below_8_ms_only(word: str, sequence: str) -> None:
    facts = {"scanning": GR, "repetition_time": 150.0, "description": word}
    assert decided(**facts, echo_time=7.99)[1] == sequence
    assert decided(**facts, echo_time=8.0)[1] == "t1"
    assert decided(**facts)[1] == ""


@pytest.mark.parametrize(
    ("word", "sequence"),
    [
        ("dwi", "dwi"),
        ("dwibs", "dwi"),
        ("diff", "dwi"),
        ("diffusion", "dwi"),
        ("t2", "t2"),
        ("t2w", "t2"),
        ("t1", "t1"),
        ("t1w", "t1"),
        ("vibe", "t1"),
        ("fvibex", "t1"),
        ("lava", "t1"),
        ("xlavaflex", "t1"),
        ("thrive", "t1"),
        ("ethrivef", "t1"),
        ("quick 3d", "t1"),
        ("quick3ds", "t1"),
        ("xt2", ""),
        ("xt1", ""),
        ("quick", ""),
        ("xdwi", ""),
    ],
)
def test_a_description_alone_names_the_sequence(word: str, sequence: str) -> None:
    assert decided(description=f"abd {word} tra")[1] == sequence


@pytest.mark.parametrize("word", ["t1 tra", "t2 tra"])
def test_a_described_weighting_is_not_believed_where_the_echo_time_says_otherwise(
    word: str,
) -> None:
    assert decided(description=word, echo_time=35.0) == ("none", "")


@pytest.mark.parametrize(
    ("echo", "rule"), [(499.9, "t2"), (500.0, "mrcp"), (500.1, "mrcp"), (1000.0, "mrcp")]
)
def test_a_cholangiogram_begins_at_an_echo_of_500_ms(echo: float, rule: str) -> None:
    assert decided(**T2 | {"echo_time": echo})[0] == rule


@pytest.mark.parametrize(
    ("b", "rule"), [(0.99, "echo-planar"), (1.0, "b-value"), (50.0, "b-value"), (0.0, "b-zero")]
)
def test_a_b_value_of_1_makes_diffusion(b: float, rule: str) -> None:
    assert decided(**EPI, b_value=b, weighted=True)[0] == rule


@pytest.mark.parametrize(("b", "weighted"), [(0.0, True), (None, True)])
def test_b_zero_is_diffusion_only_in_a_weighted_series(b: float | None, weighted: bool) -> None:
    assert decided(**EPI, b_value=b, weighted=weighted) == ("b-zero", "dwi")
    assert decided(**EPI, b_value=b, weighted=False) == ("echo-planar", "")


@pytest.mark.parametrize(("echo", "rule"), [(11.99, "t1"), (12.0, "t2-star"), (12.1, "t2-star")])
def test_a_gradient_echo_is_t2_star_from_12_ms(echo: float, rule: str) -> None:
    assert decided(scanning=GR, echo_time=echo, repetition_time=150.0)[0] == rule


@pytest.mark.parametrize("also", ["SE", "RM"])
def test_a_gradient_echo_with_a_spin_echo_or_a_mixture_is_not_gradient_echo_alone(
    also: str,
) -> None:
    mixed = frozenset({"GR", also})
    assert decided(scanning=mixed, echo_time=90.0, repetition_time=4000.0)[0] == "t2"
    assert decided(scanning=mixed, echo_time=1.3, repetition_time=4.0, flip_angle=60.0)[0] == "t1"


def test_a_file_without_scanning_sequence_is_not_gradient_echo_alone() -> None:
    assert decided(echo_time=90.0, repetition_time=4000.0)[0] == "t2"
    assert decided(echo_time=20.0, repetition_time=150.0)[0] == "t1"


@pytest.mark.parametrize(
    ("repetition", "flip", "rule"),
    [
        (7.99, 35.0, "balanced"),
        (7.99, 34.99, "t1"),
        (8.0, 35.0, "t1"),
        (4.0, 70.0, "balanced"),
        (7.99, None, "t1"),
    ],
)
def test_a_short_repetition_with_a_large_flip_is_balanced(
    repetition: float, flip: float | None, rule: str
) -> None:
    facts = {"scanning": GR, "echo_time": 1.9, "repetition_time": repetition, "flip_angle": flip}
    assert decided(**facts)[0] == rule


@pytest.mark.parametrize(
    ("echo", "repetition", "rule"),
    [
        (40.0, 800.0, "t2"),
        (39.99, 800.0, "none"),
        (40.0, 799.99, "none"),
        (30.0, 1199.0, "none"),
        (29.99, 1199.99, "t1"),
        (29.99, 1200.0, "none"),
        (499.0, 9000.0, "t2"),
    ],
)
def test_t2_and_t1_are_told_by_echo_and_repetition_time(
    echo: float, repetition: float, rule: str
) -> None:
    facts = {"scanning": frozenset({"SE"}), "echo_time": echo, "repetition_time": repetition}
    assert decided(**facts)[0] == rule


@pytest.mark.parametrize(
    ("inversion", "rule"),
    [
        (99.9, "t2"),
        (100.0, "t2-fat-saturated"),
        (220.0, "t2-fat-saturated"),
        (300.0, "t2-fat-saturated"),
        (300.1, "t2"),
        (None, "t2"),
    ],
)
def test_an_inversion_of_100_to_300_ms_saturates_fat(inversion: float | None, rule: str) -> None:
    assert decided(**T2, inversion_time=inversion) == (rule, "t2")


@pytest.mark.parametrize(
    ("echo", "repetition", "rule"),
    [
        (40.0, 800.0, "t2-fat-saturated"),
        (39.99, 800.0, "none"),
        (40.0, 799.99, "none"),
    ],
)
def test_fat_saturation_changes_nothing_of_what_t2_is(
    echo: float, repetition: float, rule: str
) -> None:
    facts = {"scanning": frozenset({"SE"}), "echo_time": echo, "repetition_time": repetition}
    assert decided(**facts, fat_saturated=True)[0] == rule


DUAL = {"scanning": GR, "repetition_time": 150.0, "dual": True, "echo_time": 4.0}


@pytest.mark.parametrize(
    ("cycles", "sequence"),
    [
        (0.0, "t1"),
        (0.14, "t1"),
        (0.29, "t1"),
        (0.34, "t1"),
        (0.36, "t1-opposed-phase"),
        (0.5, "t1-opposed-phase"),
        (0.64, "t1-opposed-phase"),
        (0.66, "t1"),
        (0.84, "t1"),
        (0.86, "t1-in-phase"),
        (1.0, "t1-in-phase"),
        (1.14, "t1-in-phase"),
        (1.16, "t1"),
        (1.34, "t1"),
        (1.36, "t1-opposed-phase"),
        (1.64, "t1-opposed-phase"),
        (1.66, "t1"),
        (2.0, "t1-in-phase"),
        (None, "t1"),
    ],
)
def test_fat_is_in_or_opposed_phase_within_15_percent_of_a_turn(
    cycles: float | None, sequence: str
) -> None:
    assert decided(**DUAL, cycles=cycles)[1] == sequence


@pytest.mark.parametrize(("cycles", "rule"), [(2.0, "in-phase-echo"), (2.5, "opposed-phase-echo")])
def test_the_turns_of_fat_are_asked_of_several_short_gradient_echoes_only(
    cycles: float, rule: str
) -> None:
    assert decided(**DUAL | {"echo_time": 7.99}, cycles=cycles)[0] == rule
    assert decided(**DUAL | {"echo_time": 8.0}, cycles=cycles)[0] == "t1"
    assert decided(**DUAL | {"dual": False}, cycles=cycles)[0] == "t1"
    assert decided(**DUAL | {"scanning": frozenset({"SE"})}, cycles=cycles)[0] == "t1"


PREPARED = {"scanning": GR, "volumetric": True, "echo_time": 2.0, "repetition_time": 2000.0}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"inversion_time": 300.0}, "t1-prepared"),
        ({"inversion_time": 299.9}, "none"),
        ({"inversion_time": None}, "none"),
        ({"inversion_time": 900.0, "echo_time": 11.99}, "t1-prepared"),
        ({"inversion_time": 900.0, "echo_time": None}, "none"),
        ({"inversion_time": 900.0, "volumetric": False}, "none"),
        ({"inversion_time": 900.0, "scanning": frozenset({"SE"})}, "none"),
    ],
)
def test_a_volumetric_gradient_echo_after_inversion_is_t1_whatever_its_repetition(
    changes: dict[str, object], rule: str
) -> None:
    assert decided(**PREPARED | changes)[0] == rule


@pytest.mark.parametrize(
    ("weighting", "found"),
    [("T2", ("contrast-t2", "t2")), ("T1", ("contrast-t1", "t1")), ("PD", ("none", ""))],
)
def test_a_stated_weighting_decides_where_the_timing_does_not(
    weighting: str, found: tuple[str, str]
) -> None:
    facts = {"scanning": frozenset({"SE"}), "echo_time": 35.0, "repetition_time": 2500.0}
    assert decided(**facts, weighting=weighting) == found


def test_the_timing_decides_before_a_stated_weighting() -> None:
    assert decided(**T2, weighting="T1")[0] == "t2"
    assert decided(**T1, weighting="T2")[0] == "t1"


TRACE = {"image_type": frozenset({"DERIVED", "SECONDARY", "TRACEW"})}
B = EPI | {"b_value": 800.0, "weighted": True}


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (B | {"image_type": frozenset({"LOCALIZER", "ADC"})}, "localizer"),
        (T1 | {"image_type": frozenset({"LOCALIZER"}), "description": "scout"}, "localizer"),
        (T1 | {"image_type": frozenset({"EADC"}), "component": "PHASE"}, "exponential-adc"),
        (T1 | {"image_type": frozenset({"OP", "PERFUSION"})}, "opposed-phase"),
        (T2 | {"echo_time": 700.0, "description": "adc"}, "adc-words-alone"),
        (B | {"image_type": frozenset({"ADC"}), "description": "scout"}, "localizer-words"),
        (B | {"image_type": frozenset({"ADC", "EADC"})}, "adc"),
        (B | {"image_type": frozenset({"ADC"}), "description": "eadc mip"}, "adc"),
        (B | {"image_type": frozenset({"EADC"}), "description": "adc"}, "exponential-adc"),
        (B | {"image_type": frozenset({"ADC"}), "component": "PHASE"}, "adc"),
        (T1 | {"image_type": frozenset({"FAT"}), "component": "PHASE"}, "component"),
        (T1 | {"image_type": frozenset({"IP"}), "component": "REAL"}, "component"),
        (T1 | {"image_type": frozenset({"FAT", "IP"})}, "fat"),
        (T1 | {"image_type": frozenset({"IP", "OP"})}, "in-phase"),
        (T1 | {"image_type": frozenset({"OP", "MPR"})}, "opposed-phase"),
        (T1 | {"image_type": frozenset({"OP"}), "description": "in phase"}, "opposed-phase"),
        (T1 | {"image_type": frozenset({"MIP", "PERFUSION"})}, "perfusion"),
        (T1 | {"image_type": frozenset({"MIP"}), "description": "sub"}, "projection"),
        (B | {"description": "exp adc"}, "derived-words"),
        (B | {"description": "eadc adc"}, "derived-words"),
        (B | {"description": "adc mrcp"}, "adc-or-diffusion"),
        (T2 | {"echo_time": 700.0, "description": "mrcp"}, "mrcp"),
        (T2 | {"description": "mrcp flair"}, "mrcp-words"),
        (B | {"description": "flair"}, "flair"),
        (B | TRACE | {"description": "dwi"}, "b-value"),
        (EPI | TRACE | {"weighted": True}, "b-zero"),
        (EPI | TRACE | {"description": "dwi"}, "diffusion"),
        (EPI | {"image_type": frozenset({"DERIVED", "SECONDARY"}), "description": "dwi"},
         "diffusion-words"),
        (EPI | {"image_type": frozenset({"DERIVED", "SECONDARY"})}, "echo-planar"),
        (T1 | {"image_type": frozenset({"DERIVED", "SECONDARY"}), "echo_time": 20.0}, "derived"),
        (T1 | {"echo_time": 20.0, "flip_angle": 60.0}, "t2-star"),
        (T1 | {"flip_angle": 60.0, "description": "fiesta"}, "balanced"),
        (T2 | {"description": "fiesta"}, "balanced-words"),
        (T2 | {"description": "fiesta", "fat_saturated": True}, "balanced-words"),
        (DUAL | {"cycles": 1.0, "description": "opp"}, "in-phase-echo"),
        (DUAL | {"cycles": 0.5, "description": "ip"}, "opposed-phase-echo"),
        (T1 | {"description": "ip opp"}, "in-phase-words"),
        (PREPARED | {"inversion_time": 900.0, "weighting": "T2"}, "t1-prepared"),
        ({"weighting": "T2", "description": "dwi"}, "contrast-t2"),
        ({"weighting": "T1", "description": "dwi t2"}, "contrast-t1"),
        ({"description": "dwi t2"}, "dwi-words"),
        ({"description": "t1 t2"}, "t2-words"),
    ],
)  # fmt: skip
def test_where_two_rules_hold_the_earlier_decides(facts: dict[str, object], rule: str) -> None:
    assert decided(**facts)[0] == rule


def test_nothing_known_is_no_sequence() -> None:
    assert decided() == ("none", "")
