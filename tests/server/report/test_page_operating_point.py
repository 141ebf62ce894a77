"""Page, terminal, CSV and Methods tell on whom the operating point was chosen, where known."""

import csv
import io
import re
from typing import Any

import pytest
from hepafed.server.formats import Report, read_report
from hepafed.server.report.csv_files import csv_files
from hepafed.server.report.methods import methods
from hepafed.server.report.page import render
from hepafed.server.report.summary import summary_lines

KNOWN = {"positives": 9, "negatives": 60, "sites": 3, "cuts": 12, "low": 0.25, "high": 0.75}
WHOM = "69 tuning patients (9 malignant, 60 benign) of 3 sites"


def chosen(federated: dict[str, Any], **known: object) -> Report:
    point = federated["model"]["operating_point"] | known
    return read_report(federated | {"model": federated["model"] | {"operating_point": point}})


def key_figures(report: Report) -> str:
    found = re.search(r'<section aria-labelledby="key">(.*?)</section>', render(report), re.DOTALL)
    assert found is not None
    return found[1]


def test_page_methods_and_terminal_state_patients_interval_and_weakness(
    federated: dict[str, Any],
) -> None:
    report = chosen(federated, **KNOWN)
    design = dict(methods(report))["Design"]
    for text in (key_figures(report), design):
        assert f"The threshold was chosen on {WHOM}." in text
        assert "interval of the threshold: 0.2500 to 0.7500" in text
        assert "9 malignant, fewer than 50" in text
    lines = summary_lines(report)
    assert f"threshold 0.5000, chosen on {WHOM}" in lines
    assert any(line.startswith("Few tuning patients: 9 malignant") for line in lines)


def test_of_many_patients_nothing_is_called_few(federated: dict[str, Any]) -> None:
    report = chosen(federated, **(KNOWN | {"positives": 50}))
    assert "fewer than" not in key_figures(report)
    assert not any("Few" in line for line in summary_lines(report))


def test_of_an_old_card_no_patients_are_stated(federated: dict[str, Any]) -> None:
    report = chosen(federated)
    assert "Rule of the threshold: largest Youden index" in key_figures(report)
    for text in (key_figures(report), " ".join(summary_lines(report))):
        assert "tuning patients" not in text
        assert "interval of the threshold" not in text


def test_the_threshold_of_a_score_table_was_chosen_on_nobody(plain: dict[str, Any]) -> None:
    report = read_report(plain)
    assert "It was set when this report was made." in key_figures(report)
    assert "command line" not in key_figures(report)
    design = dict(methods(report))["Design"]
    assert "which was set when this report was made" in design
    assert "chosen on" not in design + key_figures(report)


@pytest.mark.parametrize("known", [KNOWN, {}], ids=["known", "an old card"])
def test_a_csv_file_holds_the_operating_point(
    federated: dict[str, Any], known: dict[str, object]
) -> None:
    text = csv_files(chosen(federated, **known))["operating_point.csv"]
    (row,) = csv.DictReader(io.StringIO(text))
    assert float(row["threshold"]) == 0.5
    assert {k: float(v) for k, v in row.items() if k in KNOWN} == known
