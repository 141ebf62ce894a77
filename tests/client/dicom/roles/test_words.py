"""What descriptions name, whole words alone, and what of them speaks against a role."""

import pytest
from hepafed.client.dicom.roles.rule import StackFacts
from hepafed.client.dicom.roles.words import b_in_words, doubts_of, phase_named

WORDS = {
    "t1-pre": (
        "pre", "c pre", "native", "nativ", "unenh", "unenhanced", "non contrast", "noncontrast",
        "precontrast", "without", "wo", "平扫",
    ),
    "hepatobiliary": (
        "hepato b", "hepato biliary", "hepatobiliary", "hbp", "10 min", "10min", "15 min",
        "20 min", "肝胆期",
    ),
    "arterial": (
        "art", "arterial", "art1", "earlyarterial", "early arterial", "late arterial", "late art2",
        "eap", "hap", "lap", "late hap", "c a", "ca", "t1动脉期",
    ),
    "portal": (
        "port", "portal", "portovenous", "pv", "pvp", "ven", "venous", "vp", "c v", "cv",
        "early portal", "late portal", "late venous", "门脉期", "门静脉期",
    ),
    "delayed": (
        "delay", "delayed", "equil", "equilibrium", "late", "dp", "transition", "transitional",
        "2 min", "3 min", "4 min", "5 min", "6 min", "7 min", "8 min", "9 min", "9min", "延迟期",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "word"), [pytest.param(p, w, id=f"{p}-{w}") for p, ws in WORDS.items() for w in ws]
)
def test_a_description_names_a_phase_by_a_whole_word(phase: str, word: str) -> None:
    assert phase_named(f"t1 vibe {word} tra") == phase
    assert phase_named(word) == phase


@pytest.mark.parametrize(
    "words",
    [
        "prep", "natively", "contrast", "won", "hepatic", "heart", "lapse", "happy", "sport",
        "vena", "relay", "later", "1 min", "11 min", "30 min", "vps", "dps", "lates", "",
        "art ven", "pre hbp art", "pv delayed", "pre post", "w wo", "with and without", "wwo",
        "portal 5 min", "art late",
    ],
)  # fmt: skip
def test_a_word_that_resembles_one_and_words_of_several_phases_name_none(words: str) -> None:
    assert phase_named(f"t1 vibe {words} tra") == ""


@pytest.mark.parametrize(
    ("described", "b"),
    [
        ("dwi b800", 800.0), ("dwi b 800", 800.0), ("b1000 tra", 1000.0), ("dwi b0", 0.0),
        ("ep2d diff b50 400 800", None), ("dwi b50 b800", None), ("dwi", None), ("b", None),
        ("tb800", None), ("b800s", None), ("rb1 b600", 600.0), ("b12345", None), ("3b800", None),
        ("b value 600", 600.0),
    ],
)  # fmt: skip
def test_one_b_value_in_a_description_is_read_and_several_are_none(
    described: str, b: float | None
) -> None:
    assert b_in_words(described) == b


@pytest.mark.parametrize(
    ("facts", "sequence", "doubts"),
    [
        ({"description": "t2 tse"}, "t2", []),
        ({"description": "abdomen"}, "t2", []),
        ({"description": "t1 vibe"}, "t2", ["its description says t1"]),
        ({"description": "t1 t2 mix"}, "t2", []),
        ({"description": "t2 tse"}, "t1", ["its description says t2"]),
        ({"description": "dwi t2"}, "t1", ["its description says diffusion and t2"]),
        ({"description": "dwi"}, "adc", []),
        ({"description": "adc"}, "adc", []),
        ({"description": "dwi 3b adc"}, "dwi", []),
        ({"description": "adc"}, "dwi", ["its description says adc"]),
        ({"description": "t2 b0"}, "dwi", []),
        ({"description": "t1 in"}, "t1-in-phase", []),
        ({"description": "t1 sub"}, "t1",
         ["its description says a map, projection, subtraction or screenshot"]),
        ({"description": "t2 mrcp"}, "t2", ["its description says a cholangiogram"]),
        ({"weighting": "T2"}, "t1", ["its stated contrast is T2"]),
        ({"weighting": "T1"}, "t1", []),
        ({"weighting": "T1"}, "t1-in-phase", []),
        ({"weighting": "DIFFUSION"}, "adc", []),
        ({"weighting": "DIFFUSION"}, "t2", ["its stated contrast is DIFFUSION"]),
        ({"weighting": "PD"}, "t2", []),
    ],
)  # fmt: skip
def test_what_speaks_against_a_role_is_what_names_another_and_not_this(
    facts: dict[str, str], sequence: str, doubts: list[str]
) -> None:
    assert list(doubts_of(StackFacts(**facts), sequence)) == doubts  # type: ignore[arg-type]
