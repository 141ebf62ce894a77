"""Check that what a site released can be, before it is pooled."""

import math
from collections.abc import Mapping

import numpy as np
from hepafed.common.contract import (
    LEFT_OUT,
    LEVEL,
    MOST_LEVELS,
    MOST_VARIABLES,
    NAME,
    SOURCES,
    Figure,
    PairSummary,
    TaskSummary,
)
from hepafed.common.contract.messages import SiteComparison, SiteSummary
from hepafed.common.disclosure import (
    CLUSTERED,
    TASK,
    UNIT,
    pairs_of,
    possible_discordance,
    right_alone,
)
from hepafed.common.errors import DataError, HepaFedError
from hepafed.common.statistics import (
    MEANS,
    TASK_ORDER,
    intervals_of,
    kappa,
    pair_intervals,
    possible_products,
)
from hepafed.server.pooling.evidence import Evidence, evidence, task_of

MOST_MINIMUM = 1000
"""Largest `minimum_count` that a policy can state."""
MOST_LEFT_OUT = 10**8
"""The most lesions that a site can have left out."""
AUCS = ("clustered", "clustered_logit", "logit")
SHARES = (
    "partial_auc",
    "sensitivity_at",
    "specificity_at",
    "average_precision",
)


def check_summary(site: str, summary: SiteSummary) -> None:
    """Check that a summary's numbers can be; DataError names the site when they cannot."""
    for t in summary.tasks:
        _check_counts(site, t)
        if t.cells is not None:
            if intervals_of(t.cells).totals != (t.positives, t.negatives):
                raise DataError(f"{site} released cells whose sum differs from its counts")
            if t.unit == "lesion":
                pair_intervals(t.cells, first=True)
        check_figures(site, t.auc, *(f for n, f in t.figures.items() if n in AUCS))
        check_figures(site, *(f for n, f in t.figures.items() if n.startswith(SHARES)))
    check_figures(site, *(f for n, f in summary.figures.items() if n in MEANS))
    if not 1 <= summary.minimum_count <= MOST_MINIMUM:
        raise DataError(f"{site} released an impossible minimum count")
    _check_origin(site, summary)
    _check_subgroups(site, summary)
    _check_sections(site, summary)


def check_figures(site: str, *figures: Figure, least: float = 0.0) -> None:
    """Check values, ends and standard errors of AUCs, or of differences (`least` −1)."""
    for f in figures:
        if any(v is not None and not least <= v <= 1 for v in (f.value, f.low, f.high)):
            raise DataError(f"{site} released an AUC outside {least:g}…1")
        if f.low is not None and f.high is not None and f.low > f.high:
            raise DataError(f"{site} released an interval that ends before it begins")
        if f.se is not None and not 0 <= f.se <= 1:
            raise DataError(f"{site} released an impossible standard error")
        if f.half_band != 0:
            raise DataError(f"{site} released a band of an AUC before the sum was opened")


def check_comparison(site: str, found: SiteComparison, models: int, summary: SiteSummary) -> None:
    """Hold a site's comparison to what can be and to its own summary; DataError names the site."""
    wanted = [(a, b, u, t) for a, b in pairs_of(models) for u, t in TASK_ORDER]
    if [(p.first, p.second, p.unit, p.task) for p in found.pairs] != wanted:
        raise DataError(f"{site} released another comparison than was asked for")
    if not (0 < found.patients <= summary.patients and 0 < found.lesions <= summary.lesions) or (
        found.minimum_count != summary.minimum_count
    ):
        raise DataError(f"{site} released a comparison of other cases than it has")
    for p in found.pairs:
        cases = found.patients if p.unit == "patient" else found.lesions
        if min(p.positives, p.negatives) < 0 or p.positives + p.negatives != cases:
            raise DataError(f"{site} released a comparison of other cases than it has")
        check_figures(site, p.auc_first, p.auc_second)
        check_figures(site, p.difference, least=-1.0)
        check_figures(site, *(f for f in (p.covering_first, p.covering_second) if f is not None))
        if p.covering is not None:
            check_figures(site, p.covering, least=-1.0)
        _check_difference(site, p)
        _check_calls(site, p)


def _check_calls(site: str, p: PairSummary) -> None:
    if p.calls is None:
        if p.discordant is not None:
            raise DataError(f"{site} released how calls fall on patients without the calls")
        return
    counts = (sum(p.calls[:4]), sum(p.calls[4:]))
    if len(p.calls) != 8 or min(p.calls) < 0 or counts != (p.negatives, p.positives):
        raise DataError(f"{site} released crossed calls of other cases than it has")
    if p.discordant is None:
        return
    alone = right_alone(np.array(p.calls, np.int64).reshape(2, 2, 2))
    if len(p.discordant) != 2 or not possible_discordance(*alone, *p.discordant):
        raise DataError(f"{site} released impossible sums of calls over patients")


def _check_difference(site: str, p: PairSummary) -> None:
    gain, first, second = p.difference.value, p.auc_first.value, p.auc_second.value
    fits = 0 <= p.bound <= 1
    if gain is not None:
        fits = fits and first is not None and second is not None
        fits = fits and abs(gain - ((second or 0.0) - (first or 0.0))) <= 1e-9
    covering = (
        (p.covering, p.difference),
        (p.covering_first, p.auc_first),
        (p.covering_second, p.auc_second),
    )
    for other, its in covering:
        if other is not None and other.value is not None:
            fits = fits and its.value is not None and abs(other.value - its.value) <= 1e-9
    if not fits:
        raise DataError(f"{site} released a difference that is not that of its AUCs")


def _check_subgroups(site: str, summary: SiteSummary) -> None:
    """Levels exclude each other: together they are no more than the site's patients."""
    seen: dict[str, list[tuple[int, int]]] = {}
    for g in summary.subgroups:
        if not NAME.fullmatch(g.variable) or not LEVEL.fullmatch(g.level):
            raise DataError(f"{site} released a subgroup with an unusable name")
        p, n = g.positives or 0, g.negatives or 0
        tp, tn = g.true_positives or 0, g.true_negatives or 0
        half = (g.positives is None) != (g.negatives is None)
        if half or min(p, n, tp, tn) < 0 or tp > p or tn > n:
            raise DataError(f"{site} released impossible counts of a subgroup")
        check_figures(site, g.auc)
        seen.setdefault(g.variable, []).append((p, n))
    names = [(g.variable, g.level) for g in summary.subgroups]
    if len(set(names)) < len(names) or len(seen) > MOST_VARIABLES:
        raise DataError(f"{site} released a subgroup twice, or too many")
    whole = task_of(summary, UNIT, TASK)
    most = (whole.positives, whole.negatives) if whole is not None else (0, 0)
    for parts in seen.values():
        if len(parts) > MOST_LEVELS + 2 or any(
            sum(c) > m for c, m in zip(zip(*parts, strict=True), most, strict=True)
        ):
            raise DataError(f"{site} released subgroups of more patients than it has")


def _check_origin(site: str, summary: SiteSummary) -> None:
    """Hold what a site states of its cohort to the known words and to itself."""
    found = summary.origin
    if found is None:
        return
    if found.sources != tuple(s for s in SOURCES if s in found.sources):
        raise DataError(f"{site} stated an unknown source of its cohort, or one twice")
    reasons = [part.reason for part in found.left_out or ()]
    if reasons != [r for r in LEFT_OUT if r in reasons]:
        raise DataError(f"{site} left lesions out for an unknown reason, or one twice")
    for part in found.left_out or ():
        patients, lesions = part.patients, part.lesions
        if (patients is None) != (lesions is None):
            raise DataError(f"{site} released half of a count of what it left out")
        if patients is not None and lesions is not None:
            if not 0 <= patients <= lesions <= MOST_LEFT_OUT:
                raise DataError(f"{site} released impossible counts of what it left out")
            if any(0 < n < summary.minimum_count for n in (patients, lesions)):
                raise DataError(f"{site} released a count of what it left out below its minimum")


def _check_counts(site: str, t: TaskSummary) -> None:
    tp, tn = t.true_positives or 0, t.true_negatives or 0
    if min(t.positives, t.negatives, tp, tn) < 0 or tp > t.positives or tn > t.negatives:
        raise DataError(f"{site} released impossible counts")


def _check_sections(site: str, summary: SiteSummary) -> None:
    try:
        known = evidence({site: summary})
    except HepaFedError as e:
        raise DataError(f"{site} released {e.message}") from e
    s = known.sections
    for values in s.values():
        if not isinstance(values, str) and values.min(initial=0) < 0:
            raise DataError(f"{site} released a count below zero")
    called, decision = known.section("called"), known.section("decision")
    reliability, confusion = known.section("reliability"), known.section("confusion")
    if called is not None:
        by_truth = called.sum(2)
        if decision is not None and (decision > by_truth[:, :, None]).any():
            raise DataError(f"{site} released a decision curve of more cases than it has")
        if reliability is not None and (reliability.sum(2) != by_truth).any():
            raise DataError(f"{site} released a reliability table of other cases than it has")
    if confusion is not None and confusion.sum() != summary.lesions:
        raise DataError(f"{site} released a confusion table of other lesions than it has")
    _check_products(site, summary, known)
    _check_intervals(site, summary, known)


def _check_products(site: str, summary: SiteSummary, known: Evidence) -> None:
    """Hold sums over patients to the counts that they are over."""
    of_confusion, of_called = known.section("confusion_products"), known.section("called_products")
    if of_confusion is None and of_called is None:
        return
    confusion, called = known.section("confusion"), known.section("called")
    if of_confusion is None or of_called is None or confusion is None or called is None:
        raise DataError(f"{site} released sums over patients without the counts that they are over")
    if not possible_products(of_confusion, of_called, (confusion, called), summary.patients):
        raise DataError(f"{site} released impossible sums over patients")


def _check_intervals(site: str, summary: SiteSummary, known: Evidence) -> None:
    """Hold the site's own intervals of rates and kappa to its counts."""
    for own in summary.tasks:
        _check_own(site, _values(own), own.figures)
    confusion = known.section("confusion")
    values: dict[str, float] = {}
    if confusion is not None and confusion.sum():
        values["accuracy"] = float(np.trace(confusion) / confusion.sum())
        if (agreement := kappa(confusion)) is not None:
            values["kappa"] = agreement.value
    _check_own(site, values, summary.figures)


def _values(own: TaskSummary) -> dict[str, float]:
    """Return the rates of a task's calls, those that there are; none where they are withheld."""
    tp, tn = own.true_positives, own.true_negatives
    if tp is None or tn is None:
        return {}
    fn, fp = own.positives - tp, own.negatives - tn
    shares = {
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
        "accuracy": (tp + tn, tp + tn + fp + fn),
    }
    made = {name: k / n for name, (k, n) in shares.items() if n}
    if tp + fn and tn + fp:
        a, b = made["sensitivity"], made["specificity"]
        made["balanced_accuracy"] = (a + b) / 2
        for name, over, under in (
            ("likelihood_positive", a, 1 - b),
            ("likelihood_negative", 1 - a, b),
        ):
            if under > 0:
                made[name] = over / under
    return made


def _check_own(site: str, values: Mapping[str, float], figures: Mapping[str, Figure]) -> None:
    """Check that each interval is around the value that the counts give."""
    for name, f in figures.items():
        if name in AUCS or not name.startswith(CLUSTERED):
            continue
        expected = values.get(name.removeprefix(CLUSTERED))
        numbers = [v for v in (f.value, f.low, f.high, f.se) if v is not None]
        fits = expected is not None and len(numbers) == 4 and all(map(math.isfinite, numbers))
        if fits and expected is not None:
            value, low, high, se = numbers
            least, most = (-1.0 if name.endswith("kappa") else 0.0), max(1.0, high)
            if "likelihood" not in name:
                most = 1.0
            near = math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9)
            fits = (
                near and least <= low <= value + 1e-9 and value - 1e-9 <= high <= most and se >= 0
            )
        if not fits:
            raise DataError(f"{site} released an interval that is not of its counts")
