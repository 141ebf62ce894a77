"""Radiologists beside the model, on the patients each has read."""

import numpy as np
from hepafed.common.statistics import (
    Estimate,
    clustered_kappa,
    kappa,
    mcnemar,
    paired_difference,
    reader_pairs,
)
from hepafed.server.formats import AgreementRow, IntervalEstimate, ReaderNonInferiority, ReaderRow
from hepafed.server.pooling.estimates import (
    METHODS,
    interval_estimate,
    patient_interval,
    rate_estimate,
)
from hepafed.server.pooling.evidence import Evidence
from numpy.typing import NDArray

NO_POSITIVES = "the reader judged no malignant patient"
NO_NEGATIVES = "the reader judged no benign patient"


def reader_rows(known: Evidence, margin: float | None) -> list[ReaderRow]:
    """Return `readers` of the pooled cohort; empty where there are none or a site withholds."""
    calls = known.section("reader_calls")
    if calls is None:
        return []
    return [_reader(r, calls[i], margin) for i, r in enumerate(known.readers)]


def _reader(name: str, calls: NDArray[np.int64], margin: float | None) -> ReaderRow:
    """Make one row; calls int64[2, 2, 2] by truth, model's call, reader's call."""
    p, n = int(calls[1].sum()), int(calls[0].sum())
    only_model = (int(calls[1, 1, 0]), int(calls[0, 0, 1]))
    only_reader = (int(calls[1, 0, 1]), int(calls[0, 1, 0]))
    gains = (
        paired_difference(only_model[0], only_reader[0], p),
        paired_difference(only_model[1], only_reader[1], n),
    )
    both = calls.sum(0)
    return ReaderRow(
        reader=name,
        n=p + n,
        positives=p,
        sensitivity=rate_estimate(calls[1, :, 1].sum(), p, NO_POSITIVES),
        specificity=rate_estimate(calls[0, :, 0].sum(), n, NO_NEGATIVES),
        model_sensitivity=rate_estimate(calls[1, 1].sum(), p, NO_POSITIVES),
        model_specificity=rate_estimate(calls[0, 0].sum(), n, NO_NEGATIVES),
        model_right_reader_wrong=sum(only_model),
        model_wrong_reader_right=sum(only_reader),
        mcnemar_exact_p=mcnemar(sum(only_model), sum(only_reader)) if p + n else None,
        sensitivity_mcnemar_exact_p=mcnemar(only_model[0], only_reader[0]) if p else None,
        specificity_mcnemar_exact_p=mcnemar(only_model[1], only_reader[1]) if n else None,
        sensitivity_difference=interval_estimate(gains[0], NO_POSITIVES),
        specificity_difference=interval_estimate(gains[1], NO_NEGATIVES),
        kappa_with_model=_kappa(both, "both call every patient alike, or there is none"),
        non_inferiority=None if margin is None else _held(gains, margin),
    )


def _held(gains: tuple[Estimate | None, Estimate | None], margin: float) -> ReaderNonInferiority:
    """Return for both rates whether the interval of model − reader is above −margin."""
    first, second = (g is not None and g.low is not None and g.low > -margin for g in gains)
    return ReaderNonInferiority(margin=margin, sensitivity=first, specificity=second)


def _kappa(table: NDArray[np.int64], none: str) -> IntervalEstimate:
    """Return kappa of int[2, 2] patients by two calls, with the interval that covers."""
    covering = patient_interval(clustered_kappa(table), METHODS["kappa"])
    return interval_estimate(kappa(table), none, covering)


def agreement_rows(known: Evidence) -> list[AgreementRow]:
    """Return `reader_agreement`: kappa of each pair of readers on the patients both have read."""
    pairs = known.section("reader_pairs")
    if pairs is None:
        return []
    return [
        AgreementRow(
            readers=names,
            n=int(pairs[i].sum()),
            kappa=_kappa(pairs[i], "no patient is read by both, or all alike"),
        )
        for i, names in enumerate(reader_pairs(known.readers))
    ]
