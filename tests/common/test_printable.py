"""What the other side writes moves no cursor, turns no line and makes no line of its own."""

import io
import logging

import pytest
from hepafed.common.printable import OneLineFormatter, printable

HOSTILE = (
    "\x1b[2J", "\x1b]0;title\x07", "\r", "\n", "\t", "\0", "\x7f", "\x9b31m", "\u202e", "\u2066",
    "\u200b", "\u200f", "\u2028", "\u2029", "\ufeff", "\ud800", "\u00ad",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_cannot_be_printed_is_replaced(text: str) -> None:
    shown = printable(f"a{text}b")
    assert shown.isprintable()
    assert shown.startswith("a�")
    assert shown.endswith("b")


def test_what_can_be_printed_stays() -> None:
    for text in ("", "hospital-a: 42 %", "Müller–Straße", "肝臓", "nein 🏥", "━━"):
        assert printable(text) == text


def test_only_what_is_named_is_kept() -> None:
    assert printable("a\nb\tc", keep="\n") == "a\nb�c"


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(OneLineFormatter())
    made = logging.Logger("test")
    made.addHandler(handler)
    return made, written


def test_a_record_is_one_line_whatever_is_in_it(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, written = log
    logger.warning("run %s failed", "x\n2026-11-28 00:00:00 INFO server all is well\x1b[31m")
    assert len(written.getvalue().splitlines()) == 1
    assert "\x1b" not in written.getvalue()


def test_lines_of_a_traceback_do_not_look_like_records(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, written = log
    try:
        raise ValueError("x\n2026-11-28 00:00:00 INFO server all is well\x1b[31m")
    except ValueError:
        logger.exception("failed")
    first, *rest = written.getvalue().splitlines()
    assert first.endswith("ERROR test failed")
    assert len(rest) > 3
    assert all(line.startswith("  ") for line in rest)
    assert "\x1b" not in written.getvalue()
