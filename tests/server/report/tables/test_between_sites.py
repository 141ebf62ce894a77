"""The notes of the tables between sites stand where they are true."""

from dataclasses import replace

from hepafed.server.formats import Report
from hepafed.server.report.tables.between_sites import calibration, heterogeneity, leave_one_out


def test_the_interval_of_a_mean_is_named_only_where_there_is_a_mean(report: Report) -> None:
    named = "interval of the mean"
    assert named in heterogeneity(report).note
    none = tuple(replace(h, value=None, covering=None) for h in report.heterogeneity)
    assert named not in heterogeneity(replace(report, heterogeneity=none)).note


def test_slopes_of_lesions_that_share_patients_carry_a_warning(report: Report) -> None:
    """Their intervals are those of a logistic regression of independent cases."""
    said = "take lesions as independent"
    assert said in calibration(report).note
    single = tuple(replace(s, lesions=s.patients) for s in report.sites)
    assert said not in calibration(replace(report, sites=single)).note
    patients = tuple(c for c in report.calibration if c.unit == "patient")
    assert said not in calibration(replace(report, calibration=patients)).note


def test_a_mean_without_one_site_has_the_remark_of_so_few_sites(report: Report) -> None:
    first = report.heterogeneity[0]
    left = next(o for o in first.leave_one_out if o.covering is not None)
    assert left.covering is not None
    assert left.covering.warning
    where = [row[0] for row in leave_one_out(report).rows].index(left.without)
    assert leave_one_out(report).rows[where][1][1] == left.covering.warning  # type: ignore[index]
    bare = replace(left, covering=replace(left.covering, warning=""))
    kept = tuple(bare if o is left else o for o in first.leave_one_out)
    rows = (replace(first, leave_one_out=kept), *report.heterogeneity[1:])
    made = leave_one_out(replace(report, heterogeneity=rows))
    assert made.rows[where][1][1] == ""  # type: ignore[index]
