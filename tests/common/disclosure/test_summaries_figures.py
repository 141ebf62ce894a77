"""The figures of a summary are those of its cases, and each says why where there is none."""

import numpy as np
import pytest
import statsmodels.api as sm
from hepafed.common.contract.figures import Cells, Figure, TaskSummary, TuningFigures
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import (
    NO_INTERVAL,
    ONE_CLASS,
    calibration_figures,
    curve_figures,
    figure_of,
    summarise,
    tuning_figures,
    tuning_scores,
)
from hepafed.common.statistics.auc import Auc
from hepafed.common.statistics.bins import BINS, intervals_of, pair_intervals
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

UNITS = [
    ("patient", "malignant_vs_benign"),
    ("lesion", "benign_vs_rest"),
    ("lesion", "primary_malignant_vs_rest"),
    ("lesion", "metastatic_vs_rest"),
]


def table(lesions: int, seed: int = 3) -> ScoreTable:
    """Draw lesions in half as many patients, of whom some have none."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, lesions, p=[0.5, 0.2, 0.3])
    raw = rng.normal(size=(lesions, 3)) + 1.5 * np.eye(3)[truth]
    return ScoreTable(
        site=np.full(lesions, "s"),
        patient=rng.integers(0, lesions // 2, lesions).astype(str),
        lesion=np.arange(lesions).astype(str),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={"reader_b": np.ones(lesions, np.int8), "reader_a": np.zeros(lesions, np.int8)},
    )


TABLE = table(90)


def made(minimum: int = 1, **more: object) -> SiteSummary:
    return summarise(
        TABLE, run="r1", model="m2", weights="w3", threshold=0.4, minimum_count=minimum, **more
    )  # type: ignore[arg-type]


def cases(task: int) -> tuple[np.ndarray, np.ndarray]:
    """Give truth and logit of each case of a task."""
    p = np.exp(TABLE.log_probs)
    if task:
        return TABLE.truth == task - 1, np.log(p[:, task - 1] / (1 - p[:, task - 1]))
    score = (1 - p[:, 0]) / p[:, 0]
    patients = np.unique(TABLE.patient)
    own = [TABLE.patient == q for q in patients]
    truth = np.array([(TABLE.truth[o] > 0).any() for o in own])
    return truth, np.log(np.array([score[o].max() for o in own]))


def test_a_summary_says_of_what_it_is() -> None:
    whole = made()
    assert (whole.run, whole.model, whole.weights) == ("r1", "m2", "w3")
    assert (whole.lesions, whole.patients) == (90, len(np.unique(TABLE.patient)))
    assert whole.readers == ("reader_a", "reader_b")
    assert whole.by_class == {
        "benign": (TABLE.truth == 0).sum(),
        "primary_malignant": (TABLE.truth == 1).sum(),
        "metastatic": (TABLE.truth == 2).sum(),
    }
    assert [(t.unit, t.task) for t in whole.tasks] == UNITS
    calls = TABLE.log_probs.argmax(1)
    assert whole.confusion == tuple(
        tuple(int(((TABLE.truth == a) & (calls == b)).sum()) for b in range(3)) for a in range(3)
    )
    assert list(whole.figures) == [
        "macro", "hand_till", "macro_logit", "hand_till_logit", "clustered_accuracy",
        "clustered_kappa",
    ]  # fmt: skip


@pytest.mark.parametrize("task", range(4))
def test_each_tasks_figures_are_those_of_scikit_learn_and_statsmodels(task: int) -> None:
    found = made().tasks[task]
    truth, logit = cases(task)
    assert (found.positives, found.negatives) == (truth.sum(), (~truth).sum())
    at = np.log(0.4 / 0.6) if task == 0 else 0.0
    assert found.true_positives == (truth & (logit >= at)).sum()
    assert found.true_negatives == (~truth & (logit < at)).sum()
    assert found.auc.value == pytest.approx(roc_auc_score(truth, logit))
    f = {k: v.value for k, v in found.figures.items()}
    assert f["logit"] == found.auc.value
    assert f["average_precision"] == pytest.approx(average_precision_score(truth, logit))
    x, y, _ = roc_curve(truth, logit, drop_intermediate=False)
    for limit in (0.90, 0.95):
        assert f[f"partial_auc_{limit:.2f}"] == pytest.approx(
            roc_auc_score(truth, logit, max_fpr=1 - limit)
        )
        assert f[f"sensitivity_at_{limit:.2f}"] == pytest.approx(
            np.interp(1 - limit + 1e-9, x, y), abs=1e-6
        )
        assert f[f"specificity_at_{limit:.2f}"] == pytest.approx(
            np.interp(1 - limit + 1e-9, 1 - y[::-1], 1 - x[::-1]), abs=1e-6
        )
    fit = sm.GLM(truth, sm.add_constant(logit), sm.families.Binomial()).fit(tol=1e-12)
    assert [f["intercept"], f["slope"]] == pytest.approx(fit.params, abs=1e-5)
    slope = found.figures["slope"]
    assert slope.se == pytest.approx(fit.bse[1], rel=1e-3)
    assert (slope.low, slope.high) == pytest.approx(tuple(fit.conf_int()[1]), abs=1e-3)
    large = sm.GLM(truth, np.ones(len(truth)), sm.families.Binomial(), offset=logit).fit()
    assert f["in_the_large"] == pytest.approx(large.params[0], abs=1e-5)
    clustered = {"clustered", "clustered_logit"}
    assert clustered & set(f) == (clustered if task else set())


@pytest.mark.parametrize("task", range(4))
def test_the_cells_of_a_lesion_task_part_the_two_other_classes(task: int) -> None:
    cells = made(9).tasks[task].cells
    assert cells is not None
    whole = intervals_of(cells)
    truth, _ = cases(task)
    assert whole.totals == (truth.sum(), (~truth).sum())
    first, second = (pair_intervals(cells, first=x) for x in (True, False))
    if task == 0:
        assert first is None
        return
    assert first is not None
    assert second is not None
    others = [c for c in range(3) if c != task - 1]
    for found, c in zip((first, second), others, strict=True):
        assert found.totals == (truth.sum(), (TABLE.truth == c).sum())


def test_what_is_withheld_is_listed_in_the_order_of_the_tasks_and_sections() -> None:
    assert made(200).suppressed == (
        *(f"{u} {t}: cells" for u, t in UNITS),
        "clusters",
        "decision",
        "reliability",
        "score sums",
        "squares",
        "confusion products",
        "called products",
        "reader calls",
        "reader pairs",
    )
    assert made(1).suppressed == ()


def test_sums_that_are_known_already_are_not_made_anew() -> None:
    sums = additive_of(TABLE, 0.9, ("reader_a",))
    assert made(sums=sums).readers == ("reader_a",)
    assert made(sums=sums).tasks[0].true_positives == sums.called[0, 1, 1]


def test_an_auc_is_released_with_its_interval_or_the_reason_for_none() -> None:
    assert figure_of(None) == Figure(reason=ONE_CLASS)
    assert figure_of(Auc(0.75, se=None)) == Figure(value=0.75, reason=NO_INTERVAL)
    half = 1.959963984540054 * 0.1
    assert figure_of(Auc(0.75, se=0.1)) == Figure(
        value=0.75, low=pytest.approx(0.75 - half), high=pytest.approx(0.75 + half), se=0.1
    )


@pytest.mark.parametrize("counts", [([1, 2], [0, 0]), ([0, 0], [3, 4])])
def test_one_class_has_no_curve_and_a_calibration_that_says_so(
    counts: tuple[list[int], list[int]],
) -> None:
    positives, negatives = (np.array(c) for c in counts)
    assert curve_figures(positives, negatives) == {}
    assert calibration_figures(np.array([0.0, 1.0]), positives, negatives) == dict.fromkeys(
        ("slope", "intercept", "in_the_large"), Figure(reason="all of one class")
    )


def test_tuning_figures_are_of_the_patients_at_one_half() -> None:
    found = tuning_figures(TABLE, 4)
    (task,) = found.tasks
    truth, logit = cases(0)
    assert (task.unit, task.task) == UNITS[0]
    assert task.true_positives == (truth & (logit >= 0)).sum()
    assert task.true_negatives == (~truth & (logit < 0)).sum()
    assert task.auc.value == pytest.approx(roc_auc_score(truth, logit))
    aucs = [roc_auc_score(*cases(k)) for k in (1, 2, 3)]
    assert found.macro_auc == pytest.approx(np.mean(aucs))
    assert found.lesions == 90


def tuned(*cells: Cells | None) -> list[TuningFigures]:
    auc = Figure(value=0.5)
    more = {"unit": "patient", "task": "malignant_vs_benign", "positives": 1, "negatives": 1}
    calls = {"true_positives": None, "true_negatives": None}
    return [
        TuningFigures(
            lesions=9,
            macro_auc=0.5,
            tasks=(TaskSummary(**more, **calls, auc=auc, cells=c),),  # type: ignore[arg-type]
        )
        for c in cells
    ]


def test_a_cards_scores_are_merged_into_cells_of_a_fortieth_of_the_cases() -> None:
    edges = (0, *range(1_000, 61_000, 1_000), BINS)
    one = Cells(edges=edges, positives=(1,) * 61, negatives=(2,) * 61)
    found = tuning_scores(tuned(one, None))  # 183 cases: 5 a cell, so two of three
    assert found is not None
    sizes = np.add(found["positives"], found["negatives"])
    assert sizes.tolist() == [6] * 29 + [9]
    assert found["positives"] == [2] * 29 + [3]
    assert (found["edges"][0], found["edges"][-1], len(found["edges"])) == (0, BINS, 31)
    few = Cells(edges=(0, 9, BINS), positives=(1, 0), negatives=(0, 1))
    assert tuning_scores(tuned(few)) == {"edges": [0, BINS], "positives": [1], "negatives": [1]}
    alone = Cells(edges=(0, BINS), positives=(1,), negatives=(0,))
    assert tuning_scores(tuned(alone)) is None
    assert tuning_scores(tuned(None)) is None


def test_a_cell_of_a_site_lies_at_its_lower_edge() -> None:
    cells = Cells(edges=(0, 40, 50_000, BINS), positives=(5, 1, 0), negatives=(0, 2, 4))
    other = Cells(edges=(40, BINS), positives=(3,), negatives=(2,))
    found = tuning_scores(tuned(cells, other))
    assert found is not None
    assert found["positives"] == [5, 4, 0]
    assert found["negatives"] == [0, 4, 4]
    assert found["edges"][1] in range(1, 41)
    assert found["edges"][2] in range(41, 50_001)
