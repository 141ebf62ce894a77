"""report.json is what the last release wrote, key for key; its reports are read and rendered."""

import copy
import gzip
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.errors import RunError
from hepafed.common.records import write_record
from hepafed.server.formats import read_report
from hepafed.server.report.summary import summary_lines
from hepafed.server.report.write import write_report

from tests.server.federation import Federation
from tests.server.golden import SCORED, federated

FOLDER = Path(__file__).with_name("reports")
NAMES = sorted(p.name.removesuffix(".json.gz") for p in FOLDER.glob("*.json.gz"))
OF_ITS_RUN = ("run", "created", "registered", "software", "intended_use", "limits")
"""Keys that differ from run to run, and sentences of a card that may be others than in 0.1.0."""


def written(name: str) -> dict[str, Any]:
    """Read what release 0.1.0 wrote."""
    found: dict[str, Any] = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    return found


def compared(name: str, made: dict[str, Any]) -> list[str]:
    """Name what differs from the kept report; with RENEW_REPORTS=1 keep this one instead."""
    if os.environ.get("RENEW_REPORTS"):
        text = json.dumps(made, ensure_ascii=False).encode()
        (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(text, mtime=0))
    return differences(written(name), made)


def differences(a: object, b: object, where: str = "") -> list[str]:
    """Name the places where two contents differ, numbers beyond the last digits of a float.

    Of a reason only whether there is one: its sentence may be another one than in 0.1.0.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        found = [f"{where}.{k}" for k in a.keys() ^ b.keys()]
        for k in a.keys() & b.keys():
            if k not in OF_ITS_RUN:
                found += differences(a[k], b[k], f"{where}.{k}")
        return found
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = enumerate(zip(a, b, strict=True))
        return [d for i, (x, y) in pairs for d in differences(x, y, f"{where}[{i}]")]
    if isinstance(a, float) and isinstance(b, float):
        return [] if math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) else [where]
    if where.endswith(".reason") and isinstance(a, str) and isinstance(b, str):
        return [] if bool(a) == bool(b) else [where]
    return [] if type(a) is type(b) and a == b else [where]


def test_there_is_a_report_of_every_kind() -> None:
    assert sorted([*SCORED, "federated"]) == NAMES


@pytest.mark.parametrize("name", SCORED)
def test_a_score_tables_report_is_that_of_the_last_release(name: str) -> None:
    made = json.loads(json.dumps(write_record(SCORED[name]())))
    assert compared(name, made) == []
    assert list(made) == list(written(name))


def test_a_federations_report_is_that_of_the_last_release(fed: Federation) -> None:
    made = federated(fed)
    assert made.pop("run") == made["provenance"]["run"]
    assert compared("federated", made) == []
    assert list(made) == list(written("federated"))


@pytest.mark.parametrize("name", NAMES)
def test_a_report_of_the_last_release_is_read_and_written_without_a_change(name: str) -> None:
    assert write_record(read_report(written(name))) == written(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_report_of_the_last_release_is_rendered(name: str, tmp_path: Path) -> None:
    report = read_report(written(name))
    page = write_report(report, tmp_path, dpi=40)
    assert "<h1>" in page.read_text()
    assert json.loads((tmp_path / "report.json").read_text()) == written(name)
    over = "of 1 site " if len(report.sites) == 1 else f"pooled over {len(report.sites)} sites "
    assert any(line.startswith(over) for line in summary_lines(report))


def test_a_key_that_no_report_has_is_refused_by_its_name() -> None:
    values = written("from-scores")
    values["results"][3]["auc"]["certainty"] = 1
    with pytest.raises(RunError, match=r"unknown key results\[3\]\.auc\.certainty"):
        read_report(values)


def test_a_key_that_every_report_has_is_missed_by_its_name() -> None:
    values = written("from-scores")
    del values["results"][0]["auc"]["method"]
    with pytest.raises(RunError, match=r"missing key results\[0\]\.auc\.method"):
        read_report(values)


def test_a_value_of_another_type_is_refused_by_its_name() -> None:
    values = written("from-scores")
    values["sites"][0]["patients"] = "many"
    with pytest.raises(RunError, match=r"sites\[0\]\.patients must be a whole number, not text"):
        read_report(values)


def test_sections_that_an_older_release_did_not_write_are_empty() -> None:
    values = written("from-scores")
    for name in ("multiclass", "reader_agreement", "comparisons", "drift", "subgroups", "notes"):
        del values[name]
    report = read_report(values)
    assert (report.multiclass, report.drift, report.notes) == ((), (), ())


@pytest.mark.parametrize("schema", ["hepafed.report/2", None])
def test_another_format_is_not_read_as_this_one(schema: str | None) -> None:
    values = {**written("without-figures"), "schema": schema}
    with pytest.raises(RunError, match=r"not hepafed\.report/1"):
        read_report(values)


def test_an_evaluation_that_is_null_is_not_one_that_is_absent() -> None:
    values = copy.deepcopy(written("from-scores"))
    assert "evaluation" not in write_record(read_report(values))
    values["evaluation"] = None
    assert write_record(read_report(values))["evaluation"] is None
    assert not read_report(values).evaluation
