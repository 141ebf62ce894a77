"""The card in words states what was signed, and says where it states nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hepafed.common.contract import plan_from
from hepafed.common.records import write_record
from hepafed.server.formats import SiteShare, read_card
from hepafed.server.models.cards import LIMITS, REHEARSAL, card_markdown, facts, limits_of

CARD = read_card(json.loads(Path(__file__).with_name("card-0.1.0.json").read_text()))


def test_the_facts_are_those_of_card_and_plan() -> None:
    found = dict(facts(CARD))
    assert found["Input side"] == "75 pixels"
    assert found["Strategy"] == "fedavg; round 1 of 1"
    assert found["Training examples"] == "hospital-a: 27, hospital-b: 12"
    assert found["Federated tuning AUC"] == "0.750 (macro, one vs rest)"
    assert found["Starting weights"] == "start.safetensors"


def test_what_a_card_does_not_state_is_a_dash() -> None:
    bare = replace(CARD, tuning_auc=None, training_examples={}, run="", limits=(), parent="")
    found = dict(facts(bare))
    assert found["Federated tuning AUC"] == found["Training examples"] == "–"
    assert found["Starting weights"] == "random, seed 3"
    assert "## Limits\n\nThe card states none." in card_markdown(bare)


def test_text_of_a_card_cannot_break_its_table() -> None:
    assert "| Rule | a\\|b c&lt;i> |" in card_markdown(
        replace(CARD, operating_point=replace(CARD.operating_point, rule="a|b\nc<i>"))
    )


def test_made_up_data_are_named_in_facts_and_limits_and_only_they() -> None:
    trained = CARD.plan | {"training": CARD.plan["training"] | {"epochs": 1}}  # type: ignore[operator]
    made_up = replace(CARD, plan=trained | {"synthetic": True})
    assert dict(facts(made_up))["Data"] == "made up (synthetic = true)"
    assert "Data" not in dict(facts(CARD))
    assert limits_of(plan_from(trained)) == LIMITS
    first, *others = limits_of(plan_from(made_up.plan))
    assert "made up" in first
    assert tuple(others) == LIMITS


def test_a_card_of_0_1_0_whose_plan_has_no_epochs_says_that_nothing_was_trained() -> None:
    assert dict(facts(CARD))["Training"] == REHEARSAL
    trained = replace(CARD, plan=CARD.plan | {"training": {"epochs": 1}})
    assert "Training" not in dict(facts(trained))


def test_a_card_of_0_1_0_states_no_patients_of_its_operating_point() -> None:
    found = dict(facts(CARD))
    assert found["Chosen on"] == "tuning data of 0 sites"
    assert not any("interval" in name or "weak" in name for name in found)


def test_a_card_states_on_whom_its_operating_point_was_chosen_and_what_is_weak() -> None:
    point = replace(
        CARD.operating_point, positives=9, negatives=8, sites=3, cuts=5, low=0.06, high=0.43
    )
    found = dict(facts(replace(CARD, operating_point=point)))
    assert found["Chosen on"] == "17 tuning patients (9 malignant, 8 benign) of 3 sites"
    assert found["95 % interval of the operating point"] == "0.0600 to 0.4300"
    assert found["Places where the released counts part the scores"] == "5"
    assert "9 malignant and 8 benign, fewer than 50" in found["What is weak in it"]
    without = dict(facts(replace(CARD, operating_point=replace(point, low=None, high=None))))
    assert without["95 % interval of the operating point"].startswith("none: too few")


def test_a_card_of_0_1_0_states_no_releases_and_one_without_shares_states_their_union() -> None:
    assert "Releases of HepaFed" not in dict(facts(CARD))
    known = dict(facts(replace(CARD, releases=("1.0.0", "1.0.1"))))
    assert known["Releases of HepaFed"] == "1.0.0, 1.0.1"


GAVE = SiteShare(site="a", rounds=2, examples=60, first=1, last=3, missed=0, reason="")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ""),
        ({"share": 0.46}, ", 46 % of all examples in the weights"),
        ({"share": 0.0}, ", 0 % of all examples in the weights"),
        ({"share": 0.004}, ", less than 1 % of all examples in the weights"),
        ({"share": 0.996}, ", more than 99 % of all examples in the weights"),
        ({"share": 1.0}, ", 100 % of all examples in the weights"),
        ({"steps": 14, "planned_steps": 40}, ", 35 % of its planned training steps"),
        ({"steps": 40, "planned_steps": 40}, ", 100 % of its planned training steps"),
        (
            {"share": 0.5, "steps": 1, "planned_steps": 4, "missed": 1, "reason": "no answer"},
            ", 50 % of all examples in the weights, 25 % of its planned training steps, missed 1: "
            "no answer",
        ),
    ],
)
def test_a_card_says_what_a_site_contributed_and_nothing_that_is_not_known(
    values: dict[str, object], words: str
) -> None:
    card = replace(CARD, round=4, contributions=(replace(GAVE, **values),))  # type: ignore[arg-type]
    said = dict(facts(card))["Training examples"]
    assert said == "a: 60 over its rounds, present 2 of 4 (first 1, last 3)" + words
    assert read_card(json.loads(json.dumps(write_record(card)))) == card


@pytest.mark.parametrize(
    ("rounds", "said"),
    [
        ({}, "by examples, no site above 60 %"),
        ({"max_share": 1.0}, "by examples"),
        ({"max_share": 0.75, "average": 5}, "by examples, no site above 75 %; the last weights are "
         "the mean of 5 rounds"),
        ({"weights": "equal"}, "equal"),
        ({"weights": "capped", "cap": 0.3}, "by examples, no site above 30 %"),
        ({"strategy": "median", "weights": "equal", "quorum": 3}, "equal"),
        ({"strategy": "krum", "weights": "equal", "quorum": 5},
         "one site a round, whose update was nearest to the others"),
    ],
)  # fmt: skip
def test_the_facts_say_how_the_sites_weighed(rounds: dict[str, object], said: str) -> None:
    share = SiteShare(site="a", rounds=1, examples=5, first=1, last=1, missed=0, reason="")
    plan = CARD.plan | {"rounds": {"count": 9, **rounds}}
    found = dict(facts(replace(CARD, plan=plan, contributions=(share,))))
    assert found["Weights of the sites"] == said


def test_how_sites_weighed_in_0_1_0_is_not_said() -> None:
    assert "Weights of the sites" not in dict(facts(CARD))
