"""The one place that prints: lines, tables, errors with hints, progress."""

import functools
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import click
from hepafed.common.errors import HepaFedError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

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
