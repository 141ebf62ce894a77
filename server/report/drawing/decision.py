"""The figure of the decision curve: net benefit by threshold probability."""

import math
from collections.abc import Sequence

from hepafed.server.formats import Report
from hepafed.server.report.drawing.chart import BLACK, VERMILLION, Axis, Chart, Trace, draw
from hepafed.server.report.drawing.plot import Plot, headline_rows, why_absent
from hepafed.server.report.tables import Table

LOWEST = -0.1
"""Net benefit at which the chart ends."""


def decision_plot(report: Report) -> Plot:
    """Draw the net benefit of acting on the model, on everybody and on nobody, pooled."""
    title = "Decision curve, malignancy per patient"
    rows = headline_rows(report)
    points = [p for r in rows if r.scope == "pooled" for p in r.net_benefit or ()]
    if not points:
        return Plot("decision", title, "", reason=why_absent(rows))
    model = [(p.threshold, p.model) for p in points]
    everybody = [(p.threshold, p.all) for p in points]
    high = math.ceil(max(0.1, *(y for _, y in model + everybody)) * 10) / 10
    chart = Chart(
        id="decision",
        title=title,
        description="Net benefit of acting on the model, on everybody and on nobody, by threshold "
        "probability, pooled. The points are in the table below.",
        x=Axis(label="Threshold probability"),
        y=Axis(
            label="Net benefit",
            low=LOWEST,
            high=high,
            ticks=tuple(round(LOWEST + n / 10, 1) for n in range(round(high * 10) + 2)),
        ),
        traces=(
            Trace(name="Act on the model", points=model, colour=BLACK, width=2.4),
            Trace(name="Act on everybody", points=_cut(everybody), colour=VERMILLION, dash="7 3"),
        ),
        reference=((0, 0), (1, 0)),
        reference_name="Act on nobody",
    )
    table = Table(
        "net-benefit",
        "Net benefit by threshold",
        ("Threshold", "Model", "Everybody"),
        tuple((p.threshold, p.model, p.all) for p in points),
    )
    caption = (
        "The curve shows whether acting on the model does more good than treating every patient as "
        "malignant (dashed) or none (zero line). Higher is better. Net benefit: true positives "
        "minus false positives weighted by the odds of the threshold, per patient, at the "
        "prevalence of the pooled cohort."
    )
    return Plot("decision", title, caption, draw(chart), table=table)


def _cut(everybody: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cut the line of acting on everybody where it leaves the chart: it falls far below 0."""
    kept = [p for p in everybody if p[1] >= LOWEST]
    if len(kept) < len(everybody):
        (x0, y0), (x1, y1) = kept[-1], everybody[len(kept)]
        kept.append((x0 + (x1 - x0) * (y0 - LOWEST) / (y0 - y1), LOWEST))
    return kept
