"""A score table's file: what it may say, what is refused and named, and what comes back."""

from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import COLUMNS, ScoreTable, read_scores, write_scores

HEAD = ",".join(COLUMNS)
GOOD = "a,p1,l1,benign,0.5,0.25,0.25"


def read(folder: Path, *lines: str, head: str = HEAD, before: bytes = b"") -> ScoreTable:
    path = folder / "scores.csv"
    path.write_bytes(before + "\n".join([head, *lines, ""]).encode())
    return read_scores(path)


def refused(folder: Path, *lines: str, head: str = HEAD) -> DataError:
    with pytest.raises(DataError) as caught:
        read(folder, *lines, head=head)
    return caught.value


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
        groups={"sex": np.array(["f", "", "m", "m"]), "age": np.array(["<40", "40-60", "", ""])},
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
    assert (tmp_path / "t.csv").stat().st_mode & 0o777 == 0o600


def test_a_file_has_the_columns_in_one_order_and_a_line_for_each_lesion(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        "0.5,l1,0.25,p1,0.25,primary-malignant,s,1,f,",
        "1,l2,0,p1,0,metastatic,s,,m,0",
        head="p_benign,lesion_id,p_metastatic,patient_id,p_primary_malignant,truth,site,"
        "reader_b,group_sex,reader_a",
    )
    write_scores(made, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == (
        "site,patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic,"
        "reader_a,reader_b,group_sex\n"
        "s,p1,l1,primary_malignant,0.5,0.25,0.25,,1,f\n"
        "s,p1,l2,metastatic,1.0,0.0,0.0,0,,m\n"
    )


def test_the_classes_may_be_written_with_a_dash_and_the_file_with_a_byte_order_mark(
    tmp_path: Path,
) -> None:
    lines = (GOOD, GOOD.replace("l1,benign", "l2,primary-malignant"))
    made = read(tmp_path, *lines, "a,p1,l3,primary_malignant,0.2,0.2,0.6", before=b"\xef\xbb\xbf")
    assert made.truth.tolist() == [0, 1, 1]
    assert np.exp(made.log_probs[2]) == pytest.approx([0.2, 0.2, 0.6])
    assert made.site.tolist() == ["a", "a", "a"]
    assert (made.readers, made.groups) == ({}, {})


def test_a_probability_of_0_is_taken(tmp_path: Path) -> None:
    made = read(tmp_path, "a,p1,l1,benign,1,0,0")
    assert made.log_probs.tolist() == [[0.0, -np.inf, -np.inf]]


@pytest.mark.parametrize("p", ["0.5009,0.25,0.25", "0.4991,0.25,0.25"])
def test_probabilities_that_were_rounded_are_taken(tmp_path: Path, p: str) -> None:
    assert len(read(tmp_path, f"a,p,l,benign,{p}").truth) == 1


@pytest.mark.parametrize(
    "p", ["0.5011,0.25,0.25", "0.4989,0.25,0.25", "-0.1,0.6,0.5", "1.2,-0.1,-0.1", "inf,0,0"]
)
def test_probabilities_that_are_none_are_refused(tmp_path: Path, p: str) -> None:
    assert "row 2: the probabilities are outside" in str(refused(tmp_path, f"a,p,l,benign,{p}"))


def test_a_missing_file_and_one_of_another_encoding_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"\xe9")
    for name in ("none.csv", "latin.csv"):
        with pytest.raises(DataError, match="cannot read") as caught:
            read_scores(tmp_path / name)
        assert name in str(caught.value)
        assert "UTF-8" in (caught.value.hint or "")


def test_every_missing_column_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "a,p", head="site,patient_id")
    assert "lacks the column lesion_id, truth, p_benign, p_primary_malignant, p_metastatic" in (
        str(error)
    )
    assert ", ".join(COLUMNS) in (error.hint or "")
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(DataError, match="lacks the column site"):
        read_scores(empty)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    assert "no rows" in str(refused(tmp_path))


def test_all_wrong_rows_are_named_by_their_line_up_to_20(tmp_path: Path) -> None:
    lines = [f"a,p,l{i},cyst,1,0,0" for i in range(25)]
    told = str(refused(tmp_path, GOOD, *lines))
    assert [f"row {i}:" in told for i in (2, 3, 22, 23, 27)] == [False, True, True, False, False]


def test_a_lesion_that_comes_twice_is_named_with_both_rows(tmp_path: Path) -> None:
    other = (GOOD.replace("a,", "b,"), GOOD.replace("p1", "p2"), GOOD.replace("l1", "l2"))
    assert len(read(tmp_path, GOOD, *other).truth) == 4
    told = str(refused(tmp_path, GOOD, *other, GOOD, GOOD))
    assert "row 6: the same lesion as row 2" in told
    assert "row 7: the same lesion as row 2" in told


@pytest.mark.parametrize("row", [",p1,l1", "a,,l1", "a,p1,", "a, ,l1"])
def test_a_lesion_without_site_patient_or_name_is_refused(tmp_path: Path, row: str) -> None:
    """Else all lesions without a patient would be one patient's."""
    told = str(refused(tmp_path, GOOD, f"{row},benign,0.5,0.25,0.25"))
    assert "row 3: site, patient_id or lesion_id is empty" in told


def test_a_row_that_ends_early_is_refused(tmp_path: Path) -> None:
    assert "row 2: a probability is not a number" in str(refused(tmp_path, "a,p,l,benign,0.5,0.5"))
    assert "row 2: truth is not one of" in str(refused(tmp_path, "a,p,l"))
    assert "row 2: site, patient_id or lesion_id is empty" in str(refused(tmp_path, "a,p"))
    told = str(refused(tmp_path, "benign,1,0,0,a,p", head=",".join([*COLUMNS[3:], *COLUMNS[:3]])))
    assert "row 2: site, patient_id or lesion_id is empty" in told


@pytest.mark.parametrize("call", ["2", "-1", "yes", " "])
def test_a_readers_call_is_0_or_1_or_empty(tmp_path: Path, call: str) -> None:
    head = f"{HEAD},reader_x"
    assert read(tmp_path, f"{GOOD},1", head=head).readers["reader_x"].tolist() == [1]
    assert read(tmp_path, f"{GOOD},0", head=head).readers["reader_x"].tolist() == [0]
    assert read(tmp_path, f"{GOOD},", head=head).readers["reader_x"].tolist() == [-1]
    assert read(tmp_path, GOOD, head=head).readers["reader_x"].tolist() == [-1]
    assert "row 2: a reader's call" in str(refused(tmp_path, f"{GOOD},{call}", head=head))


def lines_of(values: list[str]) -> list[str]:
    return [f"{GOOD.replace('l1', f'l{i}')},{v}" for i, v in enumerate(values)]


def test_a_group_may_have_14_values_and_no_more(tmp_path: Path) -> None:
    """Twelve levels, the one of several and the one that is not stated."""
    head, values = f"{HEAD},group_x", [f"v{c}" for c in "abcdefghijklmno"]
    made = read(tmp_path, *lines_of(values[:14]), head=head)
    assert made.groups["x"].tolist() == values[:14]
    told = str(refused(tmp_path, *lines_of(values), head=head))
    assert "the column group_x has more than 12 different values" in told


def test_a_group_that_is_not_stated_is_empty(tmp_path: Path) -> None:
    made = read(tmp_path, GOOD, GOOD.replace("l1", "l2") + ",f", head=f"{HEAD},group_sex")
    assert made.groups["sex"].tolist() == ["", "f"]


def test_a_group_has_a_plain_name_and_plain_values(tmp_path: Path) -> None:
    told = str(refused(tmp_path, f"{GOOD},f", head=f"{HEAD},group_Sex"))
    assert "a column group_… has a name that is not a plain word" in told
    told = str(refused(tmp_path, *lines_of(["f", "2020-01-03"]), head=f"{HEAD},group_sex"))
    assert "row 3: group_sex is not a short plain word or a band" in told
    assert "row 2" not in told
