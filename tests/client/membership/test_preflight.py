"""`client check` judges what it found: each limit, and the reason beside it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hepafed.client.membership.preflight import (
    Gpu,
    check,
    judge,
    judge_gpu,
    versions,
)
from hepafed.client.membership.status import Standing, clock_ahead, clock_fault, must_fit, why
from hepafed.common.console import FAIL, NOTE, PASS, CheckLine
from hepafed.common.contract.config import SiteConfig
from hepafed.common.errors import OtherReleaseError, PayloadError
from hepafed.common.releases import RELEASE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = SiteConfig(site="a", role="train", address="localhost:1")
FAR = NOW + timedelta(days=2000)


def _standing(**other: object) -> Standing:
    made = {
        "site": "a",
        "role": "train",
        "ahead": 0.2,
        "certificate": NOW + timedelta(days=100),
        **versions(),
        **other,
    }
    return Standing(**made)  # type: ignore[arg-type]


def _judged(authority: datetime = FAR, **other: object) -> dict[str, CheckLine]:
    lines = judge(_standing(**other), CONFIG, authority, NOW, versions())
    return {line.name: line for line in lines}


def test_a_good_answer_passes_on_every_line() -> None:
    assert {line.state for line in _judged().values()} == {PASS}


@pytest.mark.parametrize(
    ("ahead", "good"), [(4.9, True), (5.0, False), (-304.9, True), (-305.0, False)]
)
def test_a_clock_may_be_off_by_what_flower_accepts(ahead: float, good: bool) -> None:
    assert (clock_fault(ahead) == "") == good
    assert _judged(ahead=ahead)["clock"].state == (PASS if good else FAIL)


def test_half_the_way_there_and_back_is_no_clocks_fault() -> None:
    received = NOW + timedelta(seconds=4)
    assert clock_ahead((NOW + timedelta(seconds=2)).isoformat(), NOW, received) == 0
    for odd in (None, "noon", "2026-01-01T00:00:00"):
        with pytest.raises(PayloadError):
            clock_ahead(odd, NOW, received)


@pytest.mark.parametrize(("days", "state"), [(13, FAIL), (14, PASS)])
def test_a_certificate_about_to_end_fails(days: int, state: str) -> None:
    line = _judged(certificate=NOW + timedelta(days=days, hours=1))["certificate"]
    assert line.state == state
    assert ("server renew" in line.hint) == (state == FAIL)


def test_the_last_year_of_the_ca_is_mentioned() -> None:
    assert _judged(NOW + timedelta(days=300))["authority"].state == NOTE


@pytest.mark.parametrize("name", ["hepafed", "flwr"])
def test_another_release_than_the_coordinators_fails(name: str) -> None:
    line = _judged(**{name: "0.0.1"})["versions"]
    assert line.state == FAIL
    assert "0.0.1 there" in line.found


def test_a_site_whose_release_does_not_fit_is_told_what_to_install() -> None:
    must_fit(_standing())
    with pytest.raises(OtherReleaseError, match=rf"release {RELEASE} .* release 99\.0") as refused:
        must_fit(_standing(hepafed="99.0"))
    assert refused.value.hint == "install release 99.0 here, then client start"
    assert _judged(hepafed="99.0")["versions"].hint.startswith("install release 99.0 of HepaFed")


@pytest.mark.parametrize("key", ["site", "role"])
def test_a_site_file_that_says_another_than_the_coordinator_fails(key: str) -> None:
    assert _judged(**{key: "validate"})["token"].state == FAIL


def test_a_home_that_has_not_joined_is_told_so_and_looked_at_all_the_same(tmp_path: Path) -> None:
    home = tmp_path / "none"
    lines = {line.name: line for line in check(home)}
    assert list(lines) == ["joined", "disk", "memory", "GPU", "cohort"]
    assert "client join" in lines["joined"].hint
    assert not home.exists()


@pytest.mark.parametrize("small", ["disk", "memory"])
def test_a_small_disk_and_a_small_memory_each_fail(tmp_path: Path, small: str) -> None:
    least = {"disk_gib": 0.0, "memory_gib": 0.0} | {f"{small}_gib": 1e9}
    lines = {line.name: line for line in check(tmp_path, **least)}
    other = {"disk": "memory", "memory": "disk"}[small]
    assert [lines[n].state for n in (small, other)] == [FAIL, PASS]


def test_the_absence_of_a_gpu_is_a_note_unless_it_was_asked_for() -> None:
    assert judge_gpu("auto", []).state == NOTE
    assert "images" in judge_gpu("cpu", []).hint
    assert judge_gpu("cuda", []).state == FAIL


def test_every_gpu_is_named_with_its_memory() -> None:
    found = [Gpu("NVIDIA H100", 80 << 30), Gpu("NVIDIA L4", 24 << 30)]
    line = judge_gpu("auto", found)
    assert line == CheckLine("GPU", PASS, "NVIDIA H100 (80 GiB), NVIDIA L4 (24 GiB)")
    assert judge_gpu("cuda", found).state == PASS


def test_a_gpu_that_site_toml_leaves_unused_is_a_note() -> None:
    line = judge_gpu("cpu", [Gpu("NVIDIA L4", 24 << 30)])
    assert (line.state, line.found) == (NOTE, "NVIDIA L4 (24 GiB) (not used)")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectTimeout("timed out"), "in time"),
        (httpx.ConnectError("[Errno 111] Connection refused"), "refused"),
        (httpx.ConnectError("[Errno -2] Name or service not known"), "DNS"),
        (httpx.ReadError("SECRET"), "no answer"),
    ],
)
def test_the_network_says_why_in_our_words(error: httpx.HTTPError, words: str) -> None:
    assert words in why(error)
    assert "SECRET" not in why(error)
