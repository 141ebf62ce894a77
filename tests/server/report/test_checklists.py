"""Both checklists are whole, and point only to what the page holds."""

from typing import Any

from hepafed.server.formats import read_report
from hepafed.server.report.checklists import STATUS_WORDS, checklists
from hepafed.server.report.page import SECTIONS

ANCHORS = frozenset(a for a, _ in SECTIONS)
LETTERS = {3: 3, 5: 2, 6: 3, 8: 3, 9: 3, 12: 7, 18: 6, 20: 3, 23: 2, 27: 3}
TRIPOD = [f"{n}{c}" for n in range(1, 28) for c in "abcdefg"[: LETTERS.get(n, 0)] or ("",)]


def test_claim_2024_has_its_44_items_and_tripod_ai_its_52(federated: dict[str, Any]) -> None:
    claim, tripod = checklists(read_report(federated), ANCHORS)
    assert [i.number for i in claim.items] == [str(n) for n in range(1, 45)]
    assert [i.number for i in tripod.items] == TRIPOD


def test_every_item_says_who_answers_and_an_answered_one_where(federated: dict[str, Any]) -> None:
    for checklist in checklists(read_report(federated), ANCHORS):
        for item in checklist.items:
            assert item.status in STATUS_WORDS
            if item.status == "answered":
                assert item.where in ANCHORS, (checklist.name, item.number)
                assert item.text


def test_an_item_whose_part_is_not_in_the_report_falls_to_the_authors(
    plain: dict[str, Any], federated: dict[str, Any]
) -> None:
    for with_card, without in zip(
        checklists(read_report(federated), ANCHORS),
        checklists(read_report(plain), ANCHORS),
        strict=True,
    ):
        answered = {i.number for i in with_card.items if i.where == "card"}
        assert answered
        for item in without.items:
            if item.number in answered:
                assert (item.status, item.where) == ("authors", "")


def test_both_kinds_of_study_have_items_left_for_the_authors(federated: dict[str, Any]) -> None:
    for checklist in checklists(read_report(federated), ANCHORS):
        assert checklist.count("authors") > 0
        assert sum(checklist.count(s) for s in STATUS_WORDS) == len(checklist.items)


def test_an_internal_test_does_not_answer_the_item_on_external_data(
    federated: dict[str, Any],
) -> None:
    inside = federated | {"provenance": federated["provenance"] | {"split": "test"}}
    claim, _ = checklists(read_report(inside), ANCHORS)
    (item,) = [i for i in claim.items if i.number == "33"]
    assert item.status == "authors"


def test_no_item_is_left_without_a_word(federated: dict[str, Any], plain: dict[str, Any]) -> None:
    for report in (federated, plain):
        for checklist in checklists(read_report(report), ANCHORS):
            assert all(i.text for i in checklist.items)
