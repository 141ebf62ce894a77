"""What a site released is refused when its parts cannot all be of the same cases."""

import dataclasses

import numpy as np
import pytest
from hepafed.common.contract import Figure
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import DataError
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.pooling import check_summary
from hepafed.server.pooling.check import check_figures


def released() -> SiteSummary:
    rng = np.random.default_rng(8)
    raw = rng.normal(size=(37, 3))
    table = ScoreTable(
        site=np.full(37, "a"),
        patient=np.array([f"p{i // 2}" for i in range(37)]),
        lesion=np.array([f"l{i}" for i in range(37)]),
        truth=rng.choice(3, 37, p=[0.6, 0.15, 0.25]),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )
    return summarise(table, run="r", model="m", weights="", threshold=0.4, minimum_count=1)


def with_section(good: SiteSummary, name: str, values: np.ndarray) -> SiteSummary:
    flat = tuple(values.ravel().tolist())
    return dataclasses.replace(good, sections={**good.sections, name: flat})


def section(good: SiteSummary, name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.array(good.sections[name], np.int64).reshape(shape)


def with_task(good: SiteSummary, **change: object) -> SiteSummary:
    first = dataclasses.replace(good.tasks[0], **change)
    return dataclasses.replace(good, tasks=(first, *good.tasks[1:]))


@pytest.mark.parametrize("extra", [1, -1], ids=["more", "fewer"])
@pytest.mark.parametrize("task", [0, 3], ids=["patient", "last"])
@pytest.mark.parametrize("truth", [0, 1], ids=["negative", "positive"])
def test_a_reliability_table_has_the_cases_of_each_truth(extra: int, task: int, truth: int) -> None:
    good = released()
    check_summary("a", good)
    table = section(good, "reliability", (4, 2, 10))
    at = int(table[task, truth].argmax())
    table[task, truth, at] += extra
    with pytest.raises(DataError, match="reliability table of other cases"):
        check_summary("a", with_section(good, "reliability", table))


def test_a_reliability_table_with_a_case_of_the_other_truth_is_refused() -> None:
    good = released()
    table = section(good, "reliability", (4, 2, 10))
    at = int(table[0, 1].argmax())
    table[0, 1, at] -= 1
    table[0, 0, at] += 1
    with pytest.raises(DataError, match="reliability"):
        check_summary("a", with_section(good, "reliability", table))


@pytest.mark.parametrize("extra", [1, -1], ids=["more", "fewer"])
def test_a_confusion_table_has_the_sites_lesions(extra: int) -> None:
    good = released()
    assert good.confusion is not None
    table = np.array(good.confusion)
    table[np.unravel_index(int(table.argmax()), table.shape)] += extra
    changed = tuple(tuple(r) for r in table.tolist())
    with pytest.raises(DataError, match="confusion table of other lesions"):
        check_summary("a", dataclasses.replace(good, confusion=changed))


@pytest.mark.parametrize("truth", [0, 1], ids=["negative", "positive"])
def test_a_decision_curve_has_at_most_all_cases_of_a_truth(truth: int) -> None:
    good = released()
    whole = (good.tasks[0].negatives, good.tasks[0].positives)[truth]
    curve = section(good, "decision", (4, 2, 19))
    curve[0, truth, 0] = whole
    check_summary("a", with_section(good, "decision", curve))
    curve[0, truth, 0] = whole + 1
    with pytest.raises(DataError, match="decision curve of more cases"):
        check_summary("a", with_section(good, "decision", curve))


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_an_impossible_minimum_is_refused(count: int) -> None:
    with pytest.raises(DataError, match="minimum count"):
        check_summary("a", dataclasses.replace(released(), minimum_count=count))


@pytest.mark.parametrize("count", [1, 1000])
def test_the_smallest_and_the_largest_minimum_are_taken(count: int) -> None:
    check_summary("a", dataclasses.replace(released(), minimum_count=count))


@pytest.mark.parametrize(
    ("name", "of"),
    [("true_positives", "positives"), ("true_negatives", "negatives")],
    ids=["positives", "negatives"],
)
def test_right_calls_are_none_to_all_of_a_class(name: str, of: str) -> None:
    good = dataclasses.replace(released(), sections={})
    whole = getattr(good.tasks[0], of)
    check_summary("a", with_task(good, **{name: whole}))
    check_summary("a", with_task(good, **{name: 0}))
    for wrong in (whole + 1, -1):
        with pytest.raises(DataError, match="impossible counts"):
            check_summary("a", with_task(good, **{name: wrong}))


@pytest.mark.parametrize("name", ["positives", "negatives"])
def test_cells_hold_the_cases_of_each_class(name: str) -> None:
    good = dataclasses.replace(released(), sections={})
    for by in (1, -1):
        more = {name: getattr(good.tasks[0], name) + by}
        calls = {"true_positives": None, "true_negatives": None}
        with pytest.raises(DataError, match="cells whose sum differs"):
            check_summary("a", with_task(good, **more, **calls))


@pytest.mark.parametrize("end", ["value", "low", "high"])
def test_an_auc_and_its_ends_are_from_0_to_1(end: str) -> None:
    for good in (0.0, 1.0):
        check_figures("a", Figure(**{end: good}))
    for wrong in (-0.001, 1.001):
        with pytest.raises(DataError, match="outside 0…1"):
            check_figures("a", Figure(**{end: wrong}))


def test_a_difference_of_aucs_is_from_minus_1_to_1() -> None:
    check_figures("a", Figure(value=-1.0), least=-1.0)
    for wrong in (-1.001, 1.001):
        with pytest.raises(DataError, match="outside -1…1"):
            check_figures("a", Figure(value=wrong), least=-1.0)


@pytest.mark.parametrize("se", [-0.001, 1.001])
def test_a_standard_error_is_from_0_to_1(se: float) -> None:
    for good in (0.0, 1.0):
        check_figures("a", Figure(value=0.5, se=good))
    with pytest.raises(DataError, match="standard error"):
        check_figures("a", Figure(value=0.5), Figure(value=0.5, se=se))


@pytest.mark.parametrize(
    "name",
    ["clustered", "partial_auc_0.90", "sensitivity_at_0.90", "specificity_at_0.90",
     "average_precision"],
)  # fmt: skip
def test_a_share_of_a_task_is_from_0_to_1(name: str) -> None:
    good = released()
    changed = {**good.tasks[0].figures, name: Figure(value=1.01)}
    with pytest.raises(DataError, match="outside"):
        check_summary("a", with_task(good, figures=changed))


def test_a_mean_over_classes_is_from_0_to_1() -> None:
    with pytest.raises(DataError, match="outside"):
        check_summary("a", dataclasses.replace(released(), figures={"macro": Figure(value=1.01)}))


def test_a_slope_may_be_over_1() -> None:
    good = released()
    changed = {**good.tasks[0].figures, "slope": Figure(value=2.5)}
    check_summary("a", with_task(good, figures=changed))


PRODUCTS = "impossible sums over patients"


@pytest.mark.parametrize("name", ["confusion_products", "called_products"])
@pytest.mark.parametrize("by", [1, -2], ids=["more", "fewer"])
def test_sums_over_patients_are_of_the_sites_counts(name: str, by: int) -> None:
    good = released()
    values = np.array(good.sections[name], np.int64)
    values[0] += by
    with pytest.raises(DataError, match=PRODUCTS):
        check_summary("a", with_section(good, name, values))


def test_sums_over_patients_beyond_64_bits_are_refused() -> None:
    good = released()
    flat = (1 << 70, *good.sections["confusion_products"][1:])
    beyond = dataclasses.replace(good, sections={**good.sections, "confusion_products": flat})
    with pytest.raises(DataError, match="beyond 64 bits"):
        check_summary("a", beyond)


@pytest.mark.parametrize("name", ["confusion_products", "called_products"])
def test_sums_over_patients_come_together_and_with_their_counts(name: str) -> None:
    good = released()
    alone = {n: v for n, v in good.sections.items() if n != name}
    with pytest.raises(DataError, match="without the counts"):
        check_summary("a", dataclasses.replace(good, sections=alone))
    with pytest.raises(DataError, match="without the counts"):
        check_summary("a", dataclasses.replace(good, confusion=None))
    bare = {n: v for n, v in alone.items() if not n.endswith("products")}
    check_summary("a", dataclasses.replace(good, sections=bare))


def with_figure(good: SiteSummary, task: int | None, name: str, **change: object) -> SiteSummary:
    """Change a figure of one task, or of the summary."""
    its = good.figures if task is None else good.tasks[task].figures
    figures = {**its, name: dataclasses.replace(its.get(name, Figure()), **change)}
    if task is None:
        return dataclasses.replace(good, figures=figures)
    tasks = list(good.tasks)
    tasks[task] = dataclasses.replace(tasks[task], figures=figures)
    return dataclasses.replace(good, tasks=tuple(tasks))


OWN = [
    (None, "clustered_kappa"),
    (None, "clustered_accuracy"),
    (1, "clustered_sensitivity"),
    (2, "clustered_balanced_accuracy"),
    (3, "clustered_likelihood_positive"),
]


@pytest.mark.parametrize(("task", "name"), OWN)
def test_an_interval_of_a_site_is_around_the_value_of_its_counts(
    task: int | None, name: str
) -> None:
    good = released()
    its = good.figures[name] if task is None else good.tasks[task].figures[name]
    assert its.value is not None
    assert its.high is not None
    for change in (
        {"value": its.value + 1e-6},
        {"value": None},
        {"low": None},
        {"high": None},
        {"se": None},
        {"se": -0.1},
        {"low": its.value + 0.01},
        {"low": -1.01},
        {"high": its.value - 0.01},
        {"high": float("nan")},
        {"high": float("inf")},
    ):
        with pytest.raises(DataError, match="not of its counts"):
            check_summary("a", with_figure(good, task, name, **change))
    if "likelihood" not in name:
        check_summary("a", with_figure(good, task, name, high=1.0))
        with pytest.raises(DataError, match="not of its counts"):
            check_summary("a", with_figure(good, task, name, high=1.01))
    least = -1.0 if name == "clustered_kappa" else 0.0
    check_summary("a", with_figure(good, task, name, low=least))
    with pytest.raises(DataError, match="not of its counts"):
        check_summary("a", with_figure(good, task, name, low=least - 1e-3))


def test_an_interval_of_withheld_counts_or_of_no_known_figure_is_refused() -> None:
    good = released()
    tasks = list(good.tasks)
    tasks[2] = dataclasses.replace(tasks[2], true_positives=None)
    bare = {n: v for n, v in good.sections.items() if not n.endswith("products")}
    withheld = dataclasses.replace(good, tasks=tuple(tasks), sections=bare)
    with pytest.raises(DataError, match="not of its counts"):
        check_summary("a", withheld)
    some = {"value": 0.5, "low": 0.4, "high": 0.6, "se": 0.1}
    with pytest.raises(DataError, match="not of its counts"):
        check_summary("a", with_figure(good, 1, "clustered_certainty", **some))
