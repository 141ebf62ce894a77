"""A score table that HepaFed wrote comes back as it was; the oracles' broken tables do not pass."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import ScoreTable, read_scores, stored_scores, write_scores

STATS = Path(__file__).resolve().parents[4] / "shared" / "data" / "stats"


def test_a_table_with_readers_and_groups_reads_back_as_written(tmp_path: Path) -> None:
    raw = np.random.default_rng(4).normal(size=(4, 3))
    made = ScoreTable(
        site=np.array(["b", "a", "a", "b"]),
        patient=np.array(["p2", "p1", "p1", "p3"]),
        lesion=np.array(["x", "x", "y", "z"]),
        truth=np.array([2, 0, 1, 1]),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={
            "reader_b": np.array([-1, 0, 1, 1], np.int8),
            "reader_a": np.array([1, -1, 0, -1], np.int8),
        },
        groups={"sex": np.array(["f", "m", "m", "m"]), "age": np.array(["<40", "", "", ""])},
    )
    write_scores(made, tmp_path / "t.csv")
    back = read_scores(tmp_path / "t.csv")
    for name in ("site", "patient", "lesion", "truth"):
        assert getattr(back, name).tolist() == getattr(made, name).tolist()
    assert back.log_probs == pytest.approx(made.log_probs, abs=1e-12)
    assert {k: v.tolist() for k, v in back.readers.items()} == {
        k: v.tolist() for k, v in made.readers.items()
    }
    assert {k: v.tolist() for k, v in back.groups.items()} == {
        k: v.tolist() for k, v in made.groups.items()
    }
    assert back.notes == ()
    assert (tmp_path / "t.csv").stat().st_mode & 0o777 == 0o600


def test_a_file_has_the_columns_in_one_order_and_a_line_for_each_lesion(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text(
        "p_benign,lesion_id,p_metastatic,patient_id,p_primary_malignant,truth,site,"
        "reader_b,group_sex,reader_a\n"
        "0.5,l1,0.25,p1,0.25,primary-malignant,s,1,f,\n"
        "1,l2,0,p2,0,metastatic,s,,m,0\n"
    )
    write_scores(read_scores(tmp_path / "other.csv"), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == (
        "site,patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic,"
        "reader_a,reader_b,group_sex\n"
        "s,p1,l1,primary_malignant,0.5,0.25,0.25,,1,f\n"
        "s,p2,l2,metastatic,1.0,0.0,0.0,0,,m\n"
    )


def test_a_sites_own_file_is_read_as_it_is(tmp_path: Path) -> None:
    """What a site said of its lesions is not refused when its validation is looked at again."""
    with np.errstate(divide="ignore"):
        raw = np.log([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])
    made = ScoreTable(
        site=np.array(["a", "a", "a"]),
        patient=np.array(["p1", "p1", "p1"]),
        lesion=np.array(["l1", "L1", "NA"]),
        truth=np.array([2, 0, 1]),
        log_probs=raw,
        readers={"reader_b": np.array([-1, 0, 1], np.int8)},
        groups={"sex": np.array(["f", "m", ""])},
    )
    write_scores(made, tmp_path / "t.csv")
    back = stored_scores(tmp_path / "t.csv")
    for name in ("site", "patient", "lesion", "truth"):
        assert getattr(back, name).tolist() == getattr(made, name).tolist()
    np.testing.assert_allclose(np.exp(back.log_probs), np.exp(made.log_probs), atol=1e-15)
    assert back.readers["reader_b"].tolist() == [-1, 0, 1]
    assert back.groups["sex"].tolist() == ["f", "m", ""]
    with pytest.raises(DataError, match="the same lesion as row 2"):
        read_scores(tmp_path / "t.csv")


def test_a_sites_own_table_may_have_no_row(tmp_path: Path) -> None:
    none = np.array([], str)
    made = ScoreTable(none, none, none, np.array([], np.int64), np.zeros((0, 3)), {})
    write_scores(made, tmp_path / "t.csv")
    assert stored_scores(tmp_path / "t.csv").log_probs.shape == (0, 3)


@pytest.mark.parametrize("content", [b"site,patient_id\na,b\n", b"\xff", None])
def test_a_sites_own_file_that_is_damaged_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"the stored scores t\.csv cannot be read"):
        stored_scores(tmp_path / "t.csv")


def handed(name: str) -> Path:
    path = STATS / f"{name}.csv"
    if not path.exists():
        pytest.skip("../shared/data/stats is not here")
    return path


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bad_patient_blank", "38 rows: patient_id is empty; write one in every row (rows 2, 6,"),
        ("bad_site_blank", "38 rows: site is empty; write one in every row (rows 2, 6,"),
        ("bad_dup_lesion_blank", "row 154: the same lesion as row 2"),
        ("bad_group_conflict", "29 rows: group_sex is M (15), F (14), and otherwise in an earlier"),
    ],
)
def test_a_broken_table_that_was_handed_over_is_refused_with_its_rows(name: str, told: str) -> None:
    with pytest.raises(DataError) as caught:
        read_scores(handed(name))
    assert f"{name}.csv: {told}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bad_patient_trailing_space", "invisible characters round patient_id were removed (rows"),
        ("bad_reader_blank_column", "reader_a has no call, and no figure."),
        ("bad_reader_capital", "The column Reader_A was read as reader_A."),
        ("c14_semicolon", "The columns are separated by a semicolon."),
    ],
)
def test_a_table_that_was_handed_over_and_can_be_read_is_read_with_a_note(
    name: str, told: str
) -> None:
    found = read_scores(handed(name))
    assert told in found.notes[0]
    good = read_scores(handed("c11_base"))
    for column in ("site", "patient", "lesion", "truth", "log_probs"):
        np.testing.assert_array_equal(getattr(found, column), getattr(good, column))
