"""Nobody who gave an update is forgotten: sums over all rounds, also of who left or came late."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.releases import RELEASE
from hepafed.server.formats import ModelCard, SiteShare
from hepafed.server.models.cards import facts
from hepafed.server.training.participation import Participation, participation_from
from hepafed.server.training.rounds import train
from hepafed.server.training.tuning import expected_error
from hypothesis import given
from hypothesis import strategies as st

from .answering import Answering, training, tuning

NOW = datetime.now(UTC)

SITES = st.sampled_from(["a", "b", "c", "d"])
HISTORIES = st.lists(
    st.dictionaries(SITES, st.integers(1, 10**6) | st.sampled_from(["refused", "no answer"])),
    min_size=1,
    max_size=12,
)


@given(HISTORIES, st.integers(1, 12))
def test_every_site_of_every_round_stands_on_the_card_with_its_sums(
    history: list[dict[str, int | str]], until: int
) -> None:
    made = Participation()
    for number, said in enumerate(history, 1):
        given_ = {s: v for s, v in said.items() if isinstance(v, int)}
        made.note(number, given_, {s: v for s, v in said.items() if isinstance(v, str)})
    made = participation_from(made.plain())  # type: ignore[arg-type]
    seen = history[:until]
    shares = {s.site: s for s in made.shares(until)}
    assert set(shares) == {s for said in seen for s in said}
    for site, share in shares.items():
        stated = [(n, said[site]) for n, said in enumerate(seen, 1) if site in said]
        numbers = [(n, v) for n, v in stated if isinstance(v, int)]
        reasons = [v for _, v in stated if isinstance(v, str)]
        assert share.examples == sum(v for _, v in numbers)
        assert share.rounds == len(numbers)
        assert (share.first, share.last) == ((numbers[0][0], numbers[-1][0]) if numbers else (0, 0))
        assert (share.missed, share.reason) == (len(reasons), reasons[-1] if reasons else "")
        if numbers:
            assert made.latest(until)[site] == numbers[-1][1]


def test_a_round_that_is_done_anew_counts_once() -> None:
    made = Participation()
    made.note(1, {"a": 5}, {"b": "no answer"})
    made.note(1, {"b": 7}, {})
    assert made.shares(1) == (
        SiteShare(site="b", rounds=1, examples=7, first=1, last=1, missed=0, reason="", share=1.0),
    )


def test_a_site_that_left_one_that_came_late_and_one_that_was_refused_stand_on_the_signed_card(
    tmp_path: Path,
) -> None:
    make_authority(tmp_path / "keys", NOW)

    class Changing(Answering):
        def members(self) -> list[str]:
            round_ = len(self.asked) + 1
            names = {"a": True, "left": round_ == 1, "late": round_ >= 3, "refused": True}
            return sorted(n for n, here in names.items() if here)

    sites = Changing({"a": 10, "left": 560, "late": 30, "refused": 0})
    live = training(tmp_path, sites, rounds=3)
    card = live.stores.registry.card(train(live))
    assert card.round == 3
    assert [(s.site, s.rounds, s.examples, s.first, s.last) for s in card.contributions] == [
        ("a", 3, 30, 1, 3),
        ("late", 1, 30, 3, 3),
        ("left", 1, 560, 1, 1),
        ("refused", 0, 0, 0, 0),
    ]
    (refused,) = (s for s in card.contributions if s.site == "refused")
    assert (refused.missed, refused.reason) == (
        3,
        "the site stated an impossible number of examples",
    )
    assert card.training_examples == {"a": 10, "late": 30, "left": 560}
    said = dict(facts(card))["Training examples"]
    assert "left: 560 over its rounds, present 1 of 3 (first 1, last 1)" in said
    assert "refused: 0 over its rounds, present 0 of 3, missed 3: the site stated" in said


@pytest.mark.parametrize("until", [1, 2])
def test_rounds_after_the_frozen_one_do_not_count(until: int) -> None:
    made = Participation()
    for number in (1, 2, 3):
        made.note(number, {"a": number}, {})
    (share,) = made.shares(until)
    assert (share.rounds, share.examples) == (until, sum(range(until + 1)))


def test_the_releases_of_the_coordinator_and_of_each_site_stand_on_the_signed_card(
    tmp_path: Path,
) -> None:
    make_authority(tmp_path / "keys", NOW)
    live = training(tmp_path, Answering({"a": 3, "b": 5}), rounds=2)
    card = live.stores.registry.card(train(live))
    assert (card.coordinator_release, card.releases) == (RELEASE, (RELEASE,))
    assert {s.site: s.releases for s in card.contributions} == {"a": (RELEASE,), "b": (RELEASE,)}
    known = dict(facts(card))
    assert known["Releases of HepaFed"] == f"coordinator: {RELEASE}; a: {RELEASE}; b: {RELEASE}"


def test_a_site_that_changed_its_release_has_both_and_one_that_gave_nothing_has_none() -> None:
    made = Participation()
    made.note(1, {"a": 5, "b": 5}, {"c": "no answer"}, {"a": "1.0.0", "b": "1.0.0"})
    made.note(2, {"a": 5}, {"b": "no answer"}, {"a": "1.0.1"})
    made.note(3, {"a": 5}, {}, {"a": "1.1.0"})
    made = participation_from(made.plain())  # type: ignore[arg-type]
    found = {s.site: s.releases for s in made.shares(2)}
    assert found == {"a": ("1.0.0", "1.0.1"), "b": ("1.0.0",), "c": ()}


def test_a_site_of_another_release_is_named_and_gives_nothing(tmp_path: Path) -> None:
    make_authority(tmp_path / "keys", NOW)
    sites = Answering({"a": 3, "b": 500}, releases={"b": "99.0"})
    live = training(tmp_path, sites, rounds=1)
    card = live.stores.registry.card(train(live))
    assert card.training_examples == {"a": 3}
    assert {s.site: s.releases for s in card.contributions} == {"a": (RELEASE,), "b": ()}
    (share,) = (s for s in card.contributions if s.site == "b")
    assert "release 99.0" in share.reason
    assert f"install release {RELEASE}" in share.reason


def test_the_same_plan_and_seed_twice_make_two_models_with_a_card_each(tmp_path: Path) -> None:
    make_authority(tmp_path / "keys", NOW)
    models = [train(training(tmp_path, Answering({"a": 3, "b": 5}), rounds=1)) for _ in range(2)]
    assert models[1] == f"{models[0]}-2"
    folders = [tmp_path / "models" / m for m in models]
    before = (folders[0] / "card.json").read_bytes(), (folders[0] / "card.sig").read_bytes()
    third = train(training(tmp_path, Answering({"a": 3, "b": 5}), rounds=1))
    assert third == f"{models[0]}-3"
    registry = training(tmp_path, Answering({})).stores.registry
    assert (folders[0] / "card.json").read_bytes() == before[0]
    assert (folders[0] / "card.sig").read_bytes() == before[1]
    assert len({registry.card(m).run for m in (*models, third)}) == 3
    assert len({registry.card(m).sha256 for m in (*models, third)}) == 1


def test_a_tuning_auc_has_its_lesions_its_interval_and_its_sites(tmp_path: Path) -> None:
    """Two independent AUCs of 0.8 with a standard error of 0.07, weighted 1 to 3."""
    make_authority(tmp_path / "keys", NOW)
    lesions = {"a": 20, "b": 60}
    sites = Answering(
        {"a": 3, "b": 5, "c": 9},
        tunings=lambda site, _n: tuning(
            0.8 if site in lesions else None, lesions.get(site, 0), 0.07
        ),
    )
    card = training_card(tmp_path, sites)
    cases = card.tuning_cases
    assert cases is not None
    assert (cases.lesions, cases.sites, card.tuning_auc) == (80, ("a", "b"), pytest.approx(0.8))
    errors = [max(0.07, expected_error(0.8, n // 2, n - n // 2)) for n in lesions.values()]
    half = 1.959964 * math.hypot(errors[0] * 0.25, errors[1] * 0.75)
    assert (cases.low, cases.high) == (pytest.approx(0.8 - half), pytest.approx(0.8 + half))
    assert "80 lesions of a, b" in dict(facts(card))["Federated tuning AUC"]


def test_weights_that_no_site_judged_have_no_tuning_auc(tmp_path: Path) -> None:
    make_authority(tmp_path / "keys", NOW)
    card = training_card(tmp_path, Answering({"a": 3}, tunings=lambda _s, _n: tuning(None, 0)))
    assert (card.tuning_auc, card.tuning_cases) == (None, None)


def training_card(home: Path, sites: Answering) -> ModelCard:
    live = training(home, sites, rounds=1)
    return live.stores.registry.card(train(live))


def test_a_share_is_of_the_examples_that_weighed_and_not_of_those_that_were_stated() -> None:
    """In round 2 site a states a thousand and weighs as 60 beside 40."""
    made = Participation()
    made.note(1, {"a": 30, "b": 10}, {})
    made.note(2, {"a": 1000, "c": 40}, {"b": "no answer"}, counted={"a": 60, "c": 40})
    made = participation_from(made.plain())  # type: ignore[arg-type]
    shares = {s.site: s.share for s in made.shares(2)}
    assert shares == pytest.approx({"a": 90 / 140, "b": 10 / 140, "c": 40 / 140})
    assert {s.site: s.share for s in made.shares(1)} == pytest.approx({"a": 0.75, "b": 0.25})


@given(HISTORIES)
def test_the_shares_of_all_sites_are_one(history: list[dict[str, int | str]]) -> None:
    made = Participation()
    for number, said in enumerate(history, 1):
        given_ = {s: v for s, v in said.items() if isinstance(v, int)}
        made.note(number, given_, {s: v for s, v in said.items() if isinstance(v, str)})
    shares = [s.share for s in made.shares(len(history))]
    if any(isinstance(v, int) for said in history for v in said.values()):
        assert sum(s for s in shares if s is not None) == pytest.approx(1.0)
    else:
        assert {*shares} <= {None}


def test_where_a_round_of_an_older_release_weighed_the_shares_are_not_known() -> None:
    old = {"examples": {"1": {"a": 5}}, "reasons": {"1": {}}}
    made = participation_from(old)
    made.note(2, {"a": 5}, {})
    assert [(s.examples, s.share) for s in made.shares(2)] == [(10, None)]


def test_steps_are_summed_over_the_rounds_that_counted_them() -> None:
    made = Participation()
    made.note(1, {"a": 5, "b": 7}, {}, steps={"a": (3, 40), "b": (9, 9)})
    made.note(2, {"a": 5}, {"b": "no answer"}, steps={"a": (1, 40)})
    made.note(3, {"c": 5}, {})
    made = participation_from(made.plain())  # type: ignore[arg-type]
    steps = [(s.site, s.steps, s.planned_steps) for s in made.shares(3)]
    assert steps == [("a", 4, 80), ("b", 9, 9), ("c", None, None)]
    assert [s.steps for s in made.shares(1)] == [3, 9]


def test_a_row_of_missed_rounds_ends_with_an_update_and_with_a_round_without_the_site() -> None:
    made = Participation()
    made.note(1, {}, {"a": "x", "b": "x", "c": "x"})
    made.note(2, {"a": 1}, {"b": "x"})
    made.note(3, {}, {"a": "x", "b": "x", "c": "x"})
    made.note(4, {"z": 1}, {"a": "x", "b": "x", "c": "x"})
    assert [made.missed_in_a_row(s, 4) for s in "abcz"] == [2, 4, 2, 0]
    assert [made.missed_in_a_row(s, 2) for s in "abcz"] == [0, 2, 0, 0]
