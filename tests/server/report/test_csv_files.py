"""The CSV files hold every figure and every point, and no formula."""

import csv
import io
import json
from typing import Any

from hepafed.server.formats import read_report
from hepafed.server.report.csv_files import csv_files

from .kinds import report_of


def test_csv_holds_every_result_in_full_precision(plain: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_files(read_report(plain))["results.csv"])))
    assert len(rows) == len(plain["results"])
    for row, r in zip(rows, plain["results"], strict=True):
        value = r["auc"]["value"]
        assert row["auc"] == ("" if value is None else repr(value))


def test_csv_holds_every_point_that_is_drawn(plain: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_files(read_report(plain))["roc.csv"])))
    drawn = [p for r in plain["results"] for p in r.get("roc") or []]
    assert [(float(r["false_positive_rate"]), float(r["sensitivity"])) for r in rows] == [
        tuple(p[:2]) for p in drawn
    ]


def test_a_sites_name_is_no_formula_for_a_spreadsheet(plain: dict[str, Any]) -> None:
    bad = json.loads(json.dumps(plain).replace("site-1", "=1+1"))
    for name, text in csv_files(read_report(bad)).items():
        for row in csv.reader(io.StringIO(text)):
            assert not any(c.startswith("=") for c in row), name


def test_the_sites_file_has_sources_and_what_was_left_out_and_nothing_where_it_is_not_stated() -> (
    None
):
    lines = csv_files(report_of("absent site"))["sites.csv"].splitlines()
    head, *rows = [dict(zip(lines[0].split(","), x.split(","), strict=True)) for x in lines]
    assert list(head)[-7:] == [
        "sources", "unreadable_patients", "unreadable_lesions", "excluded_patients",
        "excluded_lesions", "no_sequence_patients", "no_sequence_lesions",
    ]  # fmt: skip
    assert list(rows[0].values())[-7:] == ["dicom", "0", "0", "9", "12", "", ""]
    assert list(rows[1].values())[-7:] == [""] * 7


def test_csv_gives_the_interval_that_covers_and_delongs_beside_it(plain: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_files(read_report(plain))["results.csv"])))
    seen = 0
    for row, r in zip(rows, plain["results"], strict=True):
        auc = r["auc"]
        chosen = auc.get("covering") or {"low": None, "high": None, "method": ""}
        assert [row["auc_delong_low"], row["auc_delong_high"]] == [
            "" if auc[k] is None else repr(auc[k]) for k in ("low", "high")
        ]
        if chosen["method"]:
            assert [float(row["auc_low"]), float(row["auc_high"])] == [
                chosen["low"], chosen["high"],
            ]  # fmt: skip
            assert row["auc_interval"] == chosen["method"]
            seen += chosen["low"] != auc["low"]


def test_csv_holds_the_interval_of_a_rate_that_the_page_prints(plain: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_files(read_report(plain))["results.csv"])))
    seen = 0
    for row, r in zip(rows, plain["results"], strict=True):
        for name in ("sensitivity", "ppv", "likelihood_positive"):
            found = r.get(name)
            if not found or found["value"] is None:
                continue
            printed = found.get("clustered", found)
            seen += "clustered" in found
            for end in ("low", "high"):
                value = printed[end]
                assert row[f"{name}_{end}"] == ("" if value is None else repr(value))
    assert seen > 3
