"""Reports for the tests of the page: from a score table, and as a federation's looks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.formats import read_report
from hepafed.server.models.cards import INTENDED_USE, LIMITS
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.page import render
from hepafed.server.report.write import write_report
from playwright.sync_api import Browser, Page, sync_playwright

from .browsing import CHROMIUM


def scores(seed: int = 3, patients: int = 240, sites: int = 3) -> ScoreTable:
    """Scores of patients with one to three lesions, classes told apart, and two readers."""
    rng = np.random.default_rng(seed)
    lesions = rng.integers(1, 4, patients)
    patient = np.repeat(np.arange(patients), lesions)
    truth = rng.integers(0, 3, len(patient))
    raw = rng.normal(size=(len(patient), 3)) + 1.8 * np.eye(3)[truth]
    malignant = np.zeros(patients, np.int8)
    np.maximum.at(malignant, patient, (truth > 0).astype(np.int8))
    readers = {}
    for name, skill in (("reader_a", 0.9), ("reader_b", 0.8)):
        right = rng.random(patients) < skill
        readers[name] = np.where(right, malignant, 1 - malignant)[patient].astype(np.int8)
    return ScoreTable(
        site=np.array([f"site-{p % sites + 1}" for p in patient]),
        patient=np.array([f"p{p}" for p in patient]),
        lesion=np.array([f"l{i}" for i in range(len(patient))]),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers=readers,
    )


@pytest.fixture(scope="session")
def table() -> Callable[..., ScoreTable]:
    return scores


@pytest.fixture(scope="session")
def plain() -> dict[str, Any]:
    return write_record(report_from_scores(scores(), 0.5))


EVALUATION = {
    "sha256": "12" * 32,
    "registered": "2026-03-01T09:30:00.123456+00:00",
    "promised": {
        "title": "External validation of t2-dwi", "model": "ab" * 32,
        "cohorts": ["site-1", "site-2", "site-3", "site-4"],
        "endpoints": [{"primary": True, "at_least": 0.85}],
    },
    "absent": ["site-4"],
    "endpoints": [
        {
            "figure": "auc", "unit": "patient", "task": "malignant_vs_benign", "primary": True,
            "at_least": 0.85, "against": "", "margin": None, "value": 0.9, "low": 0.87,
            "high": 0.93, "bound": 1e-5, "verdict": "met", "why": "the whole interval is above",
        }
    ],
}  # fmt: skip
CARD = {
    "id": "t2-dwi-1a2b3c4d",
    "sha256": "ab" * 32,
    "protocol": "t2-dwi",
    "operating_point": {
        "threshold": 0.5, "rule": "largest Youden index on the pooled tuning cells",
        "chosen_on": "tuning data of 3 sites",
    },
    "plan": {
        "name": "t2-dwi", "protocol": "t2-dwi", "seed": 7, "model": {"size": 299},
        "rounds": {"count": 30},
    },
    "training_examples": {"hospital-a": 410, "hospital-b": 260, "hospital-c": 190},
    "tuning_auc": 0.91,
    "parameters": 54310787,
    "round": 21,
    "run": "t2-dwi-aa11bb",
    "strategy": "fedavg",
    "created": "2026-02-20T10:00:00+00:00",
    "parent": "",
    "intended_use": list(INTENDED_USE), "limits": list(LIMITS), "tuning_scores": None,
}  # fmt: skip


@pytest.fixture(scope="session")
def federated(plain: dict[str, Any]) -> dict[str, Any]:
    """The same figures with what a federation's report holds beside them."""
    model = {k: CARD[k] for k in ("id", "protocol", "sha256", "operating_point")} | {"card": CARD}
    earlier = {
        "run": "validate-0a0b0c",
        "created": "2026-02-22T08:00:00Z",
        "sites": ["site-1"],
        "evaluation": "",
    }
    provenance = {
        "run": "validate-1a2b3c",
        "split": "external",
        "created": "2026-03-02T10:00:00+00:00",
        "missing_sites": {"site-4": "offline"},
        "software": {"hepafed": "0.1.0"},
    }
    values = plain | {
        "model": model,
        "look": {"number": 2, "earlier": [earlier]},
        "evaluation": EVALUATION,
        "provenance": provenance,
    }
    return write_record(read_report(values))


@pytest.fixture(scope="session")
def written(federated: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the federation's report, written once; tests only read it."""
    return write_report(read_report(federated), tmp_path_factory.mktemp("report"), dpi=40).parent


@pytest.fixture(scope="session")
def page_text(federated: dict[str, Any]) -> str:
    """The page of the federation's report."""
    return render(read_report(federated))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="session")
def file(page_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page_text, encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1000, "height": 1200})
    yield made
    made.close()
