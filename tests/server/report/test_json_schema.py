"""schema.json is made from the report's types, and says what every key means."""

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.field_docs import field_docs
from hepafed.server.formats import ModelCard, Report
from hepafed.server.report.json_schema import records_of, report_schema
from hepafed.server.report.write import SCHEMA, check_report

REPORTS = sorted((Path(__file__).parents[1] / "formats/reports").glob("*.json.gz"))


def test_the_file_is_that_of_the_types() -> None:
    assert SCHEMA.read_text("utf-8") == report_schema(), "run make docs"


@pytest.mark.parametrize("path", REPORTS, ids=lambda p: p.name)
def test_reports_of_the_last_release_fit(path: Path) -> None:
    check_report(json.loads(gzip.decompress(path.read_bytes())))


@pytest.mark.parametrize(
    "cls", [c for c in records_of(Report) if "server.formats" in c.__module__], ids=str
)
def test_every_key_has_a_meaning(cls: type) -> None:
    docs = field_docs(cls)
    assert cls.__doc__
    for field in dataclasses.fields(cls):
        assert docs[field.name], field.name


def test_the_card_within_a_report_is_part_of_the_schema() -> None:
    schema: dict[str, Any] = json.loads(report_schema())
    assert set(schema["$defs"]["ModelCard"]["properties"]) == set(field_docs(ModelCard))


def test_a_key_that_is_left_out_instead_of_null_is_never_null() -> None:
    row = json.loads(report_schema())["$defs"]["ResultRow"]
    assert row["properties"]["sensitivity"]["$ref"] == "#/$defs/RateEstimate"
    assert "sensitivity" not in row["required"]
    assert row["properties"]["positives"]["type"] == ["integer", "null"]
    assert "positives" in row["required"]
