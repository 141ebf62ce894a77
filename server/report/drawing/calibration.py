"""The figure of calibration: share malignant against predicted probability."""

from collections.abc import Sequence

from hepafed.server.formats import ReliabilityTenth, Report
from hepafed.server.report.drawing.chart import BLUE, Axis, Chart, Marks, Trace, draw
from hepafed.server.report.drawing.plot import Plot
from hepafed.server.report.tables import Table, calibration_sentences, is_headline


def calibration_plot(report: Report) -> Plot:
    """Draw the pooled share malignant in tenths of the predicted probability."""
    title = "Calibration, malignancy per patient"
    rows = [c for c in report.calibration if is_headline(c) and c.scope == "pooled"]
    held = [b for c in rows for b in c.reliability if b.n]
    points = [
        (b.mean_score, b.observed.value, b.observed.low or 0.0, b.observed.high or 0.0)
        for b in held
        if b.mean_score is not None and b.observed.value is not None
    ]
    if not points:
        why = next((c.slope.reason for c in rows if c.slope.reason), "")
        return Plot(
            "calibration", title, "", reason=why or "no site released the counts that it needs"
        )
    said = " ".join(calibration_sentences(report))
    chart = Chart(
        id="calibration",
        title=title,
        description="Share malignant against mean predicted probability in tenths of the "
        f"probability, pooled. {said} The points are in the table below.",
        x=Axis(label="Mean predicted probability"),
        y=Axis(label="Share malignant"),
        traces=(Trace(name="", points=points, colour=BLUE),),
        marks=(Marks(name="Pooled, 95 % interval", points=points, colour=BLUE),),
        reference=((0, 0), (1, 1)),
        reference_name="Perfect",
    )
    over = ", over the patients of all sites" if len(report.sites) > 1 else ""
    caption = (
        "Points on the dashed line mean that predicted and observed risk agree. Each point is "
        f"one of ten equal bands of predicted probability{over}. {said}"
    )
    return Plot("calibration", title, caption, draw(chart), table=_table(held))


def _table(held: Sequence[ReliabilityTenth]) -> Table:
    return Table(
        "reliability",
        "Tenths of the predicted probability",
        ("From", "To", "Patients", "Mean predicted", "Share malignant", "Low", "High"),
        tuple(
            (b.low, b.high, b.n, b.mean_score, b.observed.value, b.observed.low, b.observed.high)
            for b in held
        ),
    )
