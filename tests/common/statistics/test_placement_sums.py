"""Clustered variances are those of their definitions, from the sums of any number of sites."""

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.statistics.additive import add
from hepafed.common.statistics.auc import delong_auc
from hepafed.common.statistics.bins import intervals_of_histogram
from hepafed.common.statistics.clustered_auc import clustered_auc
from hepafed.common.statistics.multiclass import (
    estimates,
    products_with_exact_squares,
    sizes_of,
)
from hepafed.common.statistics.placement_sums import (
    FIGURES,
    ONE_VS_REST,
    PAIRWISE,
    PATIENT,
    PlacementCurve,
    Products,
    add_products,
    check_curve,
    curves_of,
    figure_scores,
    pair_histogram,
    products_length,
    products_of,
)
from hepafed.common.statistics.scores import ScoreTable, patients_of, rows_of, task_scores
from hepafed.common.statistics.sums import additive_of
from hypothesis import given, settings
from hypothesis import strategies as st


def cohort(seed: int, patients: int, sites: int, each: float = 2.0) -> ScoreTable:
    """Lesions in patients in sites; scores are multiples of 1/4, so that bins tie as scores do."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 1 + rng.poisson(each, patients))
    n = len(patient)
    main = rng.integers(0, 3, patients)[patient]
    truth = np.where(rng.random(n) < 0.7, main, rng.integers(0, 3, n))
    raw = rng.normal(size=(n, 3)) + rng.normal(size=(patients, 3))[patient]
    raw[np.arange(n), truth] += 1.3
    log_probs = raw - np.logaddexp.reduce(raw, axis=1, keepdims=True)
    return ScoreTable(
        site=np.array([f"s{p % sites}" for p in patient]),
        patient=np.array([f"p{p}" for p in patient]),
        lesion=np.array([f"l{i}" for i in range(n)]),
        truth=truth,
        log_probs=log_probs,
        readers={},
    )


def parts_of(table: ScoreTable) -> list[ScoreTable]:
    return [rows_of(table, table.site == s) for s in sorted(set(table.site.tolist()))]


def pooled(table: ScoreTable, minimum: int):  # noqa: ANN201
    """Both steps over the sites of a table."""
    sites = parts_of(table)
    sums = add([additive_of(s, 0.5) for s in sites])
    curves = curves_of(sums, minimum)
    vectors = [products_of([s], [curves]).to_vector() for s in sites]
    total = np.zeros_like(vectors[0])
    for v in vectors:
        total += v
    products = Products.from_vector(total)
    cells = [intervals_of_histogram(pair_histogram(sums, f)) for f in FIGURES]
    values = [delong_auc(*figure_scores(table, f)) for f in FIGURES]
    sizes = sizes_of(cells, sums.size, sums.clusters)
    return estimates(
        values, products_with_exact_squares(cells, products), products.real()[2], sizes
    )


def obuchowski(scores: np.ndarray, truth: np.ndarray, cluster: np.ndarray) -> float:
    """Her formula (1997), word for word, from pairs."""
    wins = (np.sign(scores[truth][:, None] - scores[~truth][None, :]) + 1) / 2
    theta, v10, v01 = wins.mean(), wins.mean(1), wins.mean(0)
    c10, c01 = cluster[truth], cluster[~truth]
    everyone = np.unique(cluster)
    p = np.array([(v10[c10 == c] - theta).sum() for c in everyone])
    n = np.array([(v01[c01 == c] - theta).sum() for c in everyone])
    i10, i01, i = len(np.unique(c10)), len(np.unique(c01)), len(everyone)
    s10 = i10 / ((i10 - 1) * len(v10)) * (p**2).sum()
    s01 = i01 / ((i01 - 1) * len(v01)) * (n**2).sum()
    s11 = i / (i - 1) * (p * n).sum()
    return s10 / len(v10) + s01 / len(v01) + 2 * s11 / (len(v10) * len(v01))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(8, 60), st.integers(1, 6))
def test_the_clustered_variance_is_obuchowskis(seed: int, patients: int, sites: int) -> None:
    table = cohort(seed, patients, sites)
    single, _ = pooled(table, 1)
    index, _ = patients_of(table)
    for unit, task in ONE_VS_REST:
        scores = task_scores(table, unit, task)
        truth = scores.truth
        with_p, with_n = len(np.unique(index[truth])), len(np.unique(index[~truth]))
        if min(with_p, with_n) < 2:
            assert single.get(task) is None
            continue
        expected = obuchowski(scores.logits, truth, index)
        direct = clustered_auc(scores.logits, truth, index)
        assert direct is not None
        assert direct[1] is not None
        assert direct[1].se == pytest.approx(np.sqrt(max(expected, 0.0)), abs=1e-9)
        found = single[task]
        assert found is not None
        # bins of the logit part nearly all scores of so few
        assert found.se == pytest.approx(direct[1].se, rel=0.01, abs=1e-3)
        assert found.adjusted == pytest.approx(direct[1].adjusted, abs=0.01)


def test_one_lesion_a_patient_is_delong() -> None:
    table = cohort(3, 120, 3, each=0.0)
    single, _ = pooled(table, 1)
    for unit, task in ONE_VS_REST:
        scores = task_scores(table, unit, task)
        plain = delong_auc(scores.logits[scores.truth], scores.logits[~scores.truth])
        found = single[task]
        assert plain is not None
        assert found is not None
        assert found.se == pytest.approx(plain.se, rel=1e-3)


def test_a_coarse_curve_changes_a_clustered_error_little() -> None:
    table = cohort(4, 400, 4)
    fine, coarse = pooled(table, 1), pooled(table, 25)
    for task in fine[0]:
        a, b = fine[0][task], coarse[0][task]
        assert a is not None
        assert b is not None
        assert b.se == pytest.approx(a.se, rel=0.02)
    for name in ("macro", "hand_till"):
        a, b = fine[1][name], coarse[1][name]
        assert a is not None
        assert b is not None
        assert b.se == pytest.approx(a.se, rel=0.05)


def test_the_curve_hides_cells_of_fewer_than_the_minimum() -> None:
    sums = additive_of(cohort(5, 300, 1), 0.5)
    curves = curves_of(sums, 20)
    for figure, curve in zip(FIGURES, curves, strict=True):
        assert curve is not None
        check_curve(curve)
        histogram = pair_histogram(sums, figure)
        held = np.add.reduceat(histogram.positives + histogram.negatives, curve.edges[:-1])
        assert held.min() >= 20


def test_macro_and_hand_till_errors_are_those_of_a_bootstrap_of_patients() -> None:
    table = cohort(6, 250, 2)
    _, means = pooled(table, 1)
    rng, index = np.random.default_rng(0), patients_of(table)[0]
    rows = [np.flatnonzero(index == i) for i in range(250)]
    drawn: dict[str, list[float]] = {"macro": [], "hand_till": []}
    for _ in range(150):
        at = np.concatenate([rows[i] for i in rng.integers(0, 250, 250)])
        part = rows_of(table, at)
        for name, members in (("macro", ONE_VS_REST), ("hand_till", PAIRWISE)):
            aucs = [delong_auc(*figure_scores(part, f)) for f in members]
            drawn[name].append(float(np.mean([a.value for a in aucs if a is not None])))
    for name, values in drawn.items():
        found = means[name]
        assert found is not None
        assert found.se == pytest.approx(np.std(values), rel=0.2)


def test_a_curve_that_is_none_is_refused_at_the_site() -> None:
    good = {"edges": (0, 9, 65536), "of_positives": (0.2, 0.9), "of_negatives": (0.8, 0.1)}
    check_curve(PlacementCurve(**good, auc=0.8))
    for bad in (
        {"edges": (0, 9, 9)},
        {"edges": (1, 9, 65536)},
        {"edges": (0, 65536)},
        {"of_positives": (0.2, float("nan"))},
        {"of_negatives": (0.8, 1.1)},
    ):
        with pytest.raises(PayloadError):
            check_curve(PlacementCurve(**{**good, **bad}, auc=0.8))


def test_products_of_other_figures_do_not_add_up() -> None:
    table = cohort(7, 20, 1)
    curves = curves_of(additive_of(table, 0.5), 1)
    one, two = products_of([table], [curves]), products_of([table, table], [curves, curves])
    with pytest.raises(PayloadError):
        add_products([one, two])
    with pytest.raises(PayloadError):
        Products.from_vector(two.to_vector())
    assert FIGURES[0] == PATIENT


def test_every_release_lays_out_a_vector_of_products_alike() -> None:
    made = Products.from_vector(np.arange(products_length(2), dtype=np.uint64), 2)
    firsts = [made.crossed.flat[0], made.within.flat[0], made.fourth.flat[0]]
    assert (firsts, products_length(2)) == ([0, 12, 16], 26)
