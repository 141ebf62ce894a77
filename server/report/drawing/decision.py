"""The figure of the decision curve: net benefit by threshold probability."""

import math
from collections.abc import Sequence

from hepafed.server.formats import NetBenefit, Report
from hepafed.server.report.drawing.chart import (
    BLACK,
    GREY,
    VERMILLION,
    Axis,
    Chart,
    Marks,
    Trace,
    draw,
)
from hepafed.server.report.drawing.plot import Plot, headline_rows, why_absent
from hepafed.server.report.tables import Table, utility, very_few

LOWEST = -0.1
"""Net benefit at which the chart ends."""
WHAT_IT_IS = (
    "Net benefit: true positives minus false positives weighted by the odds of the threshold, per "
    "patient, at the prevalence of the pooled cohort. Higher is better; treating nobody has 0."
)

FEW_PATIENTS = "So few patients of a class decide nothing: this curve can be chance."


def decision_plot(report: Report) -> Plot:
    """Draw the net benefit of acting on the model, on everybody and on nobody, pooled."""
    title = "Decision curve, malignancy per patient"
    points = utility.decision_points(report)
    if not points:
        return Plot("decision", title, "", reason=why_absent(headline_rows(report)))
    spot = utility.point_benefit(report)
    said = " ".join(utility.utility_sentences(report))
    model = [(p.threshold, p.model) for p in points]
    everybody = [(p.threshold, p.all) for p in points]
    tops = [y for _, y in model + everybody] + ([spot.model] if spot else [])
    high = math.ceil(max(0.1, *tops) * 10) / 10
    chart = Chart(
        id="decision",
        title=title,
        description="Net benefit of acting on the model, on everybody and on nobody, by threshold "
        f"probability, pooled. {said} The points are in the table below.",
        x=Axis(label="Threshold probability"),
        y=Axis(
            label="Net benefit",
            low=LOWEST,
            high=high,
            ticks=tuple(round(LOWEST + n / 10, 1) for n in range(round(high * 10) + 2)),
        ),
        traces=(
            *_traces(Trace(name="Act on the model", points=model, colour=BLACK, width=2.4)),
            *_traces(
                Trace(name="Act on everybody", points=everybody, colour=VERMILLION, dash="7 3")
            ),
            *_threshold(spot, high),
        ),
        marks=_marks(spot),
        reference=((0, 0), (1, 0)),
        reference_name="Act on nobody",
    )
    few = [FEW_PATIENTS] if very_few(report) else []
    caption = " ".join([*few, said, WHAT_IT_IS, *_beyond(points, spot)])
    return Plot("decision", title, caption, draw(chart), table=_table(points, spot))


def _table(points: Sequence[NetBenefit], spot: utility.PointBenefit | None) -> Table:
    rows: list[tuple[object, ...]] = [(p.threshold, p.model, p.all) for p in points]
    if spot is not None:
        where = (f"{spot.threshold:.4f}", "operating point")
        rows.append((where, spot.model, spot.everybody))
    head = ("Threshold", "Model", "Everybody")
    return Table("net-benefit", "Net benefit by threshold", head, tuple(rows))


def _marks(spot: utility.PointBenefit | None) -> tuple[Marks, ...]:
    """Mark the operating point, unless it lies below the frame."""
    if spot is None or spot.model < LOWEST:
        return ()
    return (Marks(name="", points=[(spot.threshold, spot.model)], shape="diamond"),)


def _threshold(spot: utility.PointBenefit | None, high: float) -> list[Trace]:
    """Draw the threshold of the operating point over the whole frame, wherever its value lies."""
    if spot is None:
        return []
    ends = [(spot.threshold, LOWEST), (spot.threshold, high)]
    return [Trace(name="Operating point", points=ends, colour=GREY, dash="2 3")]


def _beyond(points: Sequence[NetBenefit], spot: utility.PointBenefit | None) -> list[str]:
    """Say what lies below the frame and cannot be seen."""
    below = [p.model < LOWEST for p in points]
    said = []
    if any(below):
        gone = utility.in_words(utility.ranges(points, below))
        said.append(f"The model's line is below the frame at {gone}: its data give the values.")
    if spot is not None and spot.model < LOWEST:
        said.append("The dotted line marks the operating point, whose value is below the frame.")
    elif spot is not None:
        said.append("The diamond on the dotted line marks the operating point.")
    return said


def _traces(line: Trace) -> list[Trace]:
    """Return a line in the pieces that lie in the frame; the first has its name."""
    pieces = cut(line.points, LOWEST) or [[]]
    return [
        Trace(
            name="" if i else line.name,
            points=piece,
            colour=line.colour,
            dash=line.dash,
            width=line.width,
        )
        for i, piece in enumerate(pieces)
    ]


def cut(points: Sequence[Sequence[float]], low: float) -> list[list[tuple[float, float]]]:
    """Cut a line at the height `low`; return the pieces at or above it, ends at the crossing."""
    pieces: list[list[tuple[float, float]]] = []
    inside = False
    for i, (x, y) in enumerate(points):
        if i and (y >= low) != inside:
            (x0, y0) = points[i - 1]
            crossing = (x0 + (x - x0) * (low - y0) / (y - y0), low)
            if inside:
                pieces[-1].append(crossing)
            else:
                pieces.append([crossing])
        elif not i and y >= low:
            pieces.append([])
        inside = y >= low
        if inside:
            pieces[-1].append((x, y))
    return pieces
