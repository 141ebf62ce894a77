"""The report's figures: what is drawn, said and tabulated, from the numbers of the report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hepafed.server.report.drawing.chart import (
    BLACK,
    BLUE,
    GREY,
    SHAPES,
    STYLES,
    VERMILLION,
    Axis,
    Chart,
    Line,
    Marks,
    clip,
    draw,
)
from hepafed.server.report.drawing.forest import Row, forest
from hepafed.server.report.tables import Table, figure, number, place, preferred, reader_points
from markupsafe import Markup

HEADLINE = ("patient", "malignant_vs_benign")
MOST_CURVES = 8
"""More sites than this are drawn thin and grey, without a legend of their own."""


@dataclass(frozen=True)
class Figure:
    """One figure of the page; `svg` is None where there is a reason instead."""

    id: str
    title: str
    caption: str
    svg: Markup | None = None
    reason: str = ""
    table: Table | None = None
    tall: bool = False
    """Whether it fills a page when printed."""


def figures(report: dict[str, Any]) -> dict[str, Figure]:
    """Make every figure of the page by name."""
    made = (_roc(report), _pr(report), _forest(report), _calibration(report), _decision(report))
    return {f.id: f for f in made}


def _headline(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [r for r in report["results"] if (r["unit"], r["task"]) == HEADLINE]


def _curves(rows: Sequence[dict[str, Any]], key: str, with_auc: bool) -> list[Line]:
    """Give the pooled curve first, then the sites'."""
    lines = []
    sites = [r for r in rows if r["scope"] == "site" and r.get(key)]
    for r in rows:
        if r["scope"] == "pooled" and r.get(key):
            name = f"Pooled, AUC {number(r['auc']['value'])}" if with_auc else "Pooled"
            lines.append(Line(name=name, points=r[key], colour=BLACK, width=2.6))
    many = len(sites) > MOST_CURVES
    for i, r in enumerate(sites):
        colour, dash = (GREY, "") if many else STYLES[i]
        site = clip(r["site"], 20)
        name = f"{site}, {number(r['auc']['value'])}" if with_auc else site
        if many:
            name = f"{len(sites)} sites" if i == 0 else ""
        lines.append(
            Line(name=name, points=r[key], colour=colour, dash=dash, width=0.7 if many else 1.6)
        )
    return lines


def _points(lines: Sequence[Line], name: str, caption: str, head: tuple[str, str]) -> Table:
    """Tabulate the curves that have a name of their own; those of many sites are in the CSV."""
    named = [line for line in lines if line.colour != GREY]
    rows = [(line.name.split(",")[0], p[0], p[1]) for line in named for p in line.points]
    note = "" if len(named) == len(lines) else "The sites' curves are in the CSV file."
    return Table(name, caption, ("Curve", *head), tuple(rows), note)


def _roc(report: dict[str, Any]) -> Figure:
    title = "ROC curves, malignant versus benign per patient"
    rows = _headline(report)
    lines = _curves(rows, "roc", with_auc=True)
    if not lines:
        return Figure("roc", title, "", reason=_why(rows))
    pooled = next((r for r in rows if r["scope"] == "pooled"), None)
    marks = []
    if pooled and (pooled.get("sensitivity") or {}).get("value") is not None:
        spot = [1 - (pooled["specificity"]["value"] or 0), pooled["sensitivity"]["value"]]
        if pooled["specificity"]["value"] is not None:
            marks.append(Marks(name="Operating point", points=[spot], shape="diamond"))
    for i, r in enumerate(reader_points(report)):
        marks.append(
            Marks(
                name=r[0],
                points=[(1 - r[2], r[1])],
                shape=SHAPES[i % 3],
                colour=STYLES[(i + 1) % len(STYLES)][0],
            )
        )
    said = "; ".join(line.name for line in lines if line.name)
    chart = Chart(
        id="roc",
        title=title,
        description=f"Sensitivity against 1 − specificity. {said}. The points are tabled below.",
        x=Axis(label="1 − specificity"),
        y=Axis(label="Sensitivity"),
        lines=lines,
        marks=marks,
        reference=((0, 0), (1, 1)),
        reference_name="No discrimination",
    )
    caption = (
        "The pooled curve orders the patients of all sites together; the diamond is the "
        "operating point" + ("; the other marks are the readers." if len(marks) > 1 else ".")
    )
    table = _points(
        lines, "roc-points", "Points of the ROC curves", ("1 − specificity", "Sensitivity")
    )
    return Figure("roc", title, caption, draw(chart), table=table)


def _pr(report: dict[str, Any]) -> Figure:
    title = "Precision and recall, malignant versus benign per patient"
    rows = _headline(report)
    lines = _curves(rows, "pr", with_auc=False)
    if not lines:
        return Figure("pr", title, "", reason=_why(rows))
    pooled = next(r for r in rows if r["scope"] == "pooled")
    share = pooled["positives"] / pooled["n"] if pooled["n"] else 0.0
    chart = Chart(
        id="pr",
        title=title,
        description=f"Precision against recall. Without discrimination precision is {share:.3f}. "
        "The points are in the table below.",
        x=Axis(label="Recall (sensitivity)"),
        y=Axis(label="Precision (PPV)"),
        lines=lines,
        reference=((0, share), (1, share)),
        reference_name=f"Share malignant, {share:.2f}",
    )
    caption = (
        f"Precision depends on the mix of patients: {share:.1%} of those pooled were malignant."
    )
    table = _points(lines, "pr-points", "Points of the curves", ("Recall", "Precision"))
    return Figure("pr", title, caption, draw(chart), table=table)


def _forest(report: dict[str, Any]) -> Figure:
    title = "AUC by site, malignant versus benign per patient"
    rows = _headline(report)
    sites = [r for r in rows if r["scope"] == "site"]
    if not any(r["auc"]["value"] is not None for r in rows):
        return Figure("forest", title, "", reason=_why(rows))
    widths = [_precision(r["auc"]) for r in sites]
    largest = max(widths, default=0.0) or 1.0
    made = [
        Row(
            name=f"{clip(r['site'], 18)} ({r['n']})",
            value=r["auc"]["value"],
            low=r["auc"]["low"],
            high=r["auc"]["high"],
            weight=w / largest,
            words=figure(r["auc"]),
        )
        for r, w in zip(sites, widths, strict=True)
    ]
    for r in rows:
        if r["scope"] != "site" and r["auc"]["value"] is not None:
            auc = preferred(r["auc"])
            made.append(
                Row(
                    name=place(r),
                    value=auc["value"],
                    low=auc["low"],
                    high=auc["high"],
                    kind="summary",
                    words=figure(auc),
                )
            )
    made += _random_effects(report)
    table = Table(
        "forest-rows",
        "What the plot shows",
        ("Row", "AUC", "Low", "High"),
        tuple((m.name, m.value, m.low, m.high) for m in made),
    )
    said = "; ".join(f"{m.name}: {m.words}" for m in made)
    caption = (
        "Squares are sites, as large as their weight (inverse variance); diamonds are the pooled "
        "AUC, the plain mean of the sites and the random-effects mean; a last bar, where there "
        "is one, is where a new site's AUC is expected (95 % prediction interval)."
    )
    svg = forest("forest", title, said, made)
    return Figure("forest", title, caption, svg, table=table, tall=len(made) > 20)


def _random_effects(report: dict[str, Any]) -> list[Row]:
    for h in report["heterogeneity"]:
        if (h["unit"], h["task"]) == HEADLINE and h.get("value") is not None:
            made = [
                Row(
                    name="Random effects",
                    value=h["value"],
                    low=h["low"],
                    high=h["high"],
                    kind="summary",
                    words=figure(h),
                )
            ]
            ends = h.get("prediction") or {}
            if ends.get("low") is not None:
                made.append(
                    Row(
                        name="Prediction interval",
                        value=h["value"],
                        low=ends["low"],
                        high=ends["high"],
                        kind="prediction",
                        words=f"{number(ends['low'])}–{number(ends['high'])}",
                    )
                )
            return made
    return []


def _precision(auc: dict[str, Any]) -> float:
    if auc["low"] is None or auc["high"] is None or auc["high"] <= auc["low"]:
        return 0.0
    return float(1 / (auc["high"] - auc["low"]) ** 2)


def _why(rows: Sequence[dict[str, Any]]) -> str:
    """Give the reason that the report holds for a figure that is not there."""
    for r in rows:
        if r["scope"] == "pooled" and r["auc"].get("reason"):
            return str(r["auc"]["reason"])
    return "no site released what this figure needs"


def _calibration(report: dict[str, Any]) -> Figure:
    title = "Calibration, malignancy per patient"
    rows = [
        c
        for c in report["calibration"]
        if (c["unit"], c["task"]) == HEADLINE and c["scope"] == "pooled"
    ]
    held = [b for c in rows for b in c.get("reliability") or [] if b["n"]]
    shown = [b for b in held if (b["observed"] or {}).get("value") is not None]
    if not shown:
        why = next((c["slope"]["reason"] for c in rows if c["slope"].get("reason")), "")
        return Figure("calibration", title, "", reason=why or "no site released what it needs")
    points = [
        (b["mean_score"], b["observed"]["value"], b["observed"]["low"], b["observed"]["high"])
        for b in shown
    ]
    slope = figure(rows[0]["slope"])
    chart = Chart(
        id="calibration",
        title=title,
        description="Share malignant against mean predicted probability in tenths of the "
        f"probability, pooled. Calibration slope {slope}. The points are in the table below.",
        x=Axis(label="Mean predicted probability"),
        y=Axis(label="Share malignant"),
        lines=(Line(name="", points=points, colour=BLUE),),
        marks=(Marks(name="Pooled, 95 % interval", points=points, colour=BLUE),),
        reference=((0, 0), (1, 1)),
        reference_name="Perfect",
    )
    table = Table(
        "reliability",
        "Tenths of the predicted probability",
        ("From", "To", "Patients", "Mean predicted", "Share malignant", "Low", "High"),
        tuple(
            (
                b["low"],
                b["high"],
                b["n"],
                b["mean_score"],
                *((b["observed"] or {}).get(k) for k in ("value", "low", "high")),
            )
            for b in held
        ),
    )
    caption = f"Patients of all sites in tenths of the predicted probability; slope {slope}."
    return Figure("calibration", title, caption, draw(chart), table=table)


def _decision(report: dict[str, Any]) -> Figure:
    title = "Decision curve, malignancy per patient"
    rows = _headline(report)
    points = [p for r in rows if r["scope"] == "pooled" for p in r.get("net_benefit") or []]
    if not points:
        return Figure("decision", title, "", reason=_why(rows))
    model = [(p["threshold"], p["model"]) for p in points]
    everybody = [(p["threshold"], p["all"]) for p in points]
    top = max(0.1, *(y for _, y in model + everybody))
    high = math.ceil(top * 10) / 10
    # the line of treating everybody falls far below 0: it is cut where it has lost
    kept = [p for p in everybody if p[1] >= -0.1]
    if len(kept) < len(everybody):
        (x0, y0), (x1, y1) = kept[-1], everybody[len(kept)]
        kept.append((x0 + (x1 - x0) * (y0 + 0.1) / (y0 - y1), -0.1))
    chart = Chart(
        id="decision",
        title=title,
        description="Net benefit of acting on the model, on everybody and on nobody, by threshold "
        "probability, pooled. The points are in the table below.",
        x=Axis(label="Threshold probability"),
        y=Axis(
            label="Net benefit",
            low=-0.1,
            high=high,
            ticks=tuple(round(-0.1 + n / 10, 1) for n in range(round(high * 10) + 2)),
        ),
        lines=(
            Line(name="Act on the model", points=model, colour=BLACK, width=2.4),
            Line(name="Act on everybody", points=kept, colour=VERMILLION, dash="7 3"),
        ),
        reference=((0, 0), (1, 0)),
        reference_name="Act on nobody",
    )
    table = Table(
        "net-benefit",
        "Net benefit by threshold",
        ("Threshold", "Model", "Everybody"),
        tuple((p["threshold"], p["model"], p["all"]) for p in points),
    )
    caption = (
        "Net benefit: true positives less false positives weighted by the odds of the threshold, "
        "per patient, at the prevalence of the pooled cohort."
    )
    return Figure("decision", title, caption, draw(chart), table=table)
