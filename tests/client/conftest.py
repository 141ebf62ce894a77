"""Exports of phantom patients, written once, and the examinations and stores of all rooms."""

import shutil
from pathlib import Path

import pytest
from flwr.supercore.task_identity import TaskIdentity
from hepafed.deploy.demo.hospitals import STYLES
from hepafed.deploy.demo.phantom import write_site

from .examinations import examination, write_rtstruct, write_seg, write_table
from .release.releasing import Site
from .small_network import crops, small
from .stores import cohort

__all__ = ["cohort", "crops", "examination", "small", "write_rtstruct", "write_seg", "write_table"]


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two patients of one hospital and their labels.csv; do not change it."""
    folder = tmp_path_factory.mktemp("phantom")
    write_site(folder, STYLES["hospital-b"], 2, 7, lambda _done, _all: None)
    return folder


@pytest.fixture
def export(phantom: Path, tmp_path: Path) -> Path:
    """A copy of the phantom that a test may change."""
    return Path(shutil.copytree(phantom, tmp_path / "export"))


@pytest.fixture
def pair(tmp_path: Path) -> list[Site]:
    """Two sites that release masked and have scored."""
    sites = [Site(tmp_path, "a"), Site(tmp_path, "b")]
    for s in sites:
        s.score()
    return sites


@pytest.fixture
def in_flower(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages be made as in a task of Flower's."""
    for name in ("_task_id", "_run_id", "_node_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)
