"""The table of origins says what each site states, and where one states nothing."""

from hepafed.server.report.tables.origins import origins

from tests.server.report.kinds import report_of


def test_each_site_states_source_and_counts_or_that_they_are_withheld() -> None:
    table = origins(report_of("absent site"))
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["site-1"] == ("DICOM volumes", "0 (0)", "12 (9)", "withheld")
    assert rows["site-2"] == ("not stated",) * 4


def test_where_no_site_states_anything_there_is_no_table() -> None:
    assert origins(report_of("score table")).rows == ()
