"""What leaves of a comparison at one site, by the site's policy."""

import numpy as np
import pytest
from hepafed.client.release.comparison import make_comparison, pair_tables
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import ComparedModel, CompareRequest, SiteComparison
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import RefusedError
from hepafed.common.statistics.scores import ScoreTable

PLAN = Plan(name="demo", protocol="t2")
WEIGHTS = ("a" * 64, "b" * 64)


def table(seed: int, patients: int) -> ScoreTable:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(0).integers(0, 3, patients)
    raw = rng.normal(size=(patients, 3)) + 0.4 * np.eye(3)[truth]
    return ScoreTable(
        site=np.full(patients, "a"),
        patient=np.array([f"p{i}" for i in range(patients)]),
        lesion=np.full(patients, "l"),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def compared(policy: SiteConfig, tables: list[ScoreTable], form: str = "figures") -> SiteComparison:
    models = tuple(
        ComparedModel(model=w[0], plan=PLAN, weights=w, threshold=t)
        for w, t in zip(WEIGHTS, (0.5, 0.4), strict=True)
    )
    request = CompareRequest(run="v", split="external", models=models)
    return make_comparison(policy, "v", pair_tables(policy, request, tables), form)


def policy(release: str, minimum: int = 2) -> SiteConfig:
    return SiteConfig(
        site="a", role="validate", address="localhost:1", release=release, minimum_count=minimum
    )


@pytest.mark.parametrize(
    ("release", "shown"), [("masked", False), ("cells", True), ("plain", True)]
)
def test_a_site_that_releases_masked_shows_no_crossed_calls(release: str, shown: bool) -> None:
    """2,000 patients: no cell is small, so that the policy alone decides."""
    made = compared(policy(release), [table(1, 2000), table(2, 2000)])
    assert len(made.pairs) == 4
    assert {p.calls is not None for p in made.pairs} == {shown}
    assert {p.difference.value is not None for p in made.pairs} == {shown}
    assert {p.auc_first.value is not None for p in made.pairs} == {shown}
    assert (made.patients, made.lesions, made.minimum_count) == (2000, 2000, 2)


def test_crossed_calls_of_few_are_shown_by_a_plain_release_alone() -> None:
    tables = [table(1, 30), table(2, 30)]
    assert {p.calls is not None for p in compared(policy("plain", 5), tables).pairs} == {True}
    assert {p.calls for p in compared(policy("cells", 5), tables).pairs} == {None}


@pytest.mark.parametrize("release", ["masked", "cells"])
def test_exactly_the_minimum_of_common_patients_is_compared(release: str) -> None:
    assert compared(policy(release, 12), [table(1, 12), table(2, 15)]).patients == 12
    with pytest.raises(RefusedError, match="fewer patients"):
        compared(policy(release, 13), [table(1, 12), table(2, 15)])


def test_a_plain_release_compares_whatever_is_there() -> None:
    assert compared(policy("plain", 50), [table(1, 6), table(2, 6)]).patients == 6


def test_whole_is_a_comparison_of_which_every_model_scored_the_same() -> None:
    models = tuple(ComparedModel(model=w[0], plan=PLAN, weights=w, threshold=0.5) for w in WEIGHTS)
    request = CompareRequest(run="v", split="external", models=models)
    for sizes, whole in (((12, 12), True), ((12, 15), False), ((15, 12), False)):
        tables = [table(n, size) for n, size in enumerate(sizes)]
        assert pair_tables(policy("cells"), request, tables).whole == whole
