"""A real federation over loopback TLS, started once: phantom DICOM, five sites, one training.

All is real but the network: a small one stands in its place, and half of the suite's time is saved.
The real one is trained in test_federated_equals_centralised, in a process, and scores over TLS in
test_last_release; `make demo` does both.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hepafed.deploy.demo import run
from hepafed.deploy.demo.federation import Federation, federation

from tests.stand_in import STAND_IN

PLAN = """
name = "small"
study = "demo"
protocol = "t2-dwi"
seed = 3
[model]
size = 75
[training]
batch = 6
[rounds]
count = 2
quorum = 3
deadline = 600
"""


@dataclass(frozen=True)
class Trained:
    """A federation that has trained a model and validated it, its processes still running."""

    fed: Federation
    report: dict[str, Any]
    """report.json of the validation at the two external sites."""
    page: Path
    """report.html."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("federation")
    run.write_phantom(folder / "dicom", 12, 12)  # every site has every class
    plan = folder / "small.toml"
    plan.write_text(PLAN)
    with federation(folder, {"PYTHONPATH": str(STAND_IN)}) as fed:
        run.open_sites(fed, folder / "dicom", images=False)
        (page,) = run.conduct(fed, [plan], folder)
        report = json.loads((page.parent / "report.json").read_text())
        yield Trained(fed, report, page)
