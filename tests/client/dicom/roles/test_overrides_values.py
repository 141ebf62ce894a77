"""What a site's table may say, value by value: patterns, codes, flags, numbers and their ends."""

from pathlib import Path

import pytest
from hepafed.client.dicom.roles.overrides import Overrides, overrides_of, read_overrides
from hepafed.client.dicom.roles.rule import StackFacts, decide
from hepafed.common.errors import ConfigError


def table(*entries: dict[str, object]) -> Overrides:
    return overrides_of({"series": list(entries)})


def applies(match: dict[str, object], **facts: object) -> bool:
    (rule,) = table({"sequence": "t2", "match": match}).rules
    return rule.failing(StackFacts(**facts)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["description", "manufacturer", "pulse", "weighting", "component"])
def test_a_text_is_a_pattern_over_the_whole_attribute_in_any_case(key: str) -> None:
    assert applies({key: "Ven*3"}, **{key: "VENOUS 3"})
    assert not applies({key: "Ven"}, **{key: "VENOUS 3"})
    assert not applies({key: "ven*3"}, **{key: "a venous 3"})
    assert applies({key: "ven?us"}, **{key: "venous"})
    assert not applies({key: "ven?us"}, **{key: "venus"})


@pytest.mark.parametrize(
    ("pattern", "description", "found"),
    [
        ("vibe_dyn-2", "vibe dyn 2", True),
        ("VIBE__dyn", "vibe dyn", True),
        ("vibe dyn", "vibe_dyn", True),
        ("vibe[12]", "vibe2", True),
        ("vibe[12]", "vibe3", False),
        ("vibe(2)", "vibe 2", True),
        ("vibedyn", "vibe dyn", False),
        ("größe", "GRÖSSE", False),
        ("größe", "Größe", True),
    ],
)
def test_what_separates_words_is_read_as_one_space(
    pattern: str, description: str, found: bool
) -> None:
    assert applies({"description": pattern}, description=description) is found


@pytest.mark.parametrize("key", ["image_type", "scanning"])
def test_a_code_is_a_pattern_over_any_one_value(key: str) -> None:
    values = frozenset({"ORIGINAL", "DIXON_W"})
    assert applies({key: "dixon*"}, **{key: values})
    assert applies({key: "ORIGINAL"}, **{key: values})
    assert not applies({key: "dixon"}, **{key: values})
    assert not applies({key: "*"}, **{key: frozenset()})


@pytest.mark.parametrize("key", ["contrast", "volumetric", "fat_saturated"])
def test_a_flag_is_yes_or_no(key: str) -> None:
    assert applies({key: True}, **{key: True})
    assert not applies({key: True}, **{key: False})
    assert applies({key: False}, **{key: False})
    assert not applies({key: False}, **{key: True})


NUMBERS = ["echo_time", "repetition_time", "inversion_time", "flip_angle", "b_value", "temporal"]


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize(
    ("value", "held"),
    [(1.49, False), (1.5, True), (2.0, True), (3.0, True), (3.01, False), (None, False)],
)
def test_a_number_lies_from_the_first_to_the_second_end(
    key: str, value: float | None, held: bool
) -> None:
    assert applies({key: [1.5, 3]}, **{key: value}) is held


@pytest.mark.parametrize(("value", "held"), [(2.0, True), (1.99, False), (2.01, False)])
def test_one_number_is_matched_exactly(value: float, held: bool) -> None:
    assert applies({"temporal": 2}, temporal=value) is held
    assert applies({"temporal": 2.0}, temporal=value) is held


def test_zero_is_a_number_and_missing_is_not() -> None:
    assert applies({"b_value": 0}, b_value=0.0)
    assert not applies({"b_value": 0}, b_value=None)


def test_every_attribute_of_a_match_must_hold() -> None:
    match: dict[str, object] = {"description": "ax*", "temporal": 2}
    assert applies(match, description="ax t1", temporal=2.0)
    assert not applies(match, description="ax t1", temporal=1.0)
    assert not applies(match, description="cor t1", temporal=2.0)


def test_the_rules_are_numbered_from_1_in_the_files_order_and_the_first_decides() -> None:
    rules = table(
        {"sequence": "t2", "match": {"temporal": 7}},
        {"sequence": "portal", "match": {"temporal": [1, 3]}},
        {"sequence": "delayed", "match": {"temporal": [2, 4]}},
    ).rules
    assert [r.name for r in rules] == ["site-1", "site-2", "site-3"]
    assert [decide(StackFacts(temporal=t), rules).sequence for t in (7.0, 2.0, 4.0, 9.0)] == [
        "t2",
        "portal",
        "delayed",
        "",
    ]
    assert [r.why for r in rules] == ["the site's own sequences.toml"] * 3


@pytest.mark.parametrize(
    ("word", "sequence"),
    [
        *(
            (w, w)
            for w in (
                "t1", "t2", "dwi", "adc", "t1-pre", "arterial", "portal", "delayed",
                "hepatobiliary", "t1-in-phase", "t1-opposed-phase",
            )
        ),
        ("set-aside", ""),
    ],
)  # fmt: skip
def test_a_sequence_is_a_word_of_the_vocabulary_a_finer_one_or_set_aside(
    word: str, sequence: str
) -> None:
    (rule,) = table({"sequence": word, "match": {"temporal": 1}}).rules
    assert rule.sequence == sequence


TYPES = "has a value of the wrong type"


@pytest.mark.parametrize(
    ("match", "told"),
    [
        *(({k: 3}, TYPES) for k in ("description", "manufacturer", "pulse", "weighting")),
        *(({k: ["GR"]}, TYPES) for k in ("image_type", "scanning", "component")),
        *(({k: "yes"}, TYPES) for k in ("contrast", "volumetric", "fat_saturated")),
        *(({k: 1}, TYPES) for k in ("contrast", "volumetric", "fat_saturated")),
        *(({k: True}, TYPES) for k in NUMBERS),
        ({"echo_time": "2"}, TYPES),
        ({"echo_time": [2]}, TYPES),
        ({"echo_time": []}, TYPES),
        ({"echo_time": [1, 2, 3]}, TYPES),
        ({"echo_time": [1, "2"]}, TYPES),
        ({"echo_time": [1, 2, "3"]}, TYPES),
        ({"echo": 2}, "unknown attribute 'echo'"),
        ({"temporal": 1, "echo": 2}, "unknown attribute 'echo'"),
        ({"x" * 41: 2}, f"unknown attribute {'x' * 40!r};"),
    ],
    ids=str,
)
def test_a_value_of_another_kind_is_refused_with_its_place(
    match: dict[str, object], told: str
) -> None:
    good: dict[str, object] = {"sequence": "t2", "match": {"temporal": 1}}
    with pytest.raises(ConfigError) as caught:
        table(good, {"sequence": "t2", "match": match})
    assert "sequences.toml: series 2: " in caught.value.message
    assert told in caught.value.message
    assert caught.value.hint.startswith("see the site guide")


def test_an_unknown_attribute_is_answered_with_every_known_one() -> None:
    with pytest.raises(ConfigError) as caught:
        table({"sequence": "t2", "match": {"colour": 1}})
    assert caught.value.message.endswith(
        "known: description, manufacturer, pulse, weighting, component, image_type, scanning, "
        "echo_time, repetition_time, inversion_time, flip_angle, b_value, temporal, "
        "contrast, volumetric, fat_saturated"
    )


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("t2", "its keys are sequence and match"),
        (
            {"sequence": "t2", "match": {"temporal": 1}, "when": 1},
            "its keys are sequence and match",
        ),
        ({"match": {"temporal": 1}}, "sequence must be one of t1, t2, "),
        ({"sequence": "", "match": {"temporal": 1}}, "sequence must be one of"),
        ({"sequence": "none", "match": {"temporal": 1}}, "set-aside"),
        ({"sequence": "t2"}, "match must name at least one attribute"),
        ({"sequence": "t2", "match": {}}, "match must name at least one attribute"),
        ({"sequence": "t2", "match": 3}, "match must name at least one attribute"),
    ],
    ids=str,
)
def test_an_entry_of_another_shape_is_refused(entry: object, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        overrides_of({"series": [entry]})
    assert "series 1: " in caught.value.message
    assert told in caught.value.message


@pytest.mark.parametrize(
    "document", [{"series": {}}, {"series": [], "x": 1}, {"x": 1}, {"series": "t2"}], ids=str
)
def test_a_document_of_another_shape_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="only"):
        overrides_of(document)


def test_an_empty_document_has_no_rules() -> None:
    assert overrides_of({}).rules == ()
    assert overrides_of({"series": []}).rules == ()


@pytest.mark.parametrize("content", [b"[[series", b'x = "\xff"'], ids=["no TOML", "no UTF-8"])
def test_a_file_that_is_no_toml_is_refused_with_a_hint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sequences.toml").write_bytes(content)
    with pytest.raises(ConfigError, match="is not valid TOML") as caught:
        read_overrides(tmp_path)
    assert caught.value.hint == "see the site guide"
