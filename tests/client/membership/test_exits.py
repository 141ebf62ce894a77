"""An exit of Flower's SuperNode is said in words, from its status and its log."""

import signal
from pathlib import Path

import pytest
from hepafed.client.membership.exits import (
    EXITS,
    FULL,
    KILLED,
    MOST_BYTES,
    ORDERLY,
    REFUSED,
    exit_of,
    written_since,
)


def said(code: int, before: str = "") -> bytes:
    text = f"INFO :      Starting Flower SuperNode\n{before}\nERROR :     Exit Code: {code}\nmore\n"
    return text.encode()


@pytest.mark.parametrize("code", EXITS)
def test_each_exit_of_flower_has_words_and_a_remedy(code: int) -> None:
    found = exit_of(1, said(code))
    assert found is EXITS[code]
    assert found.words
    assert found.hint


def test_an_exit_that_we_do_not_know_is_said_by_its_number() -> None:
    found = exit_of(1, said(777))
    assert found.words == "Flower reports its exit 777"
    assert "supernode.log" in found.hint


def test_the_last_exit_in_the_log_counts() -> None:
    assert exit_of(1, said(302) + said(606)) is EXITS[606]


@pytest.mark.parametrize(
    ("status", "words"), [(401, "signature (401)"), (412, "does not admit this site (412)")]
)
def test_a_connection_that_was_refused_says_what_the_coordinator_answered(
    status: int, words: str
) -> None:
    answer = f"Client error '{status} Unauthorized' for url 'https://localhost:1/v1/fleet/x'"
    found = exit_of(1, said(305, answer))
    assert found is REFUSED[status]
    assert words in found.words
    assert exit_of(1, said(305, answer.replace(str(status), "404"))) is EXITS[305]
    assert exit_of(1, said(606, answer)) is EXITS[606]


def test_a_killed_process_is_said_to_be_killed_whatever_its_log_says() -> None:
    assert exit_of(-signal.SIGKILL, said(305)) is KILLED
    assert exit_of(-signal.SIGSEGV, b"").words == "it was ended by SIGSEGV"
    assert exit_of(-99, b"").words == "it was ended by signal 99"


@pytest.mark.parametrize(
    "line", ["OSError: [Errno 28] No space left on device", "database or disk is full"]
)
def test_a_full_disk_is_the_reason_before_what_followed_from_it(line: str) -> None:
    assert exit_of(1, said(305, line)) is FULL


def test_without_an_exit_code_the_status_alone_counts() -> None:
    assert exit_of(0, b"") is ORDERLY
    assert exit_of(1, b"Traceback (most recent call last):").words == "it met an error"
    assert exit_of(1, b"Exit Code: x").words == "it met an error"


def test_only_what_this_process_wrote_is_read(tmp_path: Path) -> None:
    log = tmp_path / "supernode.log"
    log.write_bytes(said(302))
    start = log.stat().st_size
    assert written_since(log, start) == b""
    with log.open("ab") as f:
        f.write(said(606))
    assert exit_of(1, written_since(log, start)) is EXITS[606]
    assert written_since(tmp_path / "none", 0) == b""


def test_of_a_long_log_the_end_is_read(tmp_path: Path) -> None:
    log = tmp_path / "supernode.log"
    log.write_bytes(b"x" * MOST_BYTES + b"yz")
    assert written_since(log, 1) == b"x" * (MOST_BYTES - 2) + b"yz"
