"""`client ingest` as a person types it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--dicom", "a"),
        ("--lld-mmri", "a", "--labels", "l.csv"),
        ("--dicom", "a", "--images", "b", "--labels", "l.csv"),
        ("--lld-mmri", "nothing-here"),
    ],
)
def test_an_ingest_of_unclear_sources_is_a_usage_error(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), "ingest", *words])
    assert done.exit_code == 2
    assert not (tmp_path / "home").exists()
