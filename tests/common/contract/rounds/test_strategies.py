"""What each strategy needs of sites, disk and wire."""

import pytest
from hepafed.common.contract.rounds import (
    STRATEGIES,
    RoundsPlan,
    fewest_sites,
    kept_vectors,
    sent_copies,
    server_rate,
)


def how(word: str, **keys: object) -> RoundsPlan:
    return RoundsPlan(strategy=word, **keys)  # type: ignore[arg-type]


def test_what_a_strategy_keeps_and_sends() -> None:
    kept = {w: kept_vectors(how(w)) for w in STRATEGIES}
    some = {"fedavgm": 1, "fedadam": 2, "fedyogi": 2, "scaffold": 1}
    assert kept == {**dict.fromkeys(STRATEGIES, 0), **some}
    assert kept_vectors(how("fedadam", average=2)) == 3
    assert {w for w in STRATEGIES if sent_copies(how(w)) == 2} == {"scaffold"}


@pytest.mark.parametrize(
    ("word", "faulty", "sites"),
    [
        ("fedavg", 1, 1),
        ("median", 1, 3),
        ("trimmed-mean", 1, 3),
        ("trimmed-mean", 3, 7),
        ("krum", 1, 5),
        ("krum", 2, 7),
    ],
)
def test_of_how_many_sites_a_round_must_be(word: str, faulty: int, sites: int) -> None:
    assert fewest_sites(how(word, faulty=faulty)) == sites


def test_a_stated_rate_goes_before_the_usual_one() -> None:
    assert server_rate(how("fedadam", server_rate=0.5)) == 0.5
    assert (server_rate(how("fedavgm")), server_rate(how("fedyogi"))) == (1.0, 0.01)
