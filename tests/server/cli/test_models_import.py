"""`server import-weights` needs a file, and writes over none."""

from pathlib import Path

from click.testing import CliRunner
from hepafed.server.cli.main import main


def test_a_torch_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["import-weights", str(tmp_path / "a.pth"), "-o", "b"])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0].startswith("error: there is no file ")


def test_an_import_writes_over_nothing(tmp_path: Path) -> None:
    for name in ("a.pth", "b"):
        (tmp_path / name).write_bytes(b"PK\x03\x04")
    words = ["import-weights", str(tmp_path / "a.pth"), "-o", str(tmp_path / "b")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "exists already" in done.stderr
