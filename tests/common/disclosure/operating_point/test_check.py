"""Tuning figures that cannot be are refused before a threshold is chosen on them."""

from dataclasses import replace

import pytest
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.disclosure.operating_point import (
    check_tuning,
)
from hepafed.common.errors import PayloadError

from .cells import cut, tuned


def test_figures_of_a_site_are_checked_before_a_threshold_is_chosen_on_them() -> None:
    (good,) = tuned(cut(0.5, malignant=(2, 5), benign=(4, 3)))
    (task,) = good.tasks
    check_tuning(good)
    check_tuning(replace(good, lesions=14))
    check_tuning(replace(good, tasks=(replace(task, cells=None),)))
    check_tuning(TuningFigures(lesions=0, macro_auc=None))
    assert task.cells is not None
    bad = {
        "more patients than lesions": replace(good, lesions=13),
        "more than one task": replace(good, tasks=(task, task)),
        "hold other patients": replace(good, tasks=(replace(task, positives=8),)),
        "other patients than": replace(good, tasks=(replace(task, negatives=6),)),
        "not in order": replace(
            good, tasks=(replace(task, cells=replace(task.cells, edges=(0, 9, 9))),)
        ),
        "cells of a histogram": replace(
            good, tasks=(replace(task, cells=replace(task.cells, positives=(8, -1))),)
        ),
    }
    for why, figures in bad.items():
        with pytest.raises(PayloadError, match=why):
            check_tuning(figures)
    with pytest.raises(PayloadError, match="patients"):
        check_tuning(replace(good, tasks=(replace(task, positives=-1, cells=None),)))
