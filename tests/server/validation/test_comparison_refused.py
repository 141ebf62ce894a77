"""A comparison that no cohort gives is refused, and costs nobody but its site."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.figures import Figure
from hepafed.common.contract.messages import (
    SiteComparison,
    SumsRequest,
)
from hepafed.common.disclosure.masking import slot
from hepafed.common.disclosure.paired import paired_of
from hepafed.common.statistics.scores import rows_of

from tests.server.federation import Federation
from tests.server.validation.two_models import Compared, better, rows


def broken(site: Any, change: Any) -> None:  # noqa: ANN401
    """Have a site change its answer to a comparison."""
    real = site._releases.compare
    site._releases.compare = lambda request, tables: change(real(request, tables))


def with_first(made: SiteComparison, **changes: Any) -> SiteComparison:  # noqa: ANN401
    return replace(made, pairs=(replace(made.pairs[0], **changes), *made.pairs[1:]))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: replace(m, patients=10**6),
        lambda m: replace(m, lesions=-1),
        lambda m: replace(m, minimum_count=-(10**6)),
        lambda m: replace(m, weights=m.weights[:1]),
        lambda m: replace(m, pairs=m.pairs[1:]),
        lambda m: replace(m, form="cells"),
        lambda m: with_first(m, positives=10**30),
        lambda m: with_first(m, bound=-1.0),
        lambda m: with_first(m, auc_first=Figure(value=1e300)),
        lambda m: with_first(m, difference=Figure(value=0.0, se=-0.05)),
        lambda m: with_first(m, difference=Figure(value=0.9, low=0.8, high=1.0, se=0.05)),
        lambda m: with_first(m, difference=Figure(value=None, se=1e200)),
        lambda m: with_first(m, calls=(10**9, *(0 for _ in range(7)))),
    ],
)
def test_a_comparison_that_no_cohort_gives_is_left_out_and_the_rest_stands(
    fed: Federation,
    change: Any,  # noqa: ANN401
) -> None:
    compared = Compared(fed, "ccc")
    broken(fed.sites["b"], change)
    report = compared.run()
    assert any(n.startswith("b is not in the comparison of models: ") for n in report["notes"])
    assert {r["sites"] == ["a", "c"] for r in rows(report).values()} == {True}


@pytest.mark.parametrize("se", [1e-200, 5e-324, 0.0])
def test_a_standard_error_of_next_to_nothing_does_not_outweigh_the_others(
    fed: Federation, se: float
) -> None:
    compared = Compared(fed, "ccc")
    broken(
        fed.sites["b"], lambda m: with_first(m, difference=replace(m.pairs[0].difference, se=se))
    )
    (row,) = [r for r in rows(compared.run()).values() if r["unit"] == "patient"]
    assert "random effects over 2 sites" in row["method"]
    assert row["difference"]["se"] > 0.001


def test_a_plain_vector_that_does_not_add_up_costs_its_site_the_comparison(
    fed: Federation,
) -> None:
    compared = Compared(fed, "pp")
    site = fed.sites["b"]
    other = rows_of(site.table, np.arange(60))

    def swapped(made: SiteComparison) -> SiteComparison:
        counts = paired_of([other, other], [0.5, 0.5]).to_vector()
        digest = site._releases._send("plain-pairs", made.run, slot("pairs", 0), counts)
        return replace(made, vector=digest)

    broken(site, swapped)
    report = compared.run()
    assert "b" in report["notes"][0]
    assert rows(report)["malignant_vs_benign"]["sites"] == ["a"]


def test_a_fallback_before_a_comparison_shows_no_call_that_a_sum_hid(fed: Federation) -> None:
    compared = Compared(fed, "mm")
    compared.run()
    third = fed.freeze(3.0)
    for i, site in enumerate(fed.sites.values()):
        site.others[fed.stores.registry.card(third).sha256] = better(site.table, 400 + i)
    fed.fleet.hook = lambda site, request: (
        None if site == "b" and isinstance(request, SumsRequest) else request
    )
    compared.run(model=third, against=(fed.model,))
    fed.fleet.hook = lambda _site, request: request
    report = compared.run(against=(compared.other, third))
    assert report["comparisons"]
    found = [c for c in report["comparisons"] if c["scope"] == "site"]
    assert all(c["mcnemar"]["first_right_second_wrong"] is None for c in found)


def test_a_comparison_over_fewer_patients_than_a_smallest_count_is_refused(
    fed: Federation,
) -> None:
    compared = Compared(fed, "cc")
    for site in fed.sites.values():
        site.others[compared.digest] = rows_of(site.table, np.arange(4))
    report = compared.run()
    assert report["comparisons"] == []
    assert sum("would reveal those patients" in n for n in report["notes"]) == 2
