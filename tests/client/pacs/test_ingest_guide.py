"""The site guide's chapter on the PACS: its examples work, its output is the command's own."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main
from hepafed.client.pacs.config import PacsConfig, read_config

from .conftest import PATIENTS, Filled
from .orthanc import write_labels

ROOT = Path(__file__).parents[3]


def chapter() -> str:
    text = (ROOT / "docs/site-guide.md").read_text(encoding="utf-8")
    return re.split(r"(?m)^## ", text.partition("## From PACS to cohort")[2])[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", chapter(), flags=re.DOTALL)


def without_rate(text: str) -> str:
    """Leave out the one figure that every run has its own of."""
    return re.sub(r"\d+\.\d MB/s", "_ MB/s", text)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_example_of_the_chapter_is_a_pacs_toml(tmp_path: Path, number: int) -> None:
    for name in ("pacs.key", "pacs.secret"):
        (tmp_path / name).touch(0o600)
    (tmp_path / "pacs.toml").write_text(blocks("toml")[number])
    config = read_config(tmp_path / "pacs.toml")
    expected = [("dicomweb", "get"), ("dimse", "get"), ("dimse", "move")]
    assert (config.protocol, config.retrieve) == expected[number]


def test_the_output_in_the_chapter_is_what_the_command_prints(
    tmp_path: Path, pacs: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_labels(Path("labels.csv"), PATIENTS[:3])
    address = f'url = "http://127.0.0.1:{pacs.orthanc.http}/dicom-web"'
    example = re.sub(r"(?m)^url = .*$", address, blocks("toml")[0])
    Path("pacs.toml").write_text(re.sub(r"(?m)^(ca|auth|secret_file) = .*\n", "", example))
    shown = blocks("console")[0]
    command, _, output = shown.partition("\n")
    words = command.removeprefix("$ client ").split()
    done = CliRunner().invoke(main, ["--home", "home", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    assert without_rate(output).rstrip() == without_rate(done.stdout).rstrip()


def test_every_key_of_pacs_toml_has_a_meaning() -> None:
    for key in PacsConfig.__dataclass_fields__:
        assert re.search(rf"(?m)^\| `{key}` \|.*\| \S.* \|$", chapter()), key
