"""A table broken at random is refused or noted by its row, or has exactly the figures it had."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import ScoreTable, read_scores
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.common.statistics.score_files.broken import BREAKS, Break, Table, cut_off, good_table
from tests.common.statistics.score_files.tables import GOOD, read, refused

many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def cases(table: ScoreTable) -> list[tuple[object, ...]]:
    """Give all that figures are made of, a case each: in no order, names in small letters."""
    columns = {n.casefold(): v for n, v in (table.readers | table.groups).items()}
    found = zip(
        *(map(str.casefold, v.tolist()) for v in (table.site, table.patient)),
        *(table.truth.tolist(), map(tuple, table.log_probs.tolist())),
        *(columns[n].tolist() for n in sorted(columns)),
        strict=True,
    )
    return sorted((tuple(str(v).casefold() for v in case) for case in found), key=str)


def as_read(folder: Path, content: bytes) -> ScoreTable | str:
    """Give the table, or the message that refuses it."""
    (folder / "t.csv").write_bytes(content)
    try:
        return read_scores(folder / "t.csv")
    except DataError as e:
        return e.message.removeprefix(f"{folder / 't.csv'}:")


def names(text: str, row: int) -> bool:
    """Return whether a message or a note names a row."""
    listed = re.findall(r"\(rows? ([^)]*)\)|row (\d+)", text)
    found = {int(n) for both in listed for n in re.findall(r"\d+", " ".join(both))}
    return row in found


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda b: b.__name__)
@many
@given(seed=st.integers(0, 2**31), two_classes=st.booleans())
def test_a_table_broken_in_one_way_says_so_or_has_the_same_figures(
    tmp_path: Path, break_it: Break, seed: int, two_classes: bool
) -> None:
    good = as_read(tmp_path, good_table(seed, two_classes).content())
    assert isinstance(good, ScoreTable)
    broken = good_table(seed, two_classes)
    row = break_it(broken, random.Random(seed))
    found = as_read(tmp_path, broken.content())
    if isinstance(found, str):
        assert not row or names(found, row), found
    elif cases(found) != cases(good):
        told = " ".join(found.notes)
        assert names(told, row) if row else "not used: x (" in told


@many
@given(seed=st.integers(0, 2**31), two_classes=st.booleans())
def test_a_file_that_ends_early_has_only_whole_rows_or_says_so(
    tmp_path: Path, seed: int, two_classes: bool
) -> None:
    whole = good_table(seed, two_classes)
    content = cut_off(whole.content(), random.Random(seed))
    found = as_read(tmp_path, content)
    if isinstance(found, str):
        return
    left = len(found.truth)
    good = as_read(tmp_path, Table(whole.head, whole.rows[:left]).content())
    assert isinstance(good, ScoreTable)
    same = cases(found) == cases(good)
    assert same or any(names(n, left + 1) for n in found.notes)


def test_good_tables_are_read_without_a_note(tmp_path: Path) -> None:
    for seed in range(20):
        found = as_read(tmp_path, good_table(seed, seed % 2 == 0).content())
        assert isinstance(found, ScoreTable)
        assert set(found.notes) <= {"In the column truth, 1 was read as malignant and 0 as benign."}


def test_every_problem_of_a_table_is_told_at_once(tmp_path: Path) -> None:
    lines = (GOOD, "a,NA,l1,benign,1,0,0", "A,p3,l1,HCC,1,0,0", "a,p4,l1,benign,0.5,x,0.1", GOOD)
    told = refused(tmp_path, *lines).splitlines()[1:]
    assert [line.strip() for line in told] == [
        "row 3: patient_id is NA; write one in every row",
        "row 4: site A and a differs from row 2 only by capitals, hyphens for spaces, or leading "
        "zeros; write it in one way",
        "row 6: the same lesion as row 2; keep one row a lesion",
        "row 4: truth is HCC, not one of benign, primary_malignant, metastatic; use --label-map",
        "row 5: p_primary_malignant is x, not a number",
    ]


def test_a_row_with_fewer_cells_has_the_missing_ones_empty_and_is_noted(tmp_path: Path) -> None:
    made = read(tmp_path, GOOD, f"{GOOD.replace('p1', 'p2')},1", head=f"{HEAD_READER}")
    assert made.readers["reader_x"].tolist() == [-1, 1]
    assert made.notes == (
        "7 cells, the line of column names has 8; missing ones count as empty (row 2).",
    )


HEAD_READER = "site,patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic,reader_x"


def test_column_names_in_the_middle_are_named_as_such(tmp_path: Path) -> None:
    """As where two files were put together."""
    head = "site,patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic"
    told = refused(tmp_path, GOOD, head.upper(), GOOD.replace("p1", "p2"))
    assert "row 3: the line of column names again: remove it" in told


def test_a_row_that_ends_early_is_refused(tmp_path: Path) -> None:
    assert "row 2: p_metastatic is empty" in refused(tmp_path, "a,p,l,benign,0.5,0.5")
    assert "row 2: truth is empty" in refused(tmp_path, "a,p,l")
    assert "row 2: lesion_id is empty" in refused(tmp_path, "a,p")


def test_a_table_of_two_classes_may_have_lesions(tmp_path: Path) -> None:
    head = "site,patient_id,lesion_id,truth,score"
    found = read(tmp_path, "a,1,1,0,0.2", "a,1,2,1,0.7", "b,2,1,0,0.6", head=head)
    assert (found.two_classes, found.lesions) == (True, True)
    np.testing.assert_allclose(np.exp(found.log_probs[1]), [0.3, 0.7, 0])
