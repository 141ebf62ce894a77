"""The ROC curves and the precision-recall curves, pooled and by site."""

from collections.abc import Callable, Sequence

from hepafed.server.formats import Report, ResultRow
from hepafed.server.report.drawing.chart import (
    BLACK,
    GREY,
    SHAPES,
    STYLES,
    Axis,
    Chart,
    Marks,
    Trace,
    clip,
    draw,
)
from hepafed.server.report.drawing.plot import Plot, headline_rows, pooled_of, why_absent
from hepafed.server.report.tables import Table, number, reader_points

Points = tuple[tuple[float, ...], ...]
MOST_CURVES = 8
"""More sites than this are drawn thin and grey, without a legend of their own."""


def roc_plot(report: Report) -> Plot:
    """Draw the ROC curves, the operating point and the readers."""
    title = "ROC curves, malignant versus benign per patient"
    rows = headline_rows(report)
    traces = _traces(rows, lambda r: r.roc or (), with_auc=True)
    if not traces:
        return Plot("roc", title, "", reason=why_absent(rows))
    marks = _marks(report, pooled_of(rows))
    said = "; ".join(t.name for t in traces if t.name)
    chart = Chart(
        id="roc",
        title=title,
        description=f"Sensitivity against 1 − specificity. {said}. The points are in the table "
        "below.",
        x=Axis(label="1 − specificity"),
        y=Axis(label="Sensitivity"),
        traces=traces,
        marks=marks,
        reference=((0, 0), (1, 1)),
        reference_name="No discrimination",
    )
    caption = _caption(report, pooled_of(rows), len(marks))
    head = ("1 − specificity", "Sensitivity")
    table = _points_table(traces, "roc-points", "Points of the ROC curves", head)
    return Plot("roc", title, caption, draw(chart), table=table)


def _caption(report: Report, pooled: ResultRow | None, marks: int) -> str:
    """Return what the curves and marks are, with the rates at the operating point."""
    words = []
    if pooled is not None and pooled.roc:
        words.append("The pooled curve uses the patients of all sites together.")
    if pooled is not None and pooled.sensitivity is not None and pooled.specificity is not None:
        caught, spared = pooled.sensitivity, pooled.specificity
        if caught.value is not None and spared.value is not None:
            words.append(
                f"The diamond marks the operating point, a threshold of "
                f"{report.model.operating_point.threshold:.4f}: sensitivity {number(caught.value)} "
                f"({caught.numerator} of {caught.denominator}), specificity {number(spared.value)} "
                f"({spared.numerator} of {spared.denominator})."
            )
            if marks > 1:
                words.append("The other marks are the readers.")
    return " ".join(words)


def _marks(report: Report, pooled: ResultRow | None) -> list[Marks]:
    """Return the operating point and each reader as marks."""
    marks = []
    if pooled is not None and pooled.sensitivity is not None and pooled.specificity is not None:
        sensitivity, specificity = pooled.sensitivity.value, pooled.specificity.value
        if sensitivity is not None and specificity is not None:
            spot = [1 - specificity, sensitivity]
            marks.append(Marks(name="Operating point", points=[spot], shape="diamond"))
    for i, (name, sensitivity, specificity) in enumerate(reader_points(report)):
        marks.append(
            Marks(
                name=name,
                points=[(1 - specificity, sensitivity)],
                shape=SHAPES[i % 3],
                colour=STYLES[(i + 1) % len(STYLES)][0],
            )
        )
    return marks


def pr_plot(report: Report) -> Plot:
    """Draw the precision-recall curves."""
    title = "Precision and recall, malignant versus benign per patient"
    rows = headline_rows(report)
    traces = _traces(rows, lambda r: r.pr or (), with_auc=False)
    if not traces:
        return Plot("pr", title, "", reason=why_absent(rows))
    pooled = pooled_of(rows)
    share = (pooled.positives or 0) / pooled.n if pooled is not None and pooled.n else 0.0
    chart = Chart(
        id="pr",
        title=title,
        description=f"Precision against recall. Without discrimination precision is {share:.3f}. "
        "The points are in the table below.",
        x=Axis(label="Recall (sensitivity)"),
        y=Axis(label="Precision (PPV)"),
        traces=traces,
        reference=((0, share), (1, share)),
        reference_name=f"Share malignant, {share:.2f}",
    )
    caption = (
        f"Precision depends on the mix of patients: {share:.1%} of those pooled were malignant."
    )
    table = _points_table(traces, "pr-points", "Points of the curves", ("Recall", "Precision"))
    return Plot("pr", title, caption, draw(chart), table=table)


def _traces(
    rows: Sequence[ResultRow], curve: Callable[[ResultRow], Points], *, with_auc: bool
) -> list[Trace]:
    """Return the pooled curve first, then the sites'."""
    traces = []
    for r in rows:
        if r.scope == "pooled" and curve(r):
            name = f"Pooled, AUC {number(r.auc.value)}" if with_auc else "Pooled"
            traces.append(Trace(name=name, points=curve(r), colour=BLACK, width=2.6))
    sites = [r for r in rows if r.scope == "site" and curve(r)]
    many = len(sites) > MOST_CURVES
    for i, r in enumerate(sites):
        colour, dash = (GREY, "") if many else STYLES[i]
        site = clip(r.site or "", 20)
        name = f"{site}, {number(r.auc.value)}" if with_auc else site
        if many:
            name = f"{len(sites)} sites" if i == 0 else ""
        width = 0.7 if many else 1.6
        traces.append(Trace(name=name, points=curve(r), colour=colour, dash=dash, width=width))
    return traces


def _points_table(traces: Sequence[Trace], name: str, caption: str, head: tuple[str, str]) -> Table:
    """Tabulate the curves that have a name of their own; those of many sites are in the CSV."""
    named = [t for t in traces if t.colour != GREY]
    rows = [(t.name.split(",")[0], p[0], p[1]) for t in named for p in t.points]
    note = "" if len(named) == len(traces) else "The sites' curves are in the CSV file."
    return Table(name, caption, ("Curve", *head), tuple(rows), note)
