"""The declared rules: attributes before descriptions, and a reason for each set-aside."""

import re

import pytest
from hepafed.client.dicom.roles.phases.rules import PHASE_RULES
from hepafed.client.dicom.roles.rule import UNKNOWN, Rule, StackFacts, decide
from hepafed.client.dicom.roles.sequences import SERIES_RULES
from hepafed.common.contract.vocabulary import SEQUENCES

T1 = {"scanning": frozenset({"GR"}), "echo_time": 1.3, "repetition_time": 4.0, "flip_angle": 10.0}
T2 = {"scanning": frozenset({"SE"}), "echo_time": 90.0, "repetition_time": 4000.0}
EPI = {"scanning": frozenset({"SE", "EP"}), "echo_time": 60.0, "repetition_time": 6000.0}


def kinds(*words: str) -> frozenset[str]:
    return frozenset(words)


def named(rules: tuple[Rule, ...] = SERIES_RULES, **facts: object) -> tuple[str, str]:
    rule = decide(StackFacts(**facts), rules)  # type: ignore[arg-type]
    return rule.sequence, rule.name


@pytest.mark.parametrize(
    ("facts", "sequence"),
    [
        (T2, "t2"),
        (T2 | {"fat_saturated": True}, "t2"),
        (T2 | {"inversion_time": 2200.0}, "t2"),
        (T1, "t1"),
        (T1 | {"inversion_time": 900.0}, "t1"),
        (EPI | {"b_value": 800.0}, "dwi"),
        (EPI | {"b_value": 0.0, "weighted": True}, "dwi"),
        (EPI | {"weighted": True}, "dwi"),
        (EPI | {"image_type": kinds("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW")}, "dwi"),
        (EPI | {"image_type": kinds("DERIVED", "PRIMARY", "ADC"), "b_value": 800.0}, "adc"),
        (T1 | {"image_type": kinds("DERIVED", "DIXON", "IN_PHASE")}, "t1-in-phase"),
        (T1 | {"image_type": kinds("DERIVED", "DIXON", "OPP_PHASE")}, "t1-opposed-phase"),
        (T1 | {"image_type": kinds("DERIVED", "DIXON", "WATER")}, "t1"),
    ],
)
def test_attributes_alone_name_the_sequence(facts: dict[str, object], sequence: str) -> None:
    assert named(**facts)[0] == sequence


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (T1 | {"image_type": kinds("ORIGINAL", "LOCALIZER")}, "localizer"),
        (T1 | {"description": "3 plane loc"}, "localizer"),
        (T2 | {"echo_time": 750.0}, "MRCP"),
        (T2 | {"description": "mrcp thick slab"}, "MRCP"),
        (T2 | {"description": "t2 flair"}, "FLAIR"),
        (T1 | {"component": "PHASE"}, "phase"),
        (T1 | {"image_type": kinds("DERIVED", "SECONDARY", "MPR")}, "reformation"),
        (T1 | {"image_type": kinds("DERIVED", "SECONDARY", "OTHER")}, "derived"),
        (T1 | {"description": "t1 vibe art sub"}, "subtraction"),
        (T1 | {"image_type": kinds("ORIGINAL", "PRIMARY", "PERFUSION")}, "perfusion"),
        (T1 | {"image_type": kinds("DERIVED", "DIXON", "FAT")}, "fat"),
        (EPI, "EPI"),
        (EPI | {"b_value": 0.0}, "EPI"),
        (T1 | {"echo_time": 20.0}, "T2*"),
        (T1 | {"flip_angle": 60.0}, "balanced"),
        ({"description": "save screen shot"}, "screenshot"),
    ],
)
def test_what_is_of_no_use_is_set_aside_with_its_reason(
    facts: dict[str, object], reason: str
) -> None:
    rule = decide(StackFacts(**facts), SERIES_RULES)  # type: ignore[arg-type]
    assert rule.sequence == ""
    assert reason in rule.why


def test_a_philips_b_value_of_zero_does_not_make_diffusion_of_everything() -> None:
    assert named(**T2, b_value=0.0)[0] == "t2"


def test_attributes_win_over_a_misleading_description() -> None:
    assert named(**T2, description="t1 vibe")[0] == "t2"
    assert named(**T1, description="t2 tse")[0] == "t1"


def test_a_description_decides_where_attributes_are_missing() -> None:
    assert named(description="t2 haste fs") == ("t2", "t2-words")
    assert named(description="e thrive") == ("t1", "t1-words")
    assert named() == ("", UNKNOWN.name)


def test_an_adc_map_without_its_image_type_is_known_by_its_description() -> None:
    assert named(**EPI, description="apparent diffusion coefficient")[0] == "adc"


@pytest.mark.parametrize(("tesla", "opposed", "together"), [(1.5, 2.3, 4.6), (3.0, 1.15, 2.3)])
def test_a_dual_echo_is_told_apart_by_the_turns_of_fat(
    tesla: float, opposed: float, together: float
) -> None:
    for echo, sequence in ((opposed, "t1-opposed-phase"), (together, "t1-in-phase")):
        cycles = echo * 1e-3 * 3.4e-6 * 42.577e6 * tesla
        facts = T1 | {"echo_time": echo, "repetition_time": 150.0, "dual": True, "cycles": cycles}
        assert named(**facts)[0] == sequence


@pytest.mark.parametrize(
    ("after", "phase"),
    [
        (-60.0, "t1-pre"),
        (22.0, "arterial"),
        (65.0, "portal"),
        (180.0, "delayed"),
        (1200.0, "hepatobiliary"),
    ],
)
def test_the_time_since_injection_names_the_phase(after: float, phase: str) -> None:
    found = named(PHASE_RULES, **T1, contrast=True, after_injection=after)
    assert found[0] == phase


def test_one_enhanced_stack_alone_is_no_phase() -> None:
    assert named(PHASE_RULES, **T1, contrast=True, after_first=None, order=1)[0] == ""


def test_every_rule_has_a_name_of_its_own_a_reason_and_a_known_sequence() -> None:
    rules = (*SERIES_RULES, *PHASE_RULES)
    assert len({r.name for r in rules}) == len(rules)
    for rule in rules:
        assert rule.why
        assert rule.attributes or rule.words
        assert rule.sequence in ("", *SEQUENCES, "t1-in-phase", "t1-opposed-phase")
        assert all(re.fullmatch(r"[a-z0-9*#^$ \u4e00-\u9fff]+", w) for w in rule.words)
