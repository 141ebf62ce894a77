"""The report of a validation whose counts carry noise: what exists of it, and nothing else."""

from collections.abc import Mapping, Sequence

from hepafed.common.contract import CLASS_KEYS, Figure
from hepafed.common.disclosure.noise import edges_of, parts_of
from hepafed.common.statistics import TASK_ORDER
from hepafed.server.formats import (
    AucEstimate,
    CoveringInterval,
    FormRow,
    IntervalEstimate,
    ModelPart,
    NoisePart,
    NoisySite,
    Provenance,
    RateEstimate,
    Report,
    ResultRow,
    SiteRow,
)
from hepafed.server.pooling.noisy.counts import Estimated, NoisySum, estimated
from hepafed.server.pooling.noisy.intervals import noisy_auc, noisy_rate, noisy_total

METHOD = "score interval with the noise"
RATE_METHOD = "wilson with the noise"


def noisy_report(
    found: NoisySum,
    minimum_counts: Mapping[str, int],
    model: ModelPart,
    provenance: Provenance,
    notes: Sequence[str] = (),
) -> Report:
    """Return the report of an opened sum with noise; nothing of a single site is in it."""
    unknown: dict[str, int | None] = dict.fromkeys(CLASS_KEYS)
    return Report(
        model=model,
        sites=tuple(
            SiteRow(site=s, patients=None, lesions=None, by_class=unknown) for s in found.sites
        ),
        results=(_row(estimated(found)),),
        confusion=(),
        heterogeneity=(),
        readers=(),
        calibration=(),
        suppressed=(),
        forms=tuple(
            FormRow(site=s, form="noisy", sum_over=found.sites, minimum_count=minimum_counts[s])
            for s in found.sites
        ),
        notes=tuple(notes),
        noise=_part(found, model.operating_point.threshold),
        provenance=provenance,
    )


def _row(known: Estimated) -> ResultRow:
    unit, task = TASK_ORDER[0]
    (tn, fp), (fn, tp) = known.called.tolist()
    figure, error = noisy_auc(known)
    negatives, positives = (max(0, round(n)) for n in known.totals.tolist())
    one = known.half
    return ResultRow(
        scope="pooled",
        site=None,
        unit=unit,
        task=task,
        n=negatives + positives,
        positives=positives,
        auc=_auc(figure, error),
        sensitivity=_rate(noisy_rate(tp, fn, one)),
        specificity=_rate(noisy_rate(tn, fp, one)),
        ppv=_rate(noisy_rate(tp, fp, one)),
        npv=_rate(noisy_rate(tn, fn, one)),
        accuracy=_rate(noisy_rate(tp + tn, fp + fn, 2 * one)),
    )


def _auc(figure: Figure, error: float) -> AucEstimate:
    ends = CoveringInterval(low=figure.low, high=figure.high, method=METHOD, decides=True)
    return AucEstimate(
        value=figure.value,
        low=None,  # there is no plain interval
        high=None,
        method=METHOD,
        binning_error=error,
        reason=figure.reason,
        covering=None if figure.value is None else ends,
    )


def _rate(figure: Figure) -> RateEstimate:
    return RateEstimate(
        value=figure.value,
        low=figure.low,
        high=figure.high,
        method=RATE_METHOD,
        numerator=None,
        denominator=None,
        reason=figure.reason,
    )


def _part(found: NoisySum, threshold: float) -> NoisePart:
    called, cells = parts_of(found.vector)
    known = estimated(found)
    negatives, positives = known.totals.tolist()
    return NoisePart(
        sites=tuple(
            NoisySite(site=s, epsilon=n.epsilon, delta=n.delta, colluding_sites=n.colluding_sites)
            for s, n in sorted(found.needs.items())
        ),
        variance=found.variance,
        malignant=_total(positives, 2 * known.half),
        benign=_total(negatives, 2 * known.half),
        edges=edges_of(threshold),
        called=tuple(map(tuple, called.tolist())),
        cells=tuple(map(tuple, cells.tolist())),
    )


def _total(value: float, variance: float) -> IntervalEstimate:
    figure = noisy_total(value, variance)
    return IntervalEstimate(value=figure.value, low=figure.low, high=figure.high)
