"""Scores leave over one set of lesions in sums, and over sets that differ in enough patients."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.release.lesion_history import MOST_SETS, LesionHistory
from hepafed.common.errors import ConfigError, RefusedError
from hepafed.common.json_file import sealed, unsealed
from hepafed.common.statistics.scores import ScoreTable

WEIGHTS = "a" * 64


def table(*patients: int, lesions: int = 2) -> ScoreTable:
    rows = [(f"p{p}", f"l{p}-{i}") for p in patients for i in range(lesions)]
    return ScoreTable(
        site=np.full(len(rows), "s"),
        patient=np.array([p for p, _ in rows]),
        lesion=np.array([n for _, n in rows]),
        truth=np.zeros(len(rows), np.int64),
        log_probs=np.full((len(rows), 3), -1.1),
        readers={},
    )


def hold(home: Path, scores: ScoreTable, *, summed: bool, minimum: int = 3) -> None:
    LesionHistory(home).hold({WEIGHTS: scores}, "external", minimum, summed=summed)


@pytest.mark.parametrize("summed", [True, False])
def test_the_same_lesions_leave_as_often_as_asked(tmp_path: Path, summed: bool) -> None:
    for _ in range(3):
        hold(tmp_path, table(1, 2, 3), summed=summed)
    hold(tmp_path, table(3, 1, 2), summed=summed)


def test_other_lesions_never_enter_a_second_masked_sum(tmp_path: Path) -> None:
    hold(tmp_path, table(*range(10)), summed=True)
    with pytest.raises(RefusedError, match="in a masked sum over other lesions"):
        hold(tmp_path, table(*range(20)), summed=True)
    hold(tmp_path, table(*range(10)), summed=True)


@pytest.mark.parametrize("more", [1, 2])
def test_figures_over_lesions_of_all_but_a_few_of_the_patients_are_refused(
    tmp_path: Path, more: int
) -> None:
    hold(tmp_path, table(*range(10)), summed=True)
    with pytest.raises(RefusedError, match="would reveal those patients"):
        hold(tmp_path, table(*range(10 + more)), summed=False)
    with pytest.raises(RefusedError, match="would reveal those patients"):
        hold(tmp_path, table(*range(more, 10)), summed=False)


def test_a_lesion_less_of_a_patient_counts_as_that_patient(tmp_path: Path) -> None:
    hold(tmp_path, table(1, 2, 3, 4), summed=False)
    with pytest.raises(RefusedError, match="would reveal those patients"):
        hold(tmp_path, table(1, 2, 3, 4, lesions=1), summed=False, minimum=5)


def test_sets_are_few(tmp_path: Path) -> None:
    for i in range(MOST_SETS):
        hold(tmp_path, table(*range(3 * i, 20)), summed=False)
    with pytest.raises(RefusedError, match=f"over {MOST_SETS} sets"):
        hold(tmp_path, table(*range(3 * MOST_SETS, 20)), summed=False)


def test_three_sets_that_leave_one_patient_are_refused(tmp_path: Path) -> None:
    # half have one sequence, half the other, one patient neither: whole − half − half
    hold(tmp_path, table(*range(13)), summed=False)
    hold(tmp_path, table(*range(6)), summed=False)
    with pytest.raises(RefusedError, match="would reveal those patients"):
        hold(tmp_path, table(*range(6, 12)), summed=False)


def test_of_several_scores_all_are_written_down_or_none(tmp_path: Path) -> None:
    hold(tmp_path, table(*range(10)), summed=False)
    both = {"b" * 64: table(*range(9)), WEIGHTS: table(*range(9))}
    before = (tmp_path / "released.json").read_bytes()
    with pytest.raises(RefusedError):
        LesionHistory(tmp_path).hold(both, "external", 3, summed=False)
    assert (tmp_path / "released.json").read_bytes() == before


def test_other_scores_and_forgetting_start_anew(tmp_path: Path) -> None:
    hold(tmp_path, table(1, 2, 3), summed=True)
    LesionHistory(tmp_path).hold({"b" * 64: table(1, 2)}, "external", 3, summed=True)
    LesionHistory(tmp_path).forget()
    hold(tmp_path, table(1, 2), summed=True)


def test_a_refused_release_leaves_the_memory_as_it_was(tmp_path: Path) -> None:
    hold(tmp_path, table(1, 2, 3), summed=True)
    before = (tmp_path / "released.json").read_bytes()
    with pytest.raises(RefusedError):
        hold(tmp_path, table(1, 2), summed=False)
    assert (tmp_path / "released.json").read_bytes() == before
    assert (tmp_path / "released.json").stat().st_mode & 0o077 == 0


def test_a_damaged_memory_refuses_instead_of_forgetting(tmp_path: Path) -> None:
    (tmp_path / "released.json").write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        hold(tmp_path, table(1), summed=False)


def test_no_pseudonym_stands_in_the_memory_in_full(tmp_path: Path) -> None:
    hold(tmp_path, table(123456789), summed=False)
    assert "123456789" not in (tmp_path / "released.json").read_text()


def test_figures_alone_do_not_choose_the_lesions_of_a_masked_sum(tmp_path: Path) -> None:
    hold(tmp_path, table(*range(10)), summed=False)
    hold(tmp_path, table(*range(20)), summed=True)
    with pytest.raises(RefusedError, match="in a masked sum over other lesions"):
        hold(tmp_path, table(*range(10)), summed=True)


def test_a_lesion_that_was_labelled_anew_is_another_lesion_of_its_patient(tmp_path: Path) -> None:
    """The same model over the cohort before and after would show that patient's score."""
    before = table(*range(10))
    content = np.full(20, "first")
    hold(tmp_path, replace(before, content=content), summed=True)
    content = content.copy()
    content[4:6] = "other"  # both lesions of one patient
    for summed, why in ((True, "over other lesions"), (False, "would reveal those patients")):
        with pytest.raises(RefusedError, match=why):
            hold(tmp_path, replace(before, content=content), summed=summed)
    content[6:10] = "other"
    hold(tmp_path, replace(before, content=content), summed=False)  # three patients hide each other


def test_lesions_that_0_1_0_wrote_down_are_the_same_under_their_names_of_now(
    tmp_path: Path,
) -> None:
    path = tmp_path / "released.json"
    now = replace(table(*range(10)), content=np.full(20, "first"))
    hold(tmp_path, now, summed=True)
    held = unsealed(path.read_bytes())
    old = dict(held)
    for name in ("summed", "sets"):
        old[name] = json.loads(re.sub(r"(\w{10}\.\w{10})\.\w{10}", r"\1", json.dumps(held[name])))
    assert old != held
    path.write_text(sealed(old))
    hold(tmp_path, now, summed=True)
    assert unsealed(path.read_bytes()) == held
    path.write_text(sealed(old))
    with pytest.raises(RefusedError, match="over other lesions"):
        hold(tmp_path, table(*range(11)), summed=True)
