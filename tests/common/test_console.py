"""What the disk refuses ends like every other error, and names no path that nobody typed."""

import importlib
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hepafed.common.console import command, complain, say, table
from hepafed.server.cli.main import main as server

SERVER = Path(sys.executable).with_name("server")


@click.group()
@click.option("--home", type=click.Path(path_type=Path))
@click.pass_context
def program(ctx: click.Context, home: Path | None) -> None:
    """Stand in for a command that reads a folder of exports."""
    ctx.obj = {"home": home}


@program.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("inner", type=str)
@command
def read(folder: Path, inner: str) -> None:
    """Read a file below a named folder."""
    if inner == "index":
        sqlite3.connect(folder / "index.db").execute("select 1")
    (folder / inner).read_bytes()


def _complaint(*words: str | Path) -> str:
    done = CliRunner().invoke(program, [str(w) for w in words])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    return error


def test_a_home_that_cannot_be_made_is_said() -> None:
    words = ["--home", "/proc/x", "init", "--address", "localhost:8443"]
    done = CliRunner().invoke(server, words)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.startswith("error: /proc/x: No such file")
    assert "\nhint: " in done.stderr


def test_a_disk_that_takes_no_more_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [SERVER, "--home", tmp_path / "h", "init", "--address", "localhost:8443"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "error: File too large" in done.stderr
    assert "hint: " in done.stderr


def test_a_path_below_a_named_folder_is_not_shown(tmp_path: Path) -> None:
    assert _complaint("read", tmp_path, "DOE^JANE") == "error: No such file or directory"


def test_a_path_that_was_named_or_lies_in_the_home_is_shown(tmp_path: Path) -> None:
    assert str(tmp_path) in _complaint("read", tmp_path, ".")
    assert "inner/x" in _complaint("--home", tmp_path, "read", tmp_path, "inner/x")


def test_an_index_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    assert "index" in _complaint("read", tmp_path / "none", "index")


@program.command()
@click.argument("name")
@command
def needing(name: str) -> None:
    """Import a module."""
    importlib.import_module(name)


def test_a_package_that_is_not_installed_is_named_with_what_to_install() -> None:
    done = CliRunner().invoke(program, ["needing", "no_such_package"])
    assert done.exit_code == 1
    assert "error: this command needs the package no_such_package" in done.stderr
    assert "pip install 'hepafed[all]'" in done.stderr


def test_a_module_of_ours_that_is_missing_is_no_matter_of_installing() -> None:
    done = CliRunner().invoke(program, ["needing", "hepafed.common.nothing"])
    assert isinstance(done.exception, ModuleNotFoundError)


def test_a_closed_pipe_is_left_to_click() -> None:
    @click.command()
    @command
    def head() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        CliRunner().invoke(head, standalone_mode=False, catch_exceptions=False)


def test_nothing_of_the_other_side_reaches_the_terminal_as_a_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The wire refuses such text as well; here it is as if it had not."""
    hostile = "\x1b[2J\x1b]0;title\x07\u202e[red]loud[/red]"
    say(f"{hostile}\nnext: line")
    table(("site",), [(hostile,)])
    complain(hostile, hostile)
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert all(c.isprintable() or c == "\n" for c in text)
        assert "[red]loud[/red]" in text
    assert "\nnext: line\n" in shown.out
