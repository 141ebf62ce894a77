"""Each row of the rules that place a T1 stack in the dynamic: times, words, order."""

import pytest
from hepafed.client.dicom.roles.phases.rules import PHASE_RULES
from hepafed.client.dicom.roles.rule import StackFacts, decide
from hepafed.client.dicom.roles.words import PHASE_WORDS


def placed(**facts: object) -> tuple[str, str]:
    """Give the rule that decides and the phase."""
    rule = decide(StackFacts(**facts), PHASE_RULES)  # type: ignore[arg-type]
    return rule.name, rule.sequence


@pytest.mark.parametrize(
    ("seconds", "rule", "phase"),
    [
        (-7300.0, "pre-by-injection", "t1-pre"),
        (-0.1, "pre-by-injection", "t1-pre"),
        (0.0, "none", ""),
        (9.9, "none", ""),
        (10.0, "arterial-by-injection", "arterial"),
        (44.9, "arterial-by-injection", "arterial"),
        (45.0, "portal-by-injection", "portal"),
        (109.9, "portal-by-injection", "portal"),
        (110.0, "delayed-by-injection", "delayed"),
        (599.9, "delayed-by-injection", "delayed"),
        (600.0, "hepatobiliary-by-injection", "hepatobiliary"),
        (7199.9, "hepatobiliary-by-injection", "hepatobiliary"),
        (7200.0, "none", ""),
        (None, "none", ""),
    ],
)
def test_the_seconds_since_the_injection_name_the_phase(
    seconds: float | None, rule: str, phase: str
) -> None:
    assert placed(after_injection=seconds) == (rule, phase)


@pytest.mark.parametrize(
    ("seconds", "rule", "phase"),
    [
        (0.0, "arterial-by-time", "arterial"),
        (19.9, "arterial-by-time", "arterial"),
        (20.0, "portal-by-time", "portal"),
        (74.9, "portal-by-time", "portal"),
        (75.0, "delayed-by-time", "delayed"),
        (599.9, "delayed-by-time", "delayed"),
        (600.0, "hepatobiliary-by-time", "hepatobiliary"),
        (9000.0, "hepatobiliary-by-time", "hepatobiliary"),
    ],
)
def test_the_seconds_since_the_first_enhanced_stack_name_the_phase_of_a_dynamic(
    seconds: float, rule: str, phase: str
) -> None:
    assert placed(dynamic=True, after_first=seconds, order=2) == (rule, phase)
    assert placed(dynamic=False, after_first=seconds, order=2) == ("none", "")


@pytest.mark.parametrize(
    ("order", "rule", "phase"),
    [
        (0, "none", ""),
        (1, "arterial-by-order", "arterial"),
        (2, "portal-by-order", "portal"),
        (3, "delayed-by-order", "delayed"),
        (4, "none", ""),
    ],
)
def test_the_order_names_the_phase_of_a_dynamic_without_times(
    order: int, rule: str, phase: str
) -> None:
    assert placed(dynamic=True, order=order) == (rule, phase)
    assert placed(dynamic=False, order=order) == ("none", "")


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_order_is_not_asked_where_a_time_is_known(order: int) -> None:
    assert placed(dynamic=True, after_first=30.0, order=order)[0] == "portal-by-time"


@pytest.mark.parametrize("phase", PHASE_WORDS)
def test_the_phase_that_a_description_names_decides_for_a_stack_alone(phase: str) -> None:
    words = PHASE_WORDS[phase][0].replace("*", "")
    name = f"{phase.removeprefix('t1-')}-words"
    assert placed(alone=True, phase=phase, description=words) == (name, phase)
    assert placed(alone=False, phase=phase, description=words) == ("none", "")
    assert placed(alone=True, phase="", description=words) == ("none", "")


def test_a_native_stack_is_the_pre_phase_whether_alone_or_not() -> None:
    assert placed(native=True, alone=False) == ("pre-by-position", "t1-pre")
    assert placed(native=True, alone=True) == ("pre", "t1-pre")


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"after_injection": 60.0, "description": "art", "phase": "arterial"}, "arterial-words"),
        ({"native": True, "description": "ven", "phase": "portal"}, "portal-words"),
        ({"description": "late", "phase": "delayed", "dynamic": True, "after_first": 30.0},
         "delayed-words"),
        ({"after_injection": 20.0, "native": True, "alone": False}, "arterial-by-injection"),
        ({"after_injection": 5.0, "native": True}, "pre"),
        ({"native": True, "dynamic": True, "after_first": 30.0}, "pre"),
        ({"native": True, "alone": False, "dynamic": True, "after_first": 30.0},
         "pre-by-position"),
        ({"dynamic": True, "after_first": 0.0, "order": 2}, "arterial-by-time"),
    ],
)  # fmt: skip
def test_where_two_rules_hold_the_earlier_decides(facts: dict[str, object], rule: str) -> None:
    assert placed(**facts)[0] == rule
