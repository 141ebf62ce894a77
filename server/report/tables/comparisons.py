"""The tables of readers and comparisons, and where a reader stands on the ROC curve."""

from dataclasses import replace

from hepafed.server.formats import ComparisonRow, IntervalEstimate, Report
from hepafed.server.report.tables.rounding import auc_places
from hepafed.server.report.tables.table import Table, estimate
from hepafed.server.report.tables.words import NONE, figure, gain, number, task

ALPHA = 0.05
"""P value below which a difference is found, as by an interval of 95 % without 0."""


def reader_name(column: str) -> str:
    """Name a reader by the column: `reader_a` is Reader a."""
    return "Reader " + column.removeprefix("reader_").replace("_", " ")


def reader_points(report: Report) -> list[tuple[str, float, float]]:
    """Return (name, sensitivity, specificity) of each reader that has both."""
    return [
        (reader_name(r.reader), r.sensitivity.value, r.specificity.value)
        for r in report.readers
        if r.sensitivity.value is not None and r.specificity.value is not None
    ]


def p_value(p: float | None) -> str:
    """Write a p value: three places, never 0."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def readers(report: Report) -> Table:
    """Tabulate each reader beside the model, on the reader's own patients."""
    rows: list[tuple[object, ...]] = []
    for r in report.readers:
        held = r.non_inferiority
        margin, why = (held.margin, held.why) if held else (None, "")
        judged = number(r.n) if r.of in (None, r.n) else f"{r.n:,} of {r.of:,}"
        rows += [
            (
                reader_name(r.reader),
                judged,
                "Sensitivity",
                estimate(r.sensitivity),
                estimate(r.model_sensitivity),
                estimate(r.sensitivity_difference),
                p_value(r.sensitivity_mcnemar_exact_p),
                _shown(held.sensitivity if held else None, margin, why),
            ),
            (
                reader_name(r.reader),
                judged,
                "Specificity",
                estimate(r.specificity),
                estimate(r.model_specificity),
                estimate(r.specificity_difference),
                p_value(r.specificity_mcnemar_exact_p),
                _shown(held.specificity if held else None, margin, why),
            ),
        ]
    head = (
        "Who",
        "Patients",
        "Rate",
        "Reader",
        "Model",
        "Model − reader",
        "McNemar p",
        "Not inferior",
    )
    note = (
        "Rates with Wilson's 95 % interval on the patients that the reader judged; the p values "
        "are of McNemar's exact test and not adjusted for the number of readers. Model − reader is "
        f"a difference of shares: 0.1 is 10 percentage points. {_margin_words(report)}"
    )
    return Table(
        "readers", "Readers and the model at the operating point", head, tuple(rows), note, 3
    )


def _margin_words(report: Report) -> str:
    """Say what one margin is used for: more than the endpoint that it was registered for."""
    if not any(r.non_inferiority for r in report.readers):
        return "Not inferior: no margin was stated, so nothing is judged."
    return (
        "Not inferior: the interval of model − reader is above −margin; judged only where the "
        "reader judged at least 95 % of the patients of either class. The stated margin is used "
        "for every reader and for both rates: a verdict that is not a registered endpoint is "
        "exploratory."
    )


def agreement(report: Report) -> Table:
    """Tabulate kappa of each reader with the model and of the readers with each other."""
    rows: list[tuple[object, ...]] = [
        (f"{reader_name(r.reader)} and the model", r.n, figure(r.kappa_with_model))
        for r in report.readers
        if r.kappa_with_model.value is not None
    ]
    for pair in report.reader_agreement:
        names = " and ".join(reader_name(n) for n in pair.readers)
        rows.append((names, pair.n, figure(pair.kappa)))
    head = ("Who", "Patients", "Kappa (95 % CI)")
    return Table("agreement", "Agreement on malignancy", head, tuple(rows))


def comparisons(report: Report) -> Table:
    """Tabulate pairs of models on the same cases, pooled."""
    pooled, places = _compared(report, "pooled"), auc_places(report)
    rows = [
        (
            _pair(c),
            task(c),
            (cases(c), _lost(c)),
            estimate(c.auc_first, places),
            estimate(c.auc_second, places),
            _difference(c, places),
            p_value(c.p_holm),
            p_value(c.mcnemar.p_holm),
            _held(c),
        )
        for c in pooled
    ]
    methods = dict.fromkeys(c.method for c in pooled)
    made = dict.fromkeys(c.covering.method for c in pooled if c.covering and c.covering.method)
    head = (
        "Models",
        "Task",
        "n",
        "AUC, first",
        "AUC, second",
        "First − second",
        "DeLong p",
        "McNemar p",
        "First not inferior",
    )
    note = (
        "These figures use the cases that every compared model could score. Paired tests: DeLong "
        "(AUC; "
        f"{'; '.join(methods)}) and McNemar (right or wrong calls at each model's operating point; "
        "exact for patients, over patients for lesions); p values are adjusted after Holm for the "
        "number of pairs of models. First not "
        "inferior: the lower 95 % limit of first − second minus the pooling error is above "
        "−margin. The validated model is the first of its pairs. It is not judged where fewer than "
        "95 % of the report's cases of either class are compared; the sites that lack cases are "
        "named below n."
    )
    if made:
        note += (
            f" The interval of a difference is made from those of both AUCs ({'; '.join(made)})."
        )

    apart = [f"{_pair(c)}, {task(c)}" for c in pooled if _disagree(c)]
    if apart:
        note += (
            " DeLong's p and the interval are two methods, and here only one of them finds a "
            f"difference: {'; '.join(apart)}. The verdicts use the interval."
        )
    return Table("comparisons", "Models on the same cases", head, tuple(rows), note, 2)


def _disagree(comparison: ComparisonRow) -> bool:
    """Return whether one of p and interval, both before Holm, finds a difference alone."""
    ends = gain(comparison)
    if comparison.p is None or ends.low is None or ends.high is None:
        return False
    return (comparison.p < ALPHA) == (ends.low <= 0 <= ends.high)


def comparisons_by_site(report: Report) -> Table:
    """Tabulate what each site found of the patients' task."""
    places = auc_places(report)
    rows = [
        (
            _pair(c),
            c.site,
            cases(c),
            estimate(c.auc_first, places),
            estimate(c.auc_second, places),
            _difference(c, places),
            p_value(c.p_holm),
        )
        for c in _compared(report, "site")
        if c.unit == "patient"
    ]
    head = ("Models", "Site", "Patients", "AUC, first", "AUC, second", "First − second", "DeLong p")
    note = "Malignant versus benign, by site. The lesion tasks are in comparisons.csv."
    return Table("comparisons-by-site", "Models at each site", head, tuple(rows), note, 2)


def _difference(comparison: ComparisonRow, places: int) -> tuple[str, str]:
    """Return first − second as a cell, with what its interval's remark says."""
    value, ends = estimate(validated_minus(comparison), places)
    chosen = comparison.covering
    remark = chosen.warning if chosen and chosen.low is not None else ""
    return value, "; ".join(filter(None, (ends, remark)))


def validated_minus(comparison: ComparisonRow) -> IntervalEstimate:
    """Return the AUC of first − second; the validated model is the first of its pairs."""
    held = gain(comparison)
    if held.value is None:
        return held
    ends = (None if e is None else 0.0 - e for e in (held.high, held.low))
    low, high = ends
    return replace(held, value=0.0 - held.value, low=low, high=high)


def _compared(report: Report, scope: str) -> list[ComparisonRow]:
    return [c for c in report.comparisons if c.scope == scope]


def _pair(comparison: ComparisonRow) -> str:
    return f"{comparison.first} vs {comparison.second}"


def cases(comparison: ComparisonRow) -> str:
    """Write how many cases are compared: `52 of 94` where some of the report's are not."""
    of = comparison.of
    return number(comparison.n) if of in (None, comparison.n) else f"{comparison.n:,} of {of:,}"


def _lost(comparison: ComparisonRow) -> str:
    return "; ".join(
        f"{x.site}: {x.n} of {x.of}" + (f" ({x.reason})" if x.reason else "")
        for x in comparison.lost or ()
    )


def _held(comparison: ComparisonRow) -> object:
    held = comparison.non_inferiority
    return _shown(held.holds, held.margin, held.why) if held else NONE


def _shown(holds: bool | None, margin: float | None, why: str = "") -> object:
    """Return whether non-inferiority was shown, with the margin below, or why it is not judged."""
    if holds is None or margin is None:
        return NONE
    if why:
        return "not judged", f"margin {margin:g}; {why}"
    return "shown" if holds else "not shown", f"margin {margin:g}"
