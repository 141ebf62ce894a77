"""Attempts at a masked sum: repeated without the lost, bounded, gone on with after a restart."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.contract.messages import KeysRequest, OpenRequest, SumsRequest
from hepafed.server.masked_sums.masked_progress import SumFolder
from hepafed.server.masked_sums.masked_sum import MaskedSum, WantedSum, masked_sum
from hepafed.server.runs.live_run import LiveRun

from tests.server.masked_sums.participants import Participants, live_with

COUNTS = {"c": [1, 2, 3], "a": [10, 20, 30], "d": [100, 200, 300], "b": [1000, 2000, 3000]}
WANTED = WantedSum(
    subject="pairs",
    weights="w",
    split="test",
    length=3,
    readers=("r1", "r2"),
    against=("v",),
    most_attempts=3,
)
ALL = ["c", "a", "d", "b"]
"""They are named in another order than that of their names."""


def losing(kind: type, *order: str) -> Any:  # noqa: ANN401
    """Lose one more site at each attempt, at one step of it."""
    left = list(order)

    def change(site: str, request: object, answer: Any) -> Any:  # noqa: ANN401
        if isinstance(request, kind) and left and site == left[0]:
            left.pop(0)
            return f"{site} is silent"
        return answer

    return change


def tried(sites: Participants) -> list[tuple[int, tuple[str, ...]]]:
    requests = [r for _, r, _ in sites.asked if isinstance(r, KeysRequest)]
    return [(r.terms.attempt, r.terms.participants) for r in requests]


def events(live: LiveRun, kind: str) -> list[dict[str, Any]]:
    return [e for e in live.stores.runs.events(live.run.id) if e["event"] == kind]


def totals(found: MaskedSum) -> list[int]:
    assert found.total is not None
    values: list[int] = found.total.tolist()
    return values


def test_a_sum_over_all_sites_takes_one_attempt(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    found = masked_sum(live, WANTED, ALL)
    assert totals(found) == [1111, 2222, 3333]
    assert (found.sites, found.attempts, found.lost) == (("a", "b", "c", "d"), 1, {})
    assert tried(sites) == [(1, ("a", "b", "c", "d"))]


def test_the_terms_state_what_is_wanted_and_each_exchange_is_new(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    sites.change = losing(KeysRequest, "d")
    masked_sum(live, WANTED, ALL)
    first, second = (r.terms for _, r, _ in sites.asked if isinstance(r, KeysRequest))
    for terms in (first, second):
        assert (terms.run, terms.subject, terms.weights) == (live.run.id, "pairs", "w")
        assert (terms.split, terms.length) == ("test", 3)
        assert (terms.readers, terms.against) == (("r1", "r2"), ("v",))
        assert len(terms.exchange) == 32
    assert first.exchange != second.exchange


def test_each_attempt_is_written_down_before_anything_is_asked(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    seen = []

    def change(_site: str, request: object, answer: Any) -> Any:  # noqa: ANN401
        if isinstance(request, KeysRequest):
            seen.append(SumFolder(live.folder, "pairs").load().attempt)
        return answer

    sites.change = change
    masked_sum(live, WANTED, ALL)
    assert set(seen) == {1}
    (event,) = events(live, "masking")
    assert (event["subject"], event["attempt"]) == ("pairs", 1)
    assert event["sites"] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("step", [KeysRequest, SumsRequest])
def test_the_next_attempt_is_without_those_that_were_lost(tmp_path: Path, step: type) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    sites.change = losing(step, "b", "d")
    found = masked_sum(live, WANTED, ALL)
    assert tried(sites) == [(1, ("a", "b", "c", "d")), (2, ("a", "c", "d")), (3, ("a", "c"))]
    assert totals(found) == [11, 22, 33]
    assert (found.sites, found.attempts) == (("a", "c"), 3)
    assert found.lost == {"b": "b is silent", "d": "d is silent"}
    assert [(e["site"], e["reason"]) for e in events(live, "missing")] == [
        ("b", "masked sum: b is silent"),
        ("d", "masked sum: d is silent"),
    ]


def test_without_all_keys_no_vector_is_asked_for(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    sites.change = losing(KeysRequest, "d")
    masked_sum(live, WANTED, ALL)
    assert len([r for _, r, _ in sites.asked if isinstance(r, SumsRequest)]) == 1


def test_after_the_most_attempts_there_is_no_sum(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    sites.change = losing(SumsRequest, "b", "d")
    found = masked_sum(live, replace(WANTED, most_attempts=2), ALL)
    assert (found.total is None, found.sites, found.attempts) == (True, (), 2)
    assert found.lost == {"d": "d is silent", "b": "b is silent"}
    assert [a for a, _ in tried(sites)] == [1, 2]
    assert [r for _, r, _ in sites.asked if isinstance(r, OpenRequest)] == []


def test_one_site_alone_is_never_summed(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    found = masked_sum(live, WANTED, ["a"])
    assert (found.total, found.attempts, found.lost) == (None, 0, {})
    sites.change = losing(KeysRequest, "b")
    found = masked_sum(live, WANTED, ["a", "b"])
    assert (found.total, found.attempts, found.lost) == (None, 1, {"b": "b is silent"})
    assert len(tried(sites)) == 1


def test_two_sites_are_summed(tmp_path: Path) -> None:
    live, _ = live_with(tmp_path, COUNTS)
    assert totals(masked_sum(live, WANTED, ["c", "a"])) == [11, 22, 33]


def test_a_site_lost_at_the_opening_ends_the_sum_for_good(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    sites.change = lambda site, request, answer: (
        "silent" if site == "b" and isinstance(request, OpenRequest) else answer
    )
    found = masked_sum(live, WANTED, ALL)
    assert (found.total, found.sites, found.attempts) == (None, (), 1)
    assert found.lost == {"b": "lost while the sum was opened: silent"}
    assert len(tried(sites)) == 1
    assert SumFolder(live.folder, "pairs").load().lost == found.lost


def test_a_run_that_was_stopped_begins_no_attempt(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    live.stores.runs.ask_to_stop(live.run.id)
    assert masked_sum(live, WANTED, ALL).total is None
    assert sites.asked == []


def test_a_run_stopped_before_the_opening_opens_nothing(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)

    def stop(_site: str, request: object, answer: Any) -> Any:  # noqa: ANN401
        if isinstance(request, SumsRequest):
            live.stores.runs.ask_to_stop(live.run.id)
        return answer

    sites.change = stop
    found = masked_sum(live, WANTED, ALL)
    assert (found.total, found.attempts, found.lost) == (None, 1, {})
    assert [r for _, r, _ in sites.asked if isinstance(r, OpenRequest)] == []


def test_after_a_restart_the_sealed_attempt_is_opened_and_no_other_begun(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)

    def kill(_site: str, request: object, answer: Any) -> Any:  # noqa: ANN401
        if isinstance(request, OpenRequest):
            raise KeyboardInterrupt
        return answer

    sites.change = kill
    with pytest.raises(KeyboardInterrupt):
        masked_sum(live, WANTED, ALL)
    sites.change = lambda _site, _request, answer: answer
    assert totals(masked_sum(live, WANTED, ALL)) == [1111, 2222, 3333]
    assert len(tried(sites)) == 1


def test_an_opened_sum_is_read_again_without_asking_anybody(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)
    sites.change = losing(KeysRequest, "d")
    first = masked_sum(live, WANTED, ALL)
    before = len(sites.asked)
    again = masked_sum(live, WANTED, ALL)
    assert len(sites.asked) == before
    assert totals(again) == totals(first) == [1011, 2022, 3033]
    assert (again.sites, again.attempts, again.lost) == (first.sites, 2, {"d": "d is silent"})


def test_after_a_restart_the_lost_stay_lost_and_attempts_go_on_counting(tmp_path: Path) -> None:
    live, sites = live_with(tmp_path, COUNTS)

    def kill(site: str, request: object, answer: Any) -> Any:  # noqa: ANN401
        if isinstance(request, KeysRequest) and request.terms.attempt == 2:
            raise KeyboardInterrupt
        return "silent" if site == "d" else answer

    sites.change = kill
    with pytest.raises(KeyboardInterrupt):
        masked_sum(live, WANTED, ALL)
    sites.change = lambda _site, _request, answer: answer
    found = masked_sum(live, WANTED, ALL)
    assert tried(sites)[-1] == (3, ("a", "b", "c"))
    assert (found.attempts, found.lost) == (3, {"d": "silent"})
    assert totals(found) == [1011, 2022, 3033]
