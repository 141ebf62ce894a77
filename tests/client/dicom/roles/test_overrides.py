"""The site's own table: stronger than every rule, and strict about what it may say."""

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main
from hepafed.client.dicom.roles.explanation import explain
from hepafed.client.dicom.roles.overrides import FILE_NAME, read_overrides
from hepafed.client.dicom.roles.series import volumes_of
from hepafed.common.errors import ConfigError

from tests.client.dicom.builder import T1, axial, classic, headers, save


def write(home: Path, text: str) -> Path:
    (home / FILE_NAME).write_text(text)
    return home


def test_a_home_without_the_file_has_no_overrides(tmp_path: Path) -> None:
    assert read_overrides(tmp_path).rules == ()


def test_an_override_wins_over_attributes_and_phases(tmp_path: Path) -> None:
    stack = dataclasses.replace(axial(), attributes=T1 | {"SeriesDescription": "VIBE_dyn-2 pre"})
    save(tmp_path / "in", classic(stack))
    home = write(
        tmp_path,
        '[[series]]\nsequence = "portal"\n[series.match]\n'
        'description = "vibe_dyn-2*"\necho_time = [1, 2]\nscanning = "gr"\nvolumetric = true\n',
    )
    (volume,) = volumes_of(headers(tmp_path / "in"), read_overrides(home)).volumes
    assert (volume.sequence, volume.rule) == ("portal", "site-1")


def test_an_override_can_set_a_series_aside(tmp_path: Path) -> None:
    save(tmp_path / "in", classic(axial()))
    home = write(
        tmp_path, '[[series]]\nsequence = "set-aside"\n[series.match]\nrepetition_time = 4000\n'
    )
    grouped = volumes_of(headers(tmp_path / "in"), read_overrides(home))
    assert not grouped.volumes
    assert {o.reason for o in grouped.outcomes.values()} == {"the site's own sequences.toml"}


def test_an_override_that_does_not_match_leaves_the_rules_alone(tmp_path: Path) -> None:
    save(tmp_path / "in", classic(axial()))
    home = write(tmp_path, '[[series]]\nsequence = "adc"\n[series.match]\ntemporal = 3\n')
    (volume,) = volumes_of(headers(tmp_path / "in"), read_overrides(home)).volumes
    assert volume.sequence == "t2"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('[[serie]]\nsequence = "t2"', "[[series]]"),
        ("series = 3", "[[series]]"),
        ('[[series]]\nsequence = "t3"\nmatch.temporal = 1', "series 1: sequence"),
        ('[[series]]\nsequence = "t2"', "series 1: match"),
        ('[[series]]\nsequence = "t2"\nmatch.colour = "red"', "'colour'"),
        ('[[series]]\nsequence = "t2"\nmatch.temporal = "one"', "temporal has a value"),
        ('[[series]]\nsequence = "t2"\nmatch.echo_time = [1, 2, 3]', "echo_time has a value"),
        ('[[series]]\nsequence = "t2"\nwhen.temporal = 1', "series 1"),
        ("[[series", "not valid TOML"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_overrides(write(tmp_path, text))
    assert names in caught.value.message
    assert caught.value.hint


def test_explain_says_which_rule_decided_and_what_the_others_lacked(tmp_path: Path) -> None:
    stack = axial().with_attributes(SeriesDescription="t2 CANARY", ProtocolName="CANARY")
    save(tmp_path, classic(stack))
    found = headers(tmp_path)
    lines = explain(found, found[0].series)
    assert lines[0] == "a volume of 4 slices:"
    assert "  b-value: no (b value ≥ 1)" in lines
    assert lines[-2].startswith("  t2: applies, t2:")
    assert "canary" not in "\n".join(lines).lower()


def test_inspect_reads_the_homes_table(tmp_path: Path) -> None:
    save(tmp_path / "in", classic(axial()))
    home = tmp_path / "site"
    home.mkdir()
    write(home, '[[series]]\nsequence = "delayed"\n[series.match]\necho_time = [80, 100]\n')
    words = ["--home", str(home), "inspect", str(tmp_path / "in"), "--json"]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert [v["sequence"] for v in json.loads(done.stdout)["volumes"]] == ["delayed"]
