"""What a rule's tests mean: numbers at their limits, codes, words, and which rule is the first."""

import pytest
from hepafed.client.dicom.roles.rule import (
    UNKNOWN,
    Rule,
    StackFacts,
    Test,
    at_least,
    below,
    decide,
    holds_any,
    is_so,
    not_so,
)


@pytest.mark.parametrize(
    ("echo", "held"), [(11.99, False), (12.0, True), (12.01, True), (None, False)]
)
def test_at_least_holds_from_its_number_on(echo: float | None, held: bool) -> None:
    assert at_least("echo_time", 12).holds(StackFacts(echo_time=echo)) is held


@pytest.mark.parametrize(
    ("echo", "held"), [(11.99, True), (12.0, False), (12.01, False), (None, False), (0.0, True)]
)
def test_below_holds_under_its_number_only(echo: float | None, held: bool) -> None:
    assert below("echo_time", 12).holds(StackFacts(echo_time=echo)) is held


def test_at_least_zero_holds_for_zero_and_not_for_nothing() -> None:
    assert at_least("b_value", 0).holds(StackFacts(b_value=0.0))
    assert not at_least("b_value", 0).holds(StackFacts())


def test_a_test_reads_as_the_attribute_its_limit_and_its_unit() -> None:
    assert at_least("echo_time", 12.5, " ms").text == "echo time ≥ 12.5 ms"
    assert below("flip_angle", 35, "°").text == "flip angle < 35°"
    assert at_least("b_value", 1).text == "b value ≥ 1"
    assert below("b_value", 2).text == "b value < 2"
    assert holds_any("image_type", "MIP", "MPR").text == "image type: MIP or MPR"
    assert is_so("fat_saturated").text == "fat saturated"
    assert not_so("fat_saturated").text == "not fat saturated"


@pytest.mark.parametrize(
    ("codes", "held"),
    [({"MIP"}, True), ({"ORIGINAL", "MPR"}, True), ({"MI", "P"}, False), (set(), False)],
)
def test_one_of_the_codes_among_several_values_is_enough(codes: set[str], held: bool) -> None:
    test = holds_any("image_type", "MIP", "MPR")
    assert test.holds(StackFacts(image_type=frozenset(codes))) is held


@pytest.mark.parametrize(("word", "held"), [("T2", True), ("T1", True), ("T", False), ("", False)])
def test_a_single_valued_code_is_compared_whole(word: str, held: bool) -> None:
    assert holds_any("weighting", "T1", "T2").holds(StackFacts(weighting=word)) is held


def test_a_yes_or_no_fact_is_asked_either_way() -> None:
    yes, no = StackFacts(native=True), StackFacts(native=False)
    assert (is_so("native").holds(yes), is_so("native").holds(no)) == (True, False)
    assert (not_so("native").holds(yes), not_so("native").holds(no)) == (False, True)


def worded(*words: str) -> Rule:
    return Rule("r", "t2", (), "why", words)


@pytest.mark.parametrize(
    ("word", "description", "found"),
    [
        ("art", "t1 art 30s", True),
        ("art", "t1 artery", False),
        ("art", "heart", False),
        ("art*", "t1 arterial", True),
        ("art*", "heart", False),
        ("*art", "heart", True),
        ("*art", "hearts", False),
        ("*mrcp*", "xmrcpx", True),
        ("b#", "ep b800", True),
        ("b#", "b50", True),
        ("b#", "b1000", True),
        ("b#", "b5", False),
        ("b#", "b10000", False),
        ("b#", "b", False),
        ("b#", "bxx", False),
        ("3 plane", "3 plane loc", True),
        ("3 plane", "3plane", True),
        ("3 plane", "3  plane", False),
        ("3 plane", "3xplane", False),
        ("a.b", "a.b", True),
        ("a.b", "axb", False),
    ],
)
def test_a_word_is_found_whole_with_its_star_number_and_space(
    word: str, description: str, found: bool
) -> None:
    assert (worded(word).failing(StackFacts(description=description)) == []) is found


def test_any_one_of_the_words_is_enough_and_each_is_whole() -> None:
    rule = worded("pre", "nativ")
    assert rule.failing(StackFacts(description="vibe nativ")) == []
    assert rule.failing(StackFacts(description="vibe pre")) == []
    assert rule.failing(StackFacts(description="prenativ"))


def test_a_word_may_stand_in_the_pulse_sequences_name() -> None:
    assert worded("trufi").failing(StackFacts(pulse="trufi", description="abd")) == []


def test_description_and_pulse_do_not_make_a_word_together() -> None:
    assert worded("dwi").failing(StackFacts(description="d", pulse="wi"))


def test_a_rule_names_every_test_that_does_not_hold_in_order_and_the_words_last() -> None:
    tests = (
        Test("first", lambda f: f.native),
        Test("second", lambda f: f.contrast),
        Test("third", lambda f: f.dual),
    )
    rule = Rule("r", "t2", tests, "why", ("pre",))
    assert rule.failing(StackFacts(contrast=True)) == [
        "first",
        "third",
        "no such word in the description",
    ]
    facts = StackFacts(native=True, contrast=True, dual=True, description="pre")
    assert rule.failing(facts) == []


def test_a_rule_without_words_asks_for_none() -> None:
    assert Rule("r", "t2", (), "why").failing(StackFacts()) == []


def test_the_first_rule_that_holds_decides() -> None:
    no = Rule("no", "t1", (Test("never", lambda f: False),), "")
    one, two = Rule("one", "t2", (), ""), Rule("two", "adc", (), "")
    assert decide(StackFacts(), (no, one, two)) is one
    assert decide(StackFacts(), (two, one)) is two
    assert decide(StackFacts(), (no,)) is UNKNOWN


def test_nothing_that_applies_means_no_role() -> None:
    assert (UNKNOWN.name, UNKNOWN.sequence, UNKNOWN.why) == ("none", "", "no role in the protocols")
