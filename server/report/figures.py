"""The report's figures: what is drawn, said and tabulated, from the numbers of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hepafed.server.report.forest import Row, forest
from hepafed.server.report.rows import Table
from hepafed.server.report.svg import BLACK, GREY, SHAPES, STYLES, Axis, Chart, Line, Marks, draw
from hepafed.server.report.words import figure, number, place, preferred
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
        name = f"{r['site']}, {number(r['auc']['value'])}" if with_auc else r["site"]
        if many:
            name = f"{len(sites)} sites" if i == 0 else ""
        lines.append(
            Line(name=name, points=r[key], colour=colour, dash=dash, width=0.7 if many else 1.6)
        )
    return lines


def _points(lines: Sequence[Line], name: str, caption: str, head: tuple[str, str]) -> Table:
    rows = [
        (line.name.split(",")[0], p[0], p[1]) for line in lines if line.name for p in line.points
    ]
    return Table(name, caption, ("Curve", *head), tuple(rows))


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
    for i, r in enumerate(_readers(report)):
        marks.append(
            Marks(
                name=r[0], points=[(1 - r[2], r[1])],
                shape=SHAPES[i % 3], colour=STYLES[(i + 1) % len(STYLES)][0],
            )
        )  # fmt: skip
    said = "; ".join(line.name for line in lines if line.name)
    chart = Chart(
        id="roc", title=title,
        description=f"Sensitivity against 1 − specificity. {said}. The points are in the table below.",
        x=Axis(label="1 − specificity"), y=Axis(label="Sensitivity"),
        lines=lines, marks=marks, reference=((0, 0), (1, 1)), reference_name="No discrimination",
    )  # fmt: skip
    caption = (
        "The pooled curve orders the patients of all sites together; the diamond is the locked "
        "operating point" + ("; the other marks are the readers." if len(marks) > 1 else ".")
    )
    table = _points(
        lines, "roc-points", "Points of the ROC curves", ("1 − specificity", "Sensitivity")
    )
    return Figure("roc", title, caption, draw(chart), table=table)


def _readers(report: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Give (name, sensitivity, specificity) of each reader that has both, pooled."""
    found = []
    for r in report.get("readers") or []:
        if r.get("scope", "pooled") != "pooled":
            continue
        sensitivity = (r.get("sensitivity") or {}).get("value")
        specificity = (r.get("specificity") or {}).get("value")
        if sensitivity is not None and specificity is not None:
            found.append((reader_name(r["reader"]), sensitivity, specificity))
    return found


def reader_name(column: str) -> str:
    """Name a reader by the column: `reader_a` is Reader a."""
    return "Reader " + column.removeprefix("reader_").replace("_", " ")


def _pr(report: dict[str, Any]) -> Figure:
    title = "Precision and recall, malignant versus benign per patient"
    rows = _headline(report)
    lines = _curves(rows, "pr", with_auc=False)
    if not lines:
        return Figure("pr", title, "", reason=_why(rows))
    pooled = next(r for r in rows if r["scope"] == "pooled")
    share = pooled["positives"] / pooled["n"] if pooled["n"] else 0.0
    chart = Chart(
        id="pr", title=title,
        description=f"Precision against recall. Without discrimination precision is {share:.3f}. "
        "The points are in the table below.",
        x=Axis(label="Recall (sensitivity)"), y=Axis(label="Precision (PPV)"),
        lines=lines, reference=((0, share), (1, share)),
        reference_name=f"Share malignant, {share:.2f}",
    )  # fmt: skip
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
            name=f"{r['site']} ({r['n']})", value=r["auc"]["value"], low=r["auc"]["low"],
            high=r["auc"]["high"], weight=w / largest, words=figure(r["auc"]),
        )
        for r, w in zip(sites, widths, strict=True)
    ]  # fmt: skip
    for r in rows:
        if r["scope"] != "site" and r["auc"]["value"] is not None:
            auc = preferred(r["auc"])
            made.append(
                Row(
                    name=place(r), value=auc["value"], low=auc["low"], high=auc["high"],
                    kind="summary", words=figure(auc),
                )
            )  # fmt: skip
    made += _random_effects(report)
    table = Table(
        "forest-rows", "What the plot shows", ("Row", "AUC", "Low", "High"),
        tuple((m.name, m.value, m.low, m.high) for m in made),
    )  # fmt: skip
    said = "; ".join(f"{m.name}: {m.words}" for m in made)
    caption = (
        "Squares are sites, as large as their weight (inverse variance); diamonds are the pooled "
        "AUC, the plain mean of the sites and the random-effects mean; the last bar, where there is "
        "one, is where a new site's AUC is expected (95 % prediction interval)."
    )
    return Figure("forest", title, caption, forest("forest", title, said, made), table=table)


def _random_effects(report: dict[str, Any]) -> list[Row]:
    for h in report["heterogeneity"]:
        if (h["unit"], h["task"]) == HEADLINE and h.get("value") is not None:
            made = [
                Row(
                    name="Random effects", value=h["value"], low=h["low"], high=h["high"],
                    kind="summary", words=figure(h),
                )
            ]  # fmt: skip
            ends = h.get("prediction") or {}
            if ends.get("low") is not None:
                made.append(
                    Row(
                        name="Prediction interval", value=h["value"], low=ends["low"],
                        high=ends["high"], kind="prediction",
                        words=f"{number(ends['low'])}–{number(ends['high'])}",
                    )
                )  # fmt: skip
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
    return Figure("calibration", "Calibration", "", reason="not computed in this report")


def _decision(report: dict[str, Any]) -> Figure:
    return Figure("decision", "Decision curve", "", reason="not computed in this report")
