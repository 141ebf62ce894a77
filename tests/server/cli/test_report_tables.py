"""`server report --scores` reads tables as people have them, and says what it made of them."""

import json
from pathlib import Path

from click.testing import CliRunner
from hepafed.server.cli.main import main

HEAD = "site;patient;lesion;truth;p_benign;p_primary_malignant;p_metastatic"
TABLE = f"""{HEAD}
a;1;1;HCC;0,10;0,80;0,10
a;2;1;FNH;0,33;0,33;0,33
b;3;1;Mets;0,20;0,10;0,70
b;4;1;fnh;0,90;0,05;0,05
"""
MAP = "HCC=primary_malignant,FNH=benign,Mets=metastatic"


def report(folder: Path, *words: str) -> tuple[int, str, str]:
    (folder / "t.csv").write_text(TABLE)
    out = str(folder / "report")
    done = CliRunner().invoke(
        main, ["report", "--scores", str(folder / "t.csv"), "-o", out, *words]
    )
    return done.exit_code, done.stdout, done.stderr


def test_words_without_a_class_are_refused_with_the_option_that_says_them(tmp_path: Path) -> None:
    code, _, said = report(tmp_path)
    assert code == 1
    assert "4 rows: truth is HCC, FNH, Mets, fnh, not one of benign" in said
    assert "use --label-map (rows 2, 3, 4, 5)" in said
    assert not (tmp_path / "report").exists()


def test_a_label_map_gives_words_their_class_and_notes_are_printed(tmp_path: Path) -> None:
    code, printed, said = report(tmp_path, "--label-map", MAP)
    assert (code, said) == (0, "")
    assert printed.startswith("t: The columns are separated by a semicolon.\n")
    assert "t: Decimal commas were read as points.\n" in printed
    assert "t: The rounded probabilities added up to 0.99; they were" in printed
    assert "patient: malignant vs benign        1.00" in printed
    made = json.loads((tmp_path / "report/report.json").read_text())
    assert made["sites"][1]["by_class"] == {"benign": 1, "primary_malignant": 0, "metastatic": 1}
    assert "Decimal commas were read as points." in made["notes"]


def test_a_label_map_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "map.txt").write_text(MAP.replace(",", "\n"))
    code, printed, _ = report(tmp_path, "--label-map", str(tmp_path / "map.txt"))
    assert code == 0
    assert "pooled over 2 sites" in printed


def test_a_wrong_label_map_is_refused(tmp_path: Path) -> None:
    code, _, said = report(tmp_path, "--label-map", "HCC=cancer")
    assert code == 2
    assert "--label-map: 'cancer' is not a class" in said


def test_a_label_map_is_for_score_tables(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["report", "validate-1", "--label-map", MAP])
    assert done.exit_code == 2
    assert "--label-map go with --scores" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_label_map_is_that_of_every_compared_table(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text(TABLE.replace("0,80;0,10", "0,70;0,20"))
    words = ("--label-map", MAP, "--against", str(tmp_path / "other.csv"))
    code, printed, said = report(tmp_path, *words)
    assert (code, said) == (0, "")
    assert "other: Decimal commas were read as points." in printed
    assert "AUC t − other" in printed
