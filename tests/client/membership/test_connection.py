"""`client check` says whether a client runs here or elsewhere, and why a connection ended."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hepafed.client.home import sole_use
from hepafed.client.membership.connection import (
    NAME,
    instance_here,
    judge_connection,
    last_exit,
    must_be_known,
    note_exit,
    note_start,
    runs_here,
)
from hepafed.client.membership.exits import EXITS
from hepafed.client.membership.home_state import look_over
from hepafed.client.membership.status import Standing
from hepafed.common.console import FAIL, NOTE, PASS
from hepafed.common.errors import ConfigError

NOW = datetime(2026, 3, 4, 23, 58, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "flower").mkdir()
    return tmp_path


def standing(**values: object) -> Standing:
    made = {"site": "a", "role": "train", "ahead": 0.0, "hepafed": "1", "flwr": "1"}
    return Standing(**made, certificate=NOW, **values)  # type: ignore[arg-type]


def test_a_client_of_this_home_is_found_by_its_lock_and_the_lock_stays_free(home: Path) -> None:
    assert not runs_here(home)
    assert not (home / "lock").exists()
    with sole_use(home):
        assert runs_here(home)
        assert [line.state for line in last_exit(home)] == [PASS]
    assert not runs_here(home)
    assert [line.state for line in last_exit(home)] == [NOTE]
    with sole_use(home):
        pass


def test_the_last_exit_is_kept_over_a_start_and_said_with_time_reason_and_remedy(
    home: Path,
) -> None:
    note_start(home, "a" * 16)
    note_exit(home, EXITS[606], NOW)
    note_exit(home, EXITS[302], NOW + timedelta(minutes=3))
    note_start(home, "b" * 16)
    assert instance_here(home) == "b" * 16
    line = {line.name: line for line in last_exit(home)}["connection"]
    assert (line.state, line.hint) == (NOTE, EXITS[302].hint)
    assert line.found.endswith(f"ended at 2026-03-05 00:01 UTC: {EXITS[302].words}")


def test_a_damaged_file_is_named_and_costs_nothing_else(home: Path) -> None:
    must_be_known(home)
    note_exit(home, EXITS[606], NOW)
    (home / NAME).write_bytes((home / NAME).read_bytes()[:-9])
    with pytest.raises(ConfigError, match=r"flower/connection\.json is damaged"):
        must_be_known(home)
    assert any(NAME in d.found and not d.stops for d in look_over(home))
    assert [line.name for line in last_exit(home)] == ["client"]
    assert instance_here(home) == ""
    note_start(home, "c" * 16)
    must_be_known(home)


@pytest.mark.parametrize(
    ("here", "words"), [(True, "another client uses"), (False, "runs elsewhere")]
)
def test_a_second_client_fails_with_what_to_do(here: bool, words: str) -> None:
    (line,) = judge_connection(standing(others=("2026-03-04 23:00 UTC",)), here=here)
    assert line.state == FAIL
    assert words in line.found
    assert "since 2026-03-04 23:00 UTC" in line.found
    assert "revoke" in line.hint


@pytest.mark.parametrize(
    ("flower", "states"), [("known", [PASS]), ("unknown", [FAIL]), ("silent", [NOTE]), ("", [])]
)
def test_a_node_that_flower_does_not_know_fails(flower: str, states: list[str]) -> None:
    assert [line.state for line in judge_connection(standing(flower=flower), here=True)] == states
