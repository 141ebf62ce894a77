"""Each row of the rules that place a T1 stack in the dynamic: times, words, order."""

import pytest
from hepafed.client.dicom.roles.rule import StackFacts, decide
from hepafed.client.dicom.roles.phases import PHASE_RULES


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
        (4, "delayed-by-order", "delayed"),
        (50, "delayed-by-order", "delayed"),
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


WORDS = {
    ("pre-words", "t1-pre"): (
        "pre", "c pre", "native", "nativ", "unenh", "unenhanced", "non contrast", "noncontrast",
        "precontrast", "without", "wo",
    ),
    ("hepatobiliary-words", "hepatobiliary"): (
        "hepato b", "hepato biliary", "hepatobiliary", "hbp", "10 min", "10min", "15 min",
        "20 min",
    ),
    ("arterial-words", "arterial"): (
        "art", "arterial", "art1", "earlyarterial", "eap", "hap", "lap", "c a", "ca",
    ),
    ("portal-words", "portal"): (
        "port", "portal", "portovenous", "pv", "pvp", "ven", "venous", "vp", "c v", "cv",
    ),
    ("delayed-words", "delayed"): (
        "delay", "delayed", "equil", "equilibrium", "late", "dp", "transition", "transitional",
        "2 min", "3 min", "4 min", "5 min", "6 min", "7 min", "8 min", "9 min", "9min",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "word"),
    [pytest.param(r, w, id=f"{r[0]}-{w}") for r, words in WORDS.items() for w in words],
)
def test_the_description_of_a_series_with_one_t1_stack_names_the_phase(
    rule: tuple[str, str], word: str
) -> None:
    assert placed(alone=True, description=f"t1 vibe {word} tra") == rule
    assert placed(alone=False, description=f"t1 vibe {word} tra") == ("none", "")


@pytest.mark.parametrize(
    "word",
    [
        "prep", "natively", "contrast", "won", "hepatic", "heart", "lapse", "happy", "sport",
        "vena", "relay", "later", "1 min", "11 min", "30 min", "vps", "dps", "lates",
    ],
)  # fmt: skip
def test_a_word_that_only_resembles_one_names_no_phase(word: str) -> None:
    assert placed(alone=True, description=f"t1 vibe {word} tra") == ("none", "")


def test_a_native_stack_is_the_pre_phase_whether_alone_or_not() -> None:
    assert placed(native=True, alone=False) == ("pre-by-position", "t1-pre")
    assert placed(native=True, alone=True) == ("pre", "t1-pre")


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"after_injection": -5.0, "description": "art"}, "pre-by-injection"),
        ({"after_injection": 20.0, "native": True, "alone": False}, "arterial-by-injection"),
        ({"after_injection": 60.0, "description": "art"}, "portal-by-injection"),
        ({"after_injection": 200.0, "description": "art"}, "delayed-by-injection"),
        ({"after_injection": 900.0, "description": "art"}, "hepatobiliary-by-injection"),
        ({"after_injection": 5.0, "description": "art"}, "arterial-words"),
        ({"native": True, "description": "art"}, "arterial-words"),
        ({"native": True, "description": "ven"}, "portal-words"),
        ({"native": True, "description": "late"}, "delayed-words"),
        ({"native": True, "description": "hbp"}, "hepatobiliary-words"),
        ({"native": True, "dynamic": True, "after_first": 30.0}, "pre"),
        ({"description": "pre hbp art"}, "pre-words"),
        ({"description": "hbp art"}, "hepatobiliary-words"),
        ({"description": "late arterial"}, "arterial-words"),
        ({"description": "art ven"}, "arterial-words"),
        ({"description": "portal late"}, "portal-words"),
        ({"description": "late", "dynamic": True, "after_first": 30.0}, "delayed-words"),
        ({"description": "hbp", "dynamic": True, "after_first": 0.0}, "hepatobiliary-words"),
        ({"description": "vibe", "dynamic": True, "after_first": 0.0, "order": 2},
         "arterial-by-time"),
    ],
)  # fmt: skip
def test_where_two_rules_hold_the_earlier_decides(facts: dict[str, object], rule: str) -> None:
    assert placed(**facts)[0] == rule
