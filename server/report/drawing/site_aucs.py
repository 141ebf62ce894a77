"""The figure of the sites' AUCs: every site, the pooled AUC and the random-effects mean."""

from hepafed.server.formats import HeterogeneityRow, Report
from hepafed.server.report.drawing.chart import clip
from hepafed.server.report.drawing.forest import ForestRow, forest
from hepafed.server.report.drawing.plot import Plot, headline_rows, why_absent
from hepafed.server.report.tables import (
    Table,
    auc_places,
    figure,
    interval,
    is_headline,
    mean_of_sites,
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
    if len(report.sites) == 1:
        return Plot("forest", title, "", reason="there is one site, and the table has its AUC")
    if not any(r.scope == "site" for r in rows):
        why = "no figure of a single site was released, and the table has the pooled AUC"
        return Plot("forest", title, "", reason=why)
    made = [*_sites(report), *_summaries(report), *_random_effects(report)]
    table = Table(
        "forest-rows",
        "What the plot shows",
        ("Row", "AUC", "Low", "High"),
        tuple((m.name, m.value, m.low, m.high) for m in made),
    )
    said = "; ".join(f"{m.name}: {m.words}" for m in made)
    caption = f"{_squares(report, made)} {_diamonds(made)}".strip()
    if any(m.kind == "prediction" for m in made):
        caption += (
            " Last bar: range in which the AUC of a new, similar site is expected with 95 % "
            "probability (prediction interval); with few sites this range is wide."
        )
    if left := [f"{x.site} ({x.reason})" for h in _spread(report) for x in h.left_out or ()]:
        caption += f" Not in the random-effects mean: {'; '.join(left)}."
    svg = forest("forest", title, said, made)
    return Plot("forest", title, caption, svg, table=table, tall=len(made) > 20)


def _squares(report: Report, made: list[ForestRow]) -> str:
    """Say what the squares are, and of which sites there is none.

    Without a mean of the sites all squares are of one size.
    """
    sites = [m for m in made if m.kind == "site"]
    drawn = [m for m in sites if m.value is not None]
    if not drawn:
        return "No site has an AUC of its own here." if sites else ""
    area = "; the area of a square is the site's weight in the random-effects mean"
    said = f"Squares: AUC of each site with 95 % CI{area if _spread(report) else ''}."
    return said if len(drawn) == len(sites) else f"{said} A dash: the site has no AUC here."


def _diamonds(made: list[ForestRow]) -> str:
    """Name the ways of averaging that are drawn; warn of a large site where there are several."""
    ways = [AVERAGES[m.name] for m in made if m.name in AVERAGES]
    words = f"Diamonds: ways of averaging ({', '.join(ways)})." if ways else ""
    if (
        sum(m.kind == "site" and m.value is not None for m in made) > 1
        and AVERAGES["Pooled"] in ways
    ):
        words += " Look at the squares before you rely on the pooled AUC: one large site can "
        words += "dominate it."
    return words


def _sites(report: Report) -> list[ForestRow]:
    sites, places = [r for r in headline_rows(report) if r.scope == "site"], auc_places(report)
    weights = {w.site: w.weight for h in _spread(report) for w in h.weights or ()}
    largest, absent = max(weights.values(), default=1.0), 0.0 if weights else 1.0
    made = []
    for r in sites:
        auc = preferred(r.auc)
        made.append(
            ForestRow(
                name=f"{clip(r.site or '', 18)} ({r.n})",
                value=auc.value,
                low=auc.low,
                high=auc.high,
                weight=weights.get(r.site or "", absent) / largest,
                words=figure(auc, places),
            )
        )
    return made


def _spread(report: Report) -> list[HeterogeneityRow]:
    """Return the headline's row of `heterogeneity`, where there is a mean of the sites."""
    return [h for h in report.heterogeneity if is_headline(h) and h.value is not None]


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
    found = next(iter(_spread(report)), None)
    if found is None:
        return []
    places = auc_places(report)
    mean = mean_of_sites(found)
    made = [
        ForestRow(
            name="Random effects",
            value=mean.value,
            low=mean.low,
            high=mean.high,
            kind="summary",
            words=figure(mean, places),
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
                words=interval(ends, places),
            )
        )
    return made
