"""The patient flow and Table 1 say what sites stated, and "not stated" for the rest."""

from dataclasses import replace
from typing import Any

from hepafed.common.contract import CohortOrigin, LeftOut
from hepafed.server.formats import Report, read_report
from hepafed.server.report.tables.cohorts import flow, table_one


def stated(report: Report, *origins: CohortOrigin | None) -> Report:
    sites = zip(report.sites, origins, strict=True)
    return replace(report, sites=tuple(replace(s, origin=o) for s, o in sites))


def left(reason: str, patients: int | None, lesions: int | None) -> LeftOut:
    return LeftOut(reason=reason, patients=patients, lesions=lesions)


def test_the_flow_adds_what_was_left_out_to_what_was_analysed(report: Report) -> None:
    origins = (
        CohortOrigin(
            sources=("dicom", "key-images"),
            left_out=(left("unreadable", 3, 5), left("no_sequence", 0, 2)),
        ),
        CohortOrigin(sources=(), left_out=(left("excluded", None, None), left("unreadable", 1, 1))),
        CohortOrigin(sources=("lld-mmri",), left_out=()),
    )
    first, second, third = flow(stated(report, *origins)).rows
    a, b, c = report.sites
    assert first == (
        a.site,
        "DICOM volumes, exported key images",
        a.patients + 3,
        a.lesions + 7,
        "no sequence could be read: 3 patients, 5 lesions; "
        "a sequence of the protocol is missing: 0 patients, 2 lesions",
        a.patients,
        a.lesions,
    )
    assert second[1:5] == (
        "not stated",
        "not stated",
        "not stated",
        "excluded by the site: number withheld; no sequence could be read: 1 patient, 1 lesion",
    )
    assert third[1:5] == ("volumes of the LLD-MMRI layout", c.patients, c.lesions, "nothing")
    assert second[5:] == (b.patients, b.lesions)


def test_without_a_statement_the_flow_says_so_and_names_the_sites_without_figures(
    federated: dict[str, Any],
) -> None:
    made = flow(read_report(federated))
    assert made.head == ("Site", "Left out", "Patients analysed", "Lesions analysed")
    assert all(r[1] == "not stated" for r in made.rows[:-1])
    assert made.rows[-1] == ("site-4", "no figures: offline", 0, 0)
    assert made.note == (
        "The report does not know where the images came from, nor how many patients were labelled."
    )


def test_a_column_of_the_flow_that_no_site_fills_is_a_sentence(report: Report) -> None:
    nothing = flow(stated(report, None, None, None))
    assert nothing.head == ("Site", "Patients analysed", "Lesions analysed")
    assert nothing.note.endswith("were labelled, nor what was left out.")
    images = flow(stated(report, None, CohortOrigin(sources=("dicom",)), None))
    assert images.head[:2] == ("Site", "Images")
    assert [r[1] for r in images.rows] == ["not stated", "DICOM volumes", "not stated"]
    assert images.note == (
        "The report does not know how many patients were labelled, nor what was left out."
    )
    one = CohortOrigin(sources=(), left_out=(left("excluded", 1, 1),))
    labelled = flow(stated(report, None, None, one))
    assert labelled.note.startswith("Labelled: with a lesion in the labels of the site.")
    assert labelled.note.endswith("The report does not know where the images came from.")


def test_table_1_has_counts_with_their_share_of_the_column(report: Report) -> None:
    (table,) = table_one(report)
    rows = {str(r[0]): r[1:] for r in table.rows}
    assert table.head == ("Property", "All sites", "site-1", "site-2", "site-3")
    assert rows["Patients"] == (240, 80, 80, 80)
    malignant = [r.positives or 0 for r in report.results if r.task == "malignant_vs_benign"]
    pooled, first = (
        malignant[0],
        next(
            r.positives or 0 for r in report.results if r.site == "site-1" and r.unit == "patient"
        ),
    )
    assert rows["Malignant patients"][:2] == (
        (pooled, f"{100 * pooled / 240:.1f} %"),
        (first, f"{100 * first / 80:.0f} %"),
    )
    lesions = sum(s.lesions for s in report.sites)
    assert rows["Lesions per patient, mean"][0] == f"{lesions / 240:.1f}"


def test_a_count_that_one_site_withholds_is_unknown_for_that_site_and_for_all(
    report: Report,
) -> None:
    site = report.sites[1]
    hidden = replace(site, by_class={**site.by_class, "benign": None})
    changed = replace(report, sites=(report.sites[0], hidden, report.sites[2]))
    rows = {str(r[0]): r[1:] for r in table_one(changed)[0].rows}
    every, first, second, third = rows["Benign lesions"]
    assert (every, second) == ("not released", "not released")
    assert isinstance(first, tuple)
    assert isinstance(third, tuple)


def test_many_sites_stand_five_to_a_table_each_once(report: Report) -> None:
    site = report.sites[0]
    sites = tuple(replace(site, site=f"s{n}") for n in range(11))
    tables = table_one(replace(report, sites=sites))
    assert [t.name for t in tables] == ["table-1", "table-1-2", "table-1-3"]
    assert [h for t in tables for h in t.head[1:]] == ["All sites", *(s.site for s in sites)]
    assert tables[1].caption.endswith("(part 2 of 3)")
