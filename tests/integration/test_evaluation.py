"""An evaluator with nothing but an access file: promise, validate, read the report."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hepafed.deploy.demo.run import EXTERNAL_SITES

from .conftest import Trained

TOML = """
title = "Two external hospitals"
model = "{model}"
cohorts = {cohorts}
wait = "90s"
prevalence = 0.2

[[endpoints]]
primary = true
at_least = 0.5

[[endpoints]]
figure = "sensitivity"
"""


def _server(elsewhere: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `server` as on a machine that has no home of a coordinator."""
    return subprocess.run(
        [Path(sys.executable).with_name("server"), "--home", elsewhere / "nothing", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def elsewhere(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds an evaluator's access file and evaluation.toml."""
    folder = tmp_path_factory.mktemp("elsewhere")
    trained.fed.command("server", "grant", "eva", "--role", "evaluator", "-o", str(folder))
    text = TOML.format(
        model=trained.report["model"]["sha256"], cohorts=json.dumps(list(EXTERNAL_SITES))
    )
    (folder / "evaluation.toml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def report(trained: Trained, elsewhere: Path) -> dict[str, Any]:
    done = _server(
        elsewhere,
        "validate",
        trained.report["model"]["id"],
        "--evaluation",
        elsewhere / "evaluation.toml",
        "--watch",
        "--access",
        elsewhere / "eva.access",
        "-o",
        elsewhere / "report",
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads((elsewhere / "report/report.json").read_text()))


def test_the_report_holds_the_promise_its_digest_and_a_time_before_the_scores(
    report: dict[str, Any], elsewhere: Path
) -> None:
    promised = report["evaluation"]
    raw = (elsewhere / "evaluation.toml").read_bytes()
    assert promised["sha256"] == hashlib.sha256(raw).hexdigest()
    assert promised["registered"] < report["provenance"]["created"]
    assert promised["promised"]["cohorts"] == list(EXTERNAL_SITES)
    assert [e["primary"] for e in promised["endpoints"]] == [True, False]
    assert "Two external hospitals" in (elsewhere / "report/report.html").read_text()


def test_the_second_look_at_the_same_patients_with_the_same_model_is_counted(
    trained: Trained, report: dict[str, Any]
) -> None:
    first = trained.report["look"]
    assert first["number"] == 1
    assert report["look"]["number"] >= 2
    assert report["look"]["earlier"][0]["run"] == trained.report["provenance"]["run"]


def test_predictive_values_are_stated_at_the_promised_prevalence(report: dict[str, Any]) -> None:
    pooled = report["results"][0]
    assert [p["prevalence"] for p in pooled["at_prevalence"]] == [0.2]


def test_an_evaluation_of_another_model_is_refused_with_a_hint(
    trained: Trained, elsewhere: Path
) -> None:
    bad = elsewhere / "other.toml"
    bad.write_text(TOML.format(model="0" * 64, cohorts=json.dumps(list(EXTERNAL_SITES))))
    done = _server(
        elsewhere,
        "validate",
        trained.report["model"]["id"],
        "--evaluation",
        bad,
        "--access",
        elsewhere / "eva.access",
    )
    assert done.returncode == 1
    assert "error: the evaluation is for another model" in done.stderr
    assert "hint:" in done.stderr


def test_an_evaluator_cannot_start_a_training(trained: Trained, elsewhere: Path) -> None:
    plan = elsewhere / "plan.toml"
    plan.write_text('name = "mine"\nprotocol = "t2"\n')
    done = _server(elsewhere, "train", plan, "--access", elsewhere / "eva.access")
    assert done.returncode == 1
    assert "(role evaluator) does not allow train" in done.stderr
