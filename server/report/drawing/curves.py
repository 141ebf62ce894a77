"""The ROC curves and the precision-recall curves, pooled and by site."""

from collections.abc import Callable, Sequence

from hepafed.common.contract import CLASS_KEYS
from hepafed.server.formats import Report, ResultRow
from hepafed.server.report.drawing.band import roc_band
from hepafed.server.report.drawing.chart import (
    BLACK,
    GREY,
    SHAPES,
    STYLES,
    Axis,
    Band,
    Chart,
    Marks,
    Trace,
    clip,
    draw,
)
from hepafed.server.report.drawing.plot import Plot, headline_rows, pooled_of, why_absent
from hepafed.server.report.facts import unit_words
from hepafed.server.report.tables import Table, auc_places, figure, percent, reader_points

Points = tuple[tuple[float, ...], ...]
MOST_CURVES = 8
"""More sites than this are drawn thin and grey, without a legend of their own."""


def roc_plot(report: Report) -> Plot:
    """Draw the ROC curves, the operating point and the readers."""
    title = "ROC curves, malignant versus benign per patient"
    rows = headline_rows(report)
    traces = _traces(rows, lambda r: r.roc or (), auc_places(report))
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
        bands=_bands(pooled_of(rows)),
        reference=((0, 0), (1, 1)),
        reference_name="No discrimination",
    )
    caption = _caption(report, pooled_of(rows), len(marks))
    if chart.bands:
        caption += " Shaded: 95 % interval of the pooled sensitivity at each specificity."
    head = ("1 − specificity", "Sensitivity")
    table = _points_table(traces, "roc-points", "Points of the ROC curves", head)
    return Plot("roc", title, caption, draw(chart), table=table)


def _bands(pooled: ResultRow | None) -> list[Band]:
    band = roc_band(pooled, name="Pooled, 95 % interval") if pooled is not None else None
    return [] if band is None else [band]


def class_roc_plot(report: Report) -> Plot:
    """Draw the pooled ROC curve of each class of lesions against the rest, each with its band."""
    units = unit_words(report)[1]
    title = f"ROC curves of each class of {units} against the rest, pooled"
    rows = {r.task: r for r in report.results if (r.unit, r.scope) == ("lesion", "pooled")}
    traces, bands = [], []
    for key, (colour, dash) in zip(CLASS_KEYS, STYLES, strict=False):
        row = rows.get(f"{key}_vs_rest")
        if row is None or not row.roc:
            continue
        name = key.replace("_", " ").capitalize()
        auc = figure(row.auc, auc_places(report)).split(" ")[0]
        traces.append(
            Trace(name=f"{name}, {auc}", points=row.roc, colour=colour, dash=dash, width=2)
        )
        bands += [b for b in [roc_band(row, colour)] if b is not None]
    if not traces:
        return Plot("roc-classes", title, "", reason=why_absent(list(rows.values())))
    chart = Chart(
        id="roc-classes",
        title=title,
        description=f"Sensitivity against 1 − specificity. {'; '.join(t.name for t in traces)}. "
        "The points are in the table below.",
        x=Axis(label="1 − specificity"),
        y=Axis(label="Sensitivity"),
        traces=traces,
        bands=bands,
        reference=((0, 0), (1, 1)),
        reference_name="No discrimination",
    )
    caption = "Each curve asks for one class against both others; the number is its AUC."
    if bands:
        caption += (
            " Shaded: 95 % interval of the sensitivity at each specificity, with fewer cases "
            f"counted where {units} share patients."
        )
    head = ("1 − specificity", "Sensitivity")
    table = _points_table(traces, "roc-class-points", "Points of the curves by class", head)
    return Plot("roc-classes", title, caption, draw(chart), table=table)


def _caption(report: Report, pooled: ResultRow | None, marks: int) -> str:
    """Return what the curves and marks are, with the rates at the operating point."""
    words = []
    if pooled is not None and pooled.roc and len(report.sites) > 1:
        words.append("The pooled curve uses the patients of all sites together.")
    if pooled is not None and pooled.sensitivity is not None and pooled.specificity is not None:
        caught, spared = pooled.sensitivity, pooled.specificity
        if caught.value is not None and spared.value is not None:
            words.append(
                f"The diamond marks the operating point, a threshold of "
                f"{report.model.operating_point.threshold:.4f}: sensitivity {figure(caught)}, "
                f"{caught.numerator:,} of {caught.denominator:,}; specificity {figure(spared)}, "
                f"{spared.numerator:,} of {spared.denominator:,}."
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
    traces = _traces(rows, lambda r: r.pr or ())
    if not traces:
        return Plot("pr", title, "", reason=why_absent(rows))
    pooled = pooled_of(rows)
    share = (pooled.positives or 0) / pooled.n if pooled is not None and pooled.n else 0.0
    chart = Chart(
        id="pr",
        title=title,
        description=f"Precision against recall. Without discrimination precision is {share:.2f}. "
        "The points are in the table below.",
        x=Axis(label="Recall (sensitivity)"),
        y=Axis(label="Precision (PPV)"),
        traces=traces,
        reference=((0, share), (1, share)),
        reference_name=f"Share malignant, {share:.2f}",
    )
    caption = (
        f"Precision depends on the mix of patients: {percent(share, pooled.n if pooled else 0)} of "
        "those pooled were malignant."
    )
    table = _points_table(traces, "pr-points", "Points of the curves", ("Recall", "Precision"))
    return Plot("pr", title, caption, draw(chart), table=table)


def _traces(
    rows: Sequence[ResultRow], curve: Callable[[ResultRow], Points], places: int = 0
) -> list[Trace]:
    """Return the pooled curve first, then the sites'; `places` of their AUCs, 0 for none."""

    def with_auc(name: str, between: str, r: ResultRow) -> str:
        auc = figure(r.auc, places).split(" ")[0]
        return f"{name}{between}{auc}" if places else name

    traces = []
    for r in rows:
        if r.scope == "pooled" and curve(r):
            name = with_auc("Pooled", ", AUC ", r)
            traces.append(Trace(name=name, points=curve(r), colour=BLACK, width=2.6))
    sites = [r for r in rows if r.scope == "site" and curve(r)]
    many = len(sites) > MOST_CURVES
    for i, r in enumerate(sites):
        colour, dash = (GREY, "") if many else STYLES[i]
        site = clip(r.site or "", 20)
        name = with_auc(site, ", ", r)
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
