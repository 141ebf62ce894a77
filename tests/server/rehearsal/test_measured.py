"""A rehearsal's figures are those of its history, and the sentences say them with units."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hepafed.server.rehearsal.measured import Rehearsal, estimate, longest_round, measured
from hepafed.server.rehearsal.words import sentences

BEGAN = datetime(2026, 1, 1, 23, 59, 30, tzinfo=UTC)
NUMBERS = 54_000_000


def history(*events: tuple[float, str, int, str]) -> Iterator[dict[str, Any]]:
    """Give events of (seconds since the beginning, kind, round, site)."""
    for seconds, kind, number, site in events:
        made = {"at": (BEGAN + timedelta(seconds=seconds)).isoformat(), "event": kind}
        yield made | ({"round": number} if number else {}) | ({"site": site} if site else {})


THREE = (
    (0.0, "preparing", 0, ""),
    (10.0, "round", 1, ""),
    (70.0, "reply", 1, "b"),
    (80.0, "reply", 1, "a"),
    (90.0, "done", 1, ""),
    (90.0, "round", 2, ""),
    (95.0, "reply", 2, "a"),
    (96.0, "missing", 2, "b"),
    (100.0, "done", 2, ""),
    (100.0, "round", 3, ""),
    (107.0, "reply", 3, "a"),
    (103.0, "reply", 3, "b"),
    (120.0, "done", 3, ""),
    (121.0, "tune", 0, ""),
)


def test_seconds_are_medians_from_question_to_checkpoint_and_to_answer() -> None:
    found = measured(history(*THREE), NUMBERS)
    assert (found.rounds, found.seconds) == (3, 15.0)
    assert found.sites == {"a": 6.0, "b": 3.0}


def test_the_longest_round_is_of_all_also_the_first() -> None:
    assert longest_round(history(*THREE)) == 80.0
    assert longest_round(()) == 0.0


def test_of_one_round_alone_its_own_seconds_count() -> None:
    found = measured(history(*THREE[:5]), NUMBERS)
    assert (found.rounds, found.seconds, found.sites) == (1, 80.0, {"a": 70.0, "b": 60.0})


def test_a_round_that_was_held_twice_counts_from_its_last_question() -> None:
    again = ((500.0, "round", 3, ""), (504.0, "reply", 3, "b"), (510.0, "done", 3, ""))
    found = measured(history(*THREE, *again), NUMBERS)
    assert (found.rounds, found.seconds) == (3, 10.0)
    assert found.sites["b"] == 4.0


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    found = measured(history((10.0, "round", 1, ""), (4.0, "done", 1, "")), NUMBERS)
    assert found.seconds == 0.0


@pytest.mark.parametrize("events", [(), ((3.0, "done", 1, ""), (4.0, "reply", 1, "a"))])
def test_a_history_without_a_question_gives_no_figure(
    events: tuple[tuple[float, str, int, str], ...],
) -> None:
    found = measured(history(*events), NUMBERS)
    assert (found.rounds, found.seconds, found.sites) == (0, 0.0, {})


def test_bytes_and_disk_follow_from_the_size_of_the_network_and_the_number_of_sites() -> None:
    found = measured(history(*THREE), NUMBERS)
    assert found.payload == 108_000_000
    assert found.server_disk == 7 * 216_000_000 + (3 + 2) * 108_000_000


def test_an_estimate_grows_with_the_number_of_rounds() -> None:
    one, thirty = estimate(15.0, 108_000_000, 1), estimate(15.0, 108_000_000, 30)
    assert thirty.seconds == 450.0
    assert (thirty.fetched, thirty.sent) == (31 * 108_000_000, 30 * 108_000_000)
    assert thirty.site_disk == 30 * one.site_disk


def test_the_sentences_state_every_figure_with_its_unit() -> None:
    found = Rehearsal(
        rounds=3,
        seconds=24.14,
        sites={"hospital-a": 7.0, "hospital-b": 95.0},
        payload=108_600_000,
        site_disk=65536,
        server_disk=2_700_000_000,
    )
    assert sentences(found, 30) == [
        "Rehearsal of 3 rounds. No site trained, and no model was made.",
        "A round takes 24.1 s without the training.",
        "  hospital-a: answers after 7.0 s",
        "  hospital-b: answers after 2 min",
        "In each round 108.6 MB go to each site, and 108.6 MB come back from it.",
        "A training of this network needs up to 2.7 GB of disk at the coordinator.",
        "30 rounds take 12 min, and the time of the training at the slowest site.",
        "30 rounds send 3.4 GB to each site, and 3.3 GB back from it.",
        "30 rounds need up to 2.0 MB of disk at a site.",
    ]


def test_what_a_strategy_sends_beside_the_weights_is_counted() -> None:
    found = measured(history(*THREE), NUMBERS, 1, 2)
    assert found.server_disk == (7 + 4) * 216_000_000 + (3 + 1 + 2) * 108_000_000
    said = sentences(found, 30)
    assert "In each round 216.0 MB go to each site, and 108.0 MB come back from it." in said
    assert "30 rounds send 6.6 GB to each site, and 3.2 GB back from it." in said


def test_coded_updates_are_counted_as_they_are_sent() -> None:
    """64 numbers of 4 bits and their scale: 34 bytes."""
    found = measured(history(*THREE), NUMBERS, encoding="int4")
    assert found.payload == 108_000_000
    assert found.update == pytest.approx(NUMBERS / 64 * 34, rel=1e-5)
    assert measured(history(*THREE), NUMBERS).update == 0
    lines = sentences(found, 10)
    assert "In each round 108.0 MB go to each site, and 28.7 MB come back from it." in lines
    assert "10 rounds send 1.2 GB to each site, and 286.9 MB back from it." in lines
