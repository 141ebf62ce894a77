"""Radiologists beside the model, on the patients each has read."""

from typing import Any

import numpy as np
from hepafed.common.statistics import kappa, mcnemar, paired_difference, reader_pairs
from hepafed.server.pooling.estimates import estimate_json, rate_json
from hepafed.server.pooling.evidence import Evidence
from numpy.typing import NDArray

Row = dict[str, Any]


def reader_rows(known: Evidence, margin: float | None) -> list[Row]:
    """Make `readers` of the pooled cohort; empty where there are none or a site withholds."""
    calls = known.section("reader_calls")
    if calls is None:
        return []
    return [_reader(r, calls[i], margin) for i, r in enumerate(known.readers)]


def _reader(name: str, calls: NDArray[np.int64], margin: float | None) -> Row:
    """Make one row; calls int64[2, 2, 2] by truth, model's call, reader's call."""
    p, n = int(calls[1].sum()), int(calls[0].sum())
    hits = {"model": int(calls[1, 1].sum()), "reader": int(calls[1, :, 1].sum())}
    spared = {"model": int(calls[0, 0].sum()), "reader": int(calls[0, :, 0].sum())}
    only_model = (int(calls[1, 1, 0]), int(calls[0, 0, 1]))
    only_reader = (int(calls[1, 0, 1]), int(calls[0, 1, 0]))
    gains = (
        paired_difference(only_model[0], only_reader[0], p),
        paired_difference(only_model[1], only_reader[1], n),
    )
    made: Row = {
        "reader": name,
        "n": p + n,
        "positives": p,
        "sensitivity": rate_json(hits["reader"], p),
        "specificity": rate_json(spared["reader"], n),
        "model_sensitivity": rate_json(hits["model"], p),
        "model_specificity": rate_json(spared["model"], n),
        "model_right_reader_wrong": sum(only_model),
        "model_wrong_reader_right": sum(only_reader),
        "mcnemar_exact_p": mcnemar(sum(only_model), sum(only_reader)),
        "sensitivity_mcnemar_exact_p": mcnemar(only_model[0], only_reader[0]),
        "specificity_mcnemar_exact_p": mcnemar(only_model[1], only_reader[1]),
        "sensitivity_difference": estimate_json(gains[0], "no cases"),
        "specificity_difference": estimate_json(gains[1], "no cases"),
        "kappa_with_model": estimate_json(
            kappa(calls.sum(0)), "both call every patient alike, or there is none"
        ),
        "non_inferiority": None,
    }
    if margin is not None:
        holds = [g is not None and g.low is not None and g.low > -margin for g in gains]
        made["non_inferiority"] = {
            "margin": margin,
            "sensitivity": holds[0],
            "specificity": holds[1],
        }
    return made


def agreement_rows(known: Evidence) -> list[Row]:
    """Make `reader_agreement`: kappa of each pair of readers on the patients both have read."""
    pairs = known.section("reader_pairs")
    if pairs is None:
        return []
    return [
        {
            "readers": list(names),
            "n": int(pairs[i].sum()),
            "kappa": estimate_json(kappa(pairs[i]), "no patient is read by both, or all alike"),
        }
        for i, names in enumerate(reader_pairs(known.readers))
    ]
