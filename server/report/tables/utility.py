"""Where acting on the model does good, in sentences: the decision curve and the operating point."""

from collections.abc import Sequence
from dataclasses import dataclass

from hepafed.common.statistics import net_benefit
from hepafed.server.formats import NetBenefit, Report
from hepafed.server.report.tables.calibration_words import very_few
from hepafed.server.report.tables.table import is_headline
from hepafed.server.report.tables.words import number

EQUAL = 1e-12
"""Net benefits that differ by no more are one number."""


@dataclass(frozen=True)
class PointBenefit:
    """Net benefit at the locked operating point, from the pooled counts of calls."""

    threshold: float
    model: float
    everybody: float

    @property
    def harm(self) -> bool:
        """Whether acting on the model is worse than treating nobody."""
        return self.model < -EQUAL


def decision_points(report: Report) -> tuple[NetBenefit, ...]:
    """Return the pooled decision curve of malignancy per patient; empty where there is none."""
    rows = (r for r in report.results if is_headline(r) and r.scope == "pooled")
    return next((r.net_benefit or () for r in rows), ())


def point_benefit(report: Report) -> PointBenefit | None:
    """Return the net benefit at the operating point itself (Vickers and Elkin 2006).

    None where the pooled calls are withheld, are of a part of the patients, or the threshold is 0
    or 1.
    """
    threshold = report.model.operating_point.threshold
    for r in report.results:
        if not is_headline(r) or r.scope != "pooled" or not 0 < threshold < 1:
            continue
        caught, spared = r.sensitivity, r.specificity
        if caught is None or spared is None or not r.n:
            continue
        p, n, tp, tn = caught.denominator, spared.denominator, caught.numerator, spared.numerator
        if p is None or n is None or tp is None or tn is None or p + n != r.n:
            continue
        return PointBenefit(
            threshold,
            net_benefit(tp, n - tn, p + n, threshold),
            net_benefit(p, n, p + n, threshold),
        )
    return None


def ranges(points: Sequence[NetBenefit], kept: Sequence[bool]) -> list[tuple[float, float]]:
    """Return the runs of thresholds that are kept, as (first, last)."""
    found: list[tuple[float, float]] = []
    before = False
    for p, keep in zip(points, kept, strict=True):
        if keep:
            start = found.pop()[0] if before else p.threshold
            found.append((start, p.threshold))
        before = keep
    return found


def best_ranges(points: Sequence[NetBenefit]) -> list[tuple[float, float]]:
    """Return the runs of thresholds at which the model is better than both others."""
    ordered = sorted(points, key=lambda p: p.threshold)
    return ranges(ordered, [p.model > max(p.all, 0.0) + EQUAL for p in ordered])


def in_words(found: Sequence[tuple[float, float]]) -> str:
    """Write ranges of thresholds: `0.30, and 0.45 to 0.75`."""
    return ", and ".join(f"{a:.2f}" if a == b else f"{a:.2f} to {b:.2f}" for a, b in found)


def utility_sentences(report: Report) -> list[str]:
    """Return in which ranges of threshold the model is best, and what holds at the operating point.

    The net benefits have no interval: the sentences are of these patients. Of very few patients
    it is not said what they mean.
    """
    points, made = decision_points(report), []
    if points:
        best = best_ranges(points)
        tried = f"{len(points)} thresholds from {points[0].threshold:.2f} to "
        tried += f"{points[-1].threshold:.2f} were tried"
        where = in_words(best)
        noun = "threshold" if len(best) == 1 and best[0][0] == best[0][1] else "thresholds"
        made.append(
            "In these patients acting on the model has a higher net benefit than treating "
            f"everybody and than treating nobody at the {noun} {where} ({tried})."
            if best
            else "In these patients acting on the model has at no threshold a higher net benefit "
            f"than treating everybody and than treating nobody ({tried})."
        )
    found = point_benefit(report)
    if found is not None:
        stated, meaning = _at_point(found)
        made += [stated] if very_few(report) else [stated, meaning]
    return made


def _at_point(found: PointBenefit) -> tuple[str, str]:
    """Return the net benefits at the operating point, and what they mean."""
    stated = (
        f"At the operating point, a threshold of {found.threshold:.4f}, the net benefit of acting "
        f"on the model is {number(found.model)}; that of treating everybody is "
        f"{number(found.everybody)}, that of treating nobody 0."
    )
    if found.harm:
        meaning = "Acting on the model does harm there: it is worse than treating nobody."
    elif found.model < found.everybody - EQUAL:
        meaning = "Acting on the model does less good there than treating everybody."
    elif found.model > max(found.everybody, 0.0) + EQUAL:
        meaning = "Acting on the model does more good there than both."
    else:
        meaning = "Acting on the model does no more good there than the better of the two."
    return stated, meaning
