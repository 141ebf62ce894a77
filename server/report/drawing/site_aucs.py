"""The figure of the sites' AUCs: every site, the pooled AUC and the random-effects mean."""

from hepafed.server.formats import AucEstimate, Report
from hepafed.server.report.drawing.chart import clip
from hepafed.server.report.drawing.forest import ForestRow, forest
from hepafed.server.report.drawing.plot import Plot, headline_rows, why_absent
from hepafed.server.report.tables import (
    Table,
    auc_places,
    figure,
    is_headline,
    number,
    place,
    preferred,
)

AVERAGES = {
    "Pooled": "all patients together",
    "Mean of sites": "plain mean of the sites",
    "Random effects": "random effects",
}
"""Diamonds of the plot, in words."""


def forest_plot(report: Report) -> Plot:
    """Draw the AUC of each site with its interval, and the pooled ones below."""
    title = "AUC by site, malignant versus benign per patient"
    rows = headline_rows(report)
    if not any(r.auc.value is not None for r in rows):
        return Plot("forest", title, "", reason=why_absent(rows))
    made = [*_sites(report), *_summaries(report), *_random_effects(report)]
    table = Table(
        "forest-rows",
        "What the plot shows",
        ("Row", "AUC", "Low", "High"),
        tuple((m.name, m.value, m.low, m.high) for m in made),
    )
    said = "; ".join(f"{m.name}: {m.words}" for m in made)
    caption = (
        "Squares: AUC of each site with 95 % CI; larger squares carry more weight (inverse "
        "variance). "
        f"{_diamonds(made)}"
    )
    if any(m.kind == "prediction" for m in made):
        caption += (
            " Last bar: range in which the AUC of a new, similar site is expected with 95 % "
            "probability (prediction interval); with few sites this range is wide."
        )
    svg = forest("forest", title, said, made)
    return Plot("forest", title, caption, svg, table=table, tall=len(made) > 20)


def _diamonds(made: list[ForestRow]) -> str:
    """Name the ways of averaging that are drawn; warn of a large site where there are several."""
    ways = [AVERAGES[m.name] for m in made if m.name in AVERAGES]
    words = f"Diamonds: ways of averaging ({', '.join(ways)})." if ways else ""
    if sum(m.kind == "site" for m in made) > 1 and AVERAGES["Pooled"] in ways:
        words += " Look at the squares before you rely on the pooled AUC: one large site can "
        words += "dominate it."
    return words


def _sites(report: Report) -> list[ForestRow]:
    sites, places = [r for r in headline_rows(report) if r.scope == "site"], auc_places(report)
    precisions = [_precision(r.auc) for r in sites]
    largest = max(precisions, default=0.0) or 1.0
    return [
        ForestRow(
            name=f"{clip(r.site or '', 18)} ({r.n})",
            value=r.auc.value,
            low=r.auc.low,
            high=r.auc.high,
            weight=precision / largest,
            words=figure(r.auc, places),
        )
        for r, precision in zip(sites, precisions, strict=True)
    ]


def _precision(auc: AucEstimate) -> float:
    if auc.low is None or auc.high is None or auc.high <= auc.low:
        return 0.0
    return float(1 / (auc.high - auc.low) ** 2)


def _summaries(report: Report) -> list[ForestRow]:
    made, places = [], auc_places(report)
    for r in headline_rows(report):
        if r.scope != "site" and r.auc.value is not None:
            auc = preferred(r.auc)
            made.append(
                ForestRow(
                    name=place(r),
                    value=auc.value,
                    low=auc.low,
                    high=auc.high,
                    kind="summary",
                    words=figure(auc, places),
                )
            )
    return made


def _random_effects(report: Report) -> list[ForestRow]:
    """Return the random-effects mean and, where there is one, the prediction interval."""
    found = next((h for h in report.heterogeneity if is_headline(h) and h.value is not None), None)
    if found is None:
        return []
    places = auc_places(report)
    made = [
        ForestRow(
            name="Random effects",
            value=found.value,
            low=found.low,
            high=found.high,
            kind="summary",
            words=figure(found, places),
        )
    ]
    ends = found.prediction
    if ends is not None and ends.low is not None:
        made.append(
            ForestRow(
                name="Prediction interval",
                value=found.value,
                low=ends.low,
                high=ends.high,
                kind="prediction",
                words=f"{number(ends.low, places)}–{number(ends.high, places)}",
            )
        )
    return made
