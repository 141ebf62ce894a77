"""What surveys said of the sites' training splits, the newest last."""

from pathlib import Path

from hepafed.common.contract.plan import Plan
from hepafed.common.files import write_whole
from hepafed.common.json_file import sealed
from hepafed.server.runs.store import Runs
from hepafed.server.runs.surveys import SURVEY_FILE, train_patients

PLAN = Plan(name="cohort", protocol="t2")


def survey(runs: Runs, kind: str = "cohort", **train: int | None) -> Path:
    sites = {s: {"by_split": {"train": n, "tune": 7}} for s, n in train.items()}
    path = runs.folder(runs.create(kind, PLAN).id) / SURVEY_FILE
    write_whole(path, sealed({"sites": sites, "missing": {}}))
    return path


def test_the_newest_answer_of_each_site_counts(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    survey(runs, a=5, b=6)
    survey(runs, b=9, c=0)
    survey(runs, kind="validate", a=99)
    assert train_patients(runs) == {"a": 5, "b": 9, "c": 0}


def test_a_number_that_is_kept_back_is_not_known_and_an_older_one_stays(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    survey(runs, a=5, b=None)
    survey(runs, a=None)
    assert train_patients(runs) == {"a": 5}


def test_a_damaged_or_unfinished_survey_costs_its_own_answers_alone(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    survey(runs, a=5)
    damaged = survey(runs, a=6)
    damaged.write_bytes(damaged.read_bytes().replace(b"6", b"8"))
    survey(runs, b=3).write_bytes(b"[]")
    survey(runs, c=4).unlink()
    assert train_patients(runs) == {"a": 5}
