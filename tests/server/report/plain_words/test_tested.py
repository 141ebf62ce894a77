"""What was left out is added up over the sites; what one withholds is named and not guessed."""

from dataclasses import replace

from hepafed.common.contract import CohortOrigin, LeftOut
from hepafed.server.formats import Report
from hepafed.server.report.plain_words.tested import left_out

from tests.server.report.kinds import report_of


def stating(*parts: LeftOut) -> Report:
    """Return a report of whose sites each states one part."""
    report = report_of("two looks")
    sites = [
        replace(s, origin=CohortOrigin(sources=("dicom",), left_out=(p,)))
        for s, p in zip(report.sites, parts, strict=False)
    ]
    return replace(report, sites=tuple(sites))


def part(patients: int | None, lesions: int | None, reason: str = "excluded") -> LeftOut:
    return LeftOut(reason=reason, patients=patients, lesions=lesions)


def test_counts_of_one_reason_are_added_up() -> None:
    said = left_out(stating(part(7, 9), part(0, 5), part(0, 0)))
    assert said == "Not tested: 14 lesions (excluded by the site; 7 patients had no other)."


def test_a_withheld_count_is_named_beside_the_others_and_not_counted() -> None:
    said = left_out(stating(part(0, 5), part(None, None), part(None, None, "unreadable")))
    assert said == (
        "Not tested: a number that is withheld by site-3 (no sequence could be read); 5 lesions "
        "(excluded by the site); a number that is withheld by site-2 (excluded by the site)."
    )


def test_where_nothing_was_left_out_nothing_is_said() -> None:
    assert left_out(stating(part(0, 0), part(0, 0))) == ""
