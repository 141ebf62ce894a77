"""A site masks for one exchange, opens one sum, and nothing that could be subtracted."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hepafed.client.release.sum_history import SumHistory
from hepafed.common.errors import ConfigError, PayloadError, RefusedError

from .releasing import WEIGHTS, Site, exchange, terms_of


def test_an_honest_exchange_gives_the_sum(pair: list[Site]) -> None:
    total = exchange(pair, terms_of("a", "b"))
    assert (total == pair[0].counts() + pair[1].counts()).all()


def test_the_ledger_holds_what_was_uploaded(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    (entry,) = [e for e in pair[0].ledger.entries() if e["kind"] == "masked-counts"]
    assert entry["sha256"] == sha256(pair[0].sent[0]).hexdigest()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"participants": ("b", "c")}, "does not take part in"),
        ({"length": 3}, "another length"),
        ({"run": "validate-2"}, "no scores"),
        ({"weights": "b" * 64}, "no scores"),
        ({"split": "test"}, "no scores"),
        ({"subject": "clusters"}, "not prepared"),
    ],
)
def test_terms_that_do_not_fit_what_was_scored_are_refused(
    pair: list[Site], changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        pair[0].key(replace(terms_of("a", "b"), **changes))


def test_malformed_terms_are_refused(pair: list[Site]) -> None:
    with pytest.raises(PayloadError):
        pair[0].key(terms_of("a"))


def test_policy_sets_the_fewest_sites(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", minimum_peers=3)
    site.score()
    with pytest.raises(RefusedError, match="asks for 3"):
        site.key(terms_of("a", "b"))
    site.key(terms_of("a", "b", "c"))


def test_policy_sets_the_fewest_patients(tmp_path: Path) -> None:
    sites = [Site(tmp_path, "a", minimum_patients=31), Site(tmp_path, "b")]
    for s in sites:
        s.score()
    offers = [s.key(terms_of("a", "b")) for s in sites]
    with pytest.raises(RefusedError, match="over 30 patients"):
        sites[0].mask(terms_of("a", "b"), offers)
    assert sites[0].sent == []


def test_a_replayed_exchange_is_refused_also_after_a_restart(pair: list[Site]) -> None:
    pair[0].key(terms_of("a", "b"))
    pair[0].restart()
    pair[0].score()
    for attempt in (1, 2):
        with pytest.raises(RefusedError, match="replay"):
            pair[0].key(terms_of("a", "b", attempt=attempt))


def test_attempts_only_count_up(pair: list[Site]) -> None:
    pair[0].key(terms_of("a", "b", attempt=2))
    with pytest.raises(RefusedError, match="attempt 2"):
        pair[0].key(terms_of("a", "b", number=2, attempt=2))


def test_a_key_masks_one_vector_only(pair: list[Site]) -> None:
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    vector = pair[0].mask(terms, offers)
    assert (pair[0].mask(terms, offers) == vector).all()  # the answer was lost on its way
    with pytest.raises(RefusedError, match="replay"):
        pair[0].mask(terms, [offers[0], replace(offers[1], totals=(9, 9))])
    pair[0].restart()
    pair[0].score()
    with pytest.raises(RefusedError, match="replay"):
        pair[0].mask(terms, offers)


def test_a_key_is_asked_for_again_with_the_same_terms_alone(pair: list[Site]) -> None:
    terms = terms_of("a", "b")
    offer = pair[0].key(terms)
    assert pair[0].key(terms) == offer
    with pytest.raises(RefusedError, match="replay"):
        pair[0].key(replace(terms, attempt=2))
    pair[0].mask(terms, [offer, pair[1].key(terms)])
    with pytest.raises(RefusedError, match="replay"):
        pair[0].key(terms)


def test_a_new_key_ends_the_vector_before(pair: list[Site]) -> None:
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    pair[0].mask(terms, offers)
    pair[0].key(terms_of("a", "b", number=2, attempt=2))
    with pytest.raises(RefusedError, match="replay"):
        pair[0].mask(terms, offers)


def test_keys_of_an_earlier_exchange_are_refused(pair: list[Site]) -> None:
    first = terms_of("a", "b")
    old = [s.key(first) for s in pair]
    second = terms_of("a", "b", number=2, attempt=2)
    new = [s.key(second) for s in pair]
    with pytest.raises(RefusedError, match="another exchange"):
        pair[0].mask(second, [new[0], old[1]])
    assert pair[0].sent == []


@pytest.mark.parametrize("wrong", ["missing", "twice", "own changed"])
def test_keys_must_be_those_of_the_participants(pair: list[Site], wrong: str) -> None:
    terms = terms_of("a", "b")
    a, b = (s.key(terms) for s in pair)
    offers = {"missing": [a], "twice": [a, b, b], "own changed": [replace(a, patients=99), b]}
    with pytest.raises(RefusedError):
        pair[0].mask(terms, offers[wrong])
    assert pair[0].sent == []


def test_a_new_attempt_closes_the_one_before_for_ever(pair: list[Site]) -> None:
    first = terms_of("a", "b")
    offers = [s.key(first) for s in pair]
    pair[0].mask(first, offers)
    pair[0].key(terms_of("a", "b", number=2, attempt=2))
    with pytest.raises(RefusedError, match="no masked counts of this exchange"):
        pair[0].open(first)


def test_a_sum_is_opened_in_one_attempt_of_a_run(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    with pytest.raises(RefusedError, match="opened already"):
        pair[0].key(terms_of("a", "b", number=2, attempt=2))


def test_the_same_opening_is_answered_again_also_after_a_restart(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    seed = pair[0].open(terms_of("a", "b"))
    pair[0].restart()
    assert pair[0].open(terms_of("a", "b")) == seed


def test_a_coordinator_cannot_have_two_sums_that_differ_by_one_site(tmp_path: Path) -> None:
    sites = {n: Site(tmp_path, n) for n in "abc"}
    for s in sites.values():
        s.score()
    # all three vectors arrive, but the coordinator says that c was lost
    first = terms_of("a", "b", "c")
    offers = [s.key(first) for s in sites.values()]
    vectors = {n: s.mask(first, offers) for n, s in sites.items()}
    second = terms_of("a", "b", number=2, attempt=2)
    exchange([sites["a"], sites["b"]], second)
    opened = {"c": sites["c"].open(first)}  # c knows of nothing
    for n in "ab":
        with pytest.raises(RefusedError):
            sites[n].open(first)
    assert set(opened) != set(vectors)


@pytest.mark.parametrize("weights", [WEIGHTS, "b" * 64], ids=["same scores", "another model"])
def test_sums_of_a_cohort_stay_with_one_group(pair: list[Site], weights: str) -> None:
    exchange(pair, terms_of("a", "b"))
    pair[0].restart()
    if weights != WEIGHTS:
        pair[0].rescore()
    pair[0].score(run="validate-2", weights=weights)
    other = terms_of("a", "b", "c", number=2, run="validate-2", weights=weights)
    with pytest.raises(RefusedError, match="only in masked sums of a, b"):
        pair[0].key(other)
    SumHistory(pair[0].home).new_group()
    pair[0].key(other)


def test_two_open_exchanges_of_two_groups_cannot_both_be_opened(tmp_path: Path) -> None:
    sites = {n: Site(tmp_path, n) for n in "abc"}
    for s in sites.values():
        s.score()
    first = terms_of("a", "b", "c")
    offers = [s.key(first) for s in sites.values()]
    for s in sites.values():
        s.mask(first, offers)
    sites["a"].open(first)
    sites["a"].score(run="validate-2")
    with pytest.raises(RefusedError, match="only"):
        sites["a"].key(terms_of("a", "b", number=2, run="validate-2"))


def test_a_damaged_memory_stops_masked_sums(pair: list[Site]) -> None:
    (pair[0].home / "exchanges.json").write_text("{")
    with pytest.raises(ConfigError, match="damaged") as caught:
        pair[0].key(terms_of("a", "b"))
    assert "--new-group" not in caught.value.hint  # it reads the file first: it could not help


def test_what_a_site_remembers_is_private(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    for name in ("exchanges.json", "peers.json"):
        assert (pair[0].home / name).stat().st_mode & 0o077 == 0
