"""The one place that prints: lines, tables, errors with hints, progress."""

import functools
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import click
from hepafed.common.errors import HepaFedError
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

P = ParamSpec("P")
R = TypeVar("R")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str = "") -> None:
    """Print one line for a person."""
    out.print(line, markup=False)


def say_json(text: str) -> None:
    """Print machine-readable text, untouched."""
    sys.stdout.write(text + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a table."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    out.print(made)


def progress() -> Progress:
    """Make a progress display: description, bar, count, time."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
    )


class _RateColumn(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """Show the rate once there is one."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


@contextmanager
def stages() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show stages of work one under the other: count, rate, time left.

    Gives a function that is told the stage, how many are done, and of how many (None: unknown).
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


def complain(message: str, hint: str = "") -> None:
    """Print an error and what to do next."""
    err.print(f"error: {message}", style="red" if err.is_terminal else None, markup=False)
    if hint:
        err.print(f"hint: {hint}", markup=False)


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn HepaFed's errors into `error:` + `hint:` and an exit code, without a traceback.

    With `--debug` before the subcommand the traceback is shown, never with locals.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except HepaFedError as e:
            if (click.get_current_context().find_root().obj or {}).get("debug"):
                err.print(traceback.format_exc(), markup=False)
            complain(e.message, e.hint)
            raise SystemExit(e.exit_code) from None
        except KeyboardInterrupt:
            complain("stopped", "run the same command again to go on")
            raise SystemExit(1) from None

    return run
