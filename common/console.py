"""The one place that prints: lines, tables, errors with hints, progress."""

import errno
import functools
import json
import sqlite3
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
from hepafed.common.errors import HepaFedError
from hepafed.common.printable import printable
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

PASS, FAIL, NOTE = "pass", "fail", "note"
WIDTH, INDENT = 80, " " * 4
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class CheckLine:
    """One thing that `client check` or `server check` looked at."""

    name: str
    state: str
    """`pass`, `fail`, or `note`: worth knowing, hinders nothing."""
    found: str
    """What the check found, in words for a person."""
    hint: str = ""
    """What the person should do next."""


out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str = "") -> None:
    """Print one line for a person; or several, as `line` says."""
    out.print(printable(line, keep="\n"), markup=False)


def say_block(head: str, *facts: str) -> None:
    """Print a line, and below it facts, indented, in lines of at most 80 columns; none for ""."""
    say(head)
    for fact in facts:
        for line in textwrap.wrap(
            printable(fact),
            WIDTH,
            initial_indent=INDENT,
            subsequent_indent=INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            say(line)


def say_json(text: str) -> None:
    """Print machine-readable text, untouched."""
    sys.stdout.write(text + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a table."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(printable(cell)) for cell in row))
    out.print(made)


def progress() -> Progress:
    """Return a progress display with description, bar, count and time."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
    )


class _RateColumn(ProgressColumn):
    """The column that shows how many are done a second."""

    def render(self, task: Task) -> Text:
        """Return the rate as text; nothing before there is one."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


@contextmanager
def stages() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show stages of work one under the other: count, rate, time left.

    The function that it yields is told the stage, how many are done, and of how many (None where
    that is not known).
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
    ) as display:
        bars: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in bars:
                bars[stage] = display.add_task(stage, total=None)
            display.update(bars[stage], completed=done, total=total)

        yield show


def say_checked(lines: Sequence[CheckLine], following: str, *, as_json: bool) -> bool:
    """Print the lines of a check, for a person or as JSON; return whether none fails.

    `following`: the command that comes next where none fails.
    """
    failed = [line for line in lines if line.state == FAIL]
    if as_json:
        found = {"passed": not failed, "lines": [asdict(line) for line in lines]}
        say_json(json.dumps({"schema": "hepafed.check/1", **found}))
        return not failed
    for line in lines:
        say(f"{line.state:4}  {line.name:11}  {line.found}")
        if line.hint:
            say(f"      {'':11}  hint: {line.hint}")
    say(f"{len(failed)} of {len(lines)} fail" if failed else f"next: {following}")
    return not failed


def complain(message: str, hint: str = "") -> None:
    """Print an error and what to do next."""
    said = printable(f"error: {message}", keep="\n")
    err.print(said, style="red" if err.is_terminal else None, markup=False)
    if hint:
        err.print(printable(f"hint: {hint}", keep="\n"), markup=False)


def complain_of_room(words: str) -> None:
    """Say that work waits for room on a disk (common/room); that it goes on is seen."""
    if words:
        complain(words)


_HINTS = {
    errno.ENOSPC: "free some space, then run the same command again",
    errno.EDQUOT: "free some space, then run the same command again",
    errno.EACCES: "check its owner and its permissions",
    errno.EPERM: "check its owner and its permissions",
    errno.EROFS: "that disk is read-only; name another folder",
    errno.ENOENT: "check the path, and that its folder exists",
    errno.ENOTDIR: "check the path: a part of it is a file",
    errno.EISDIR: "name a file, not a folder",
}
_USUAL_HINT = "run the same command again; with --debug before the subcommand it shows the cause"


def _shown(error: OSError, context: click.Context) -> str:
    """Return the error's path where the person named it or it lies in --home, else "".

    In any other folder that they named, a file's name may be a patient's.
    """
    if not isinstance(error.filename, str):
        return ""
    failed = Path(error.filename).absolute()
    named: list[Path] = []
    at: click.Context | None = context
    while at is not None:
        named += [v.absolute() for v in at.params.values() if isinstance(v, Path)]
        at = at.parent
    home = (context.find_root().obj or {}).get("home")
    inside = home is not None and failed.is_relative_to(Path(home).absolute())
    known = any(p == failed or p.is_relative_to(failed) for p in named)
    return f"{failed}: " if inside or known else ""


def _show_traceback() -> None:
    if (click.get_current_context().find_root().obj or {}).get("debug"):
        err.print(traceback.format_exc(), markup=False)


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn HepaFed's errors into `error:` + `hint:` and an exit code, without a traceback.

    Do the same for what the disk refuses: a full disk, a path that cannot be written.
    With `--debug` before the subcommand the traceback is shown, never with locals.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except HepaFedError as e:
            _show_traceback()
            complain(e.message, e.hint)
            raise SystemExit(e.exit_code) from None
        except ModuleNotFoundError as e:
            if (e.name or "").startswith("hepafed"):
                raise
            _show_traceback()
            complain(
                f"this command needs the package {e.name}, which is not installed here",
                "an evaluator's install is small; for everything: pip install 'hepafed[all]'",
            )
            raise SystemExit(1) from None
        except BrokenPipeError:  # `… | head`: click ends quietly
            raise
        except OSError as e:
            _show_traceback()
            where = _shown(e, click.get_current_context())
            complain(
                f"{where}{e.strerror or type(e).__name__}", _HINTS.get(e.errno or 0, _USUAL_HINT)
            )
            raise SystemExit(1) from None
        except sqlite3.OperationalError as e:
            _show_traceback()
            complain(f"an index in the home folder: {e}", "Is its disk full or read-only?")
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            complain("stopped", "run the same command again to go on")
            raise SystemExit(1) from None

    return run
