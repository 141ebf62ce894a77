"""Models compared in a federation: the figures are those of the joined tables, in every form."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.figures import Figure
from hepafed.common.contract.messages import (
    CompareRequest,
    KeysRequest,
    PlacementsRequest,
    SiteComparison,
    SumsRequest,
)
from hepafed.common.disclosure.masking import slot
from hepafed.common.disclosure.paired import paired_of
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable, rows_of
from hepafed.server.report.from_scores import report_from_scores

from tests.server.federation import Federation, joined, table_of

FORMS = {"m": "masked", "p": "plain", "c": "cells"}


def better(table: ScoreTable, seed: int, by: float = 0.8) -> ScoreTable:
    """Another model on the same lesions, with noise of its own."""
    noise = np.random.default_rng(seed).normal(size=table.log_probs.shape)
    raw = table.log_probs + 0.7 * noise + by * np.eye(3)[table.truth]
    return replace(table, log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True))


class Compared:
    """A federation with a second model; `of` gives the pooled row of a task."""

    def __init__(self, fed: Federation, forms: str, lesions: int = 120) -> None:
        self.fed = fed
        self.other = fed.freeze(2.0)
        self.digest = fed.desk.registry.card(self.other).sha256
        for i, (name, form) in enumerate(zip("abcd", forms, strict=False)):
            fed.site(name, release=FORMS[form], minimum_count=3)
            table = table_of(name, i, lesions)
            fed.sites[name].table = table
            fed.sites[name].others[self.digest] = better(table, 100 + i)

    def run(self, model: str = "", against: tuple[str, ...] = ()) -> dict[str, Any]:
        made = self.fed.desk.runs.create(
            "validate",
            self.fed.plan,
            model=model or self.fed.model,
            against=against or (self.other,),
        )
        return self.fed.run(run=made)

    def central(self) -> dict[str, Any]:
        first = joined([s.table for s in self.fed.sites.values()])
        second = joined([s.others[self.digest] for s in self.fed.sites.values()])
        made = report_from_scores(first, 0.5, name=self.fed.model, against={self.other: second})
        return write_record(made)


def rows(report: dict[str, Any], scope: str = "pooled") -> dict[str, dict[str, Any]]:
    found = [c for c in report["comparisons"] if c["scope"] == scope]
    return {c["task"] + (c["site"] or ""): c for c in found}


@pytest.mark.parametrize("forms", ["mmm", "mmp", "pp", "p"])
def test_a_federated_comparison_is_that_of_the_joined_tables(fed: Federation, forms: str) -> None:
    compared = Compared(fed, forms)
    report = compared.run()
    assert report["notes"] == []
    wanted = rows(compared.central())
    for task, row in rows(report).items():
        assert (row["first"], row["second"]) == (fed.model, compared.other)
        assert row["n"] == wanted[task]["n"]
        for name in ("auc_first", "auc_second", "difference"):
            assert row[name]["value"] == pytest.approx(wanted[task][name]["value"], abs=1e-12)
        # the covariance of the models passes through curves of a few cases a cell
        assert row["difference"]["se"] == pytest.approx(wanted[task]["difference"]["se"], rel=0.05)
        assert row["mcnemar"] == wanted[task]["mcnemar"]
        assert row["sites"] == list("abc")[: len(forms)]
    assert rows(report).keys() == wanted.keys()
    assert {c["id"] for c in report["provenance"]["compared_models"]} == {compared.other}


def test_each_sites_own_comparison_is_that_of_its_table(fed: Federation) -> None:
    compared = Compared(fed, "mm")
    got, wanted = (rows(r, "site") for r in (compared.run(), compared.central()))
    assert got.keys() == wanted.keys()
    for key, row in got.items():
        assert row["difference"] == wanted[key]["difference"]
        assert row["p"] == wanted[key]["p"]


@pytest.mark.parametrize("forms", ["mmc", "cc"])
def test_where_a_site_releases_cells_the_sites_own_differences_are_pooled(
    fed: Federation, forms: str
) -> None:
    compared = Compared(fed, forms)
    report = compared.run()
    wanted = rows(compared.central())
    for task, row in rows(report).items():
        assert f"random effects over {len(forms)} sites" in row["method"]
        assert row["difference"]["value"] == pytest.approx(
            wanted[task]["difference"]["value"], abs=2 * row["difference"]["se"]
        )
        assert row["difference"]["low"] < row["difference"]["value"] < row["difference"]["high"]


def test_three_models_are_compared_pair_by_pair_and_adjusted_after_holm(fed: Federation) -> None:
    compared = Compared(fed, "mm")
    third = fed.freeze(3.0)
    digest = fed.desk.registry.card(third).sha256
    for i, site in enumerate(fed.sites.values()):
        site.others[digest] = better(site.table, 200 + i, 0.1)
    report = compared.run(against=(compared.other, third))
    pairs = [c for c in report["comparisons"] if c["scope"] == "pooled" and c["unit"] == "patient"]
    names = (fed.model, compared.other, third)
    assert [(c["first"], c["second"]) for c in pairs] == [
        (names[0], names[1]),
        (names[0], names[2]),
        (names[1], names[2]),
    ]
    smallest = min(pairs, key=lambda c: c["p"])
    assert smallest["p_holm"] == pytest.approx(min(1.0, 3 * smallest["p"]))
    assert all("cases of all sites" in c["method"] for c in pairs)


def test_under_masks_no_site_gives_its_crossed_calls(fed: Federation) -> None:
    compared = Compared(fed, "mm")
    report = compared.run()
    assert all(r["mcnemar"]["p"] is None for r in rows(report, "site").values())
    assert rows(report)["malignant_vs_benign"]["mcnemar"]["p"] is not None
    assert all(r["mcnemar"]["first_right_second_wrong"] is not None for r in rows(report).values())


def test_lesions_that_one_model_cannot_score_never_enter_a_second_sum(fed: Federation) -> None:
    compared = Compared(fed, "mm")
    for site in fed.sites.values():
        other = site.others[compared.digest]
        site.others[compared.digest] = rows_of(other, np.arange(len(other.truth) - 20))
    report = compared.run()
    sums = [r.terms.subject for _, r in fed.fleet.asked if isinstance(r, KeysRequest)]
    assert set(sums) == {"counts", "clusters"}
    for row in rows(report).values():
        assert "random effects over 2 sites" in row["method"]
    assert rows(report)["malignant_vs_benign"]["n"] == 100
    assert rows(report, "site")["malignant_vs_benigna"]["n"] == 50


def test_a_comparison_over_all_but_a_few_patients_is_refused(fed: Federation) -> None:
    compared = Compared(fed, "mm")
    other = fed.sites["a"].others[compared.digest]
    fed.sites["a"].others[compared.digest] = rows_of(other, np.arange(len(other.truth) - 4))
    report = compared.run()
    assert report["notes"][0].startswith("a is not in the comparison of models: refused: ")
    assert "the difference would tell of those" in report["notes"][0]
    assert report["notes"][1].endswith("b has no other site to be masked with")
    assert rows(report)["malignant_vs_benign"]["absent"] == ["a"]
    assert [s["site"] for s in report["sites"]] == ["a", "b"]


def test_the_same_model_over_a_grown_cohort_is_refused_under_masks(fed: Federation) -> None:
    for name in ("a", "b"):
        fed.site(name)
    fed.run()
    fed.sites["a"].table = table_of("a", 1, 62)
    report = fed.run()
    assert "a" in report["provenance"]["missing_sites"]
    assert "over other lesions" in report["provenance"]["missing_sites"]["a"]


@pytest.mark.parametrize("step", [CompareRequest, PlacementsRequest])
def test_a_site_lost_in_a_comparison_costs_the_comparison_only(fed: Federation, step: type) -> None:
    compared = Compared(fed, "mm")
    seen: list[object] = []

    def drop(site: str, request: object) -> object:
        if site == "b" and isinstance(request, step):
            seen.append(request)
            if step is CompareRequest or len(seen) == 2:
                return None
        return request

    fed.fleet.hook = drop
    report = compared.run()
    assert fed.forms(report) == {"a": "masked", "b": "masked"}
    row = rows(report)["malignant_vs_benign"]
    assert row["difference"]["value"] is not None
    assert len(report["notes"]) == (2 if step is CompareRequest else 1)
    assert "b" in report["notes"][0]


def test_another_operating_point_for_a_compared_model_is_refused(fed: Federation) -> None:
    compared = Compared(fed, "pp")
    compared.run()

    def moved(_site: str, request: object) -> object:
        if not isinstance(request, CompareRequest):
            return request
        first, second = request.models
        return replace(request, models=(first, replace(second, threshold=0.4)))

    fed.fleet.hook = moved
    report = compared.run()
    assert report["comparisons"] == []
    assert len(report["notes"]) == 2
    assert "another operating point" in report["notes"][0]


@pytest.mark.parametrize("forms", ["mp", "mmc"])
def test_what_one_site_withholds_is_not_the_rest_of_a_pooled_count(
    fed: Federation, forms: str
) -> None:
    report = Compared(fed, forms).run()
    withheld = [r for r in rows(report, "site").values() if r["mcnemar"]["p"] is None]
    assert {r["site"] for r in withheld} >= {"a"}
    assert all(r["mcnemar"]["p"] is None for r in rows(report).values())


def test_models_that_hardly_differ_never_get_an_interval_of_no_width(fed: Federation) -> None:
    compared = Compared(fed, "mmm")
    for i, site in enumerate(fed.sites.values()):
        noise = np.random.default_rng(300 + i).normal(size=site.table.log_probs.shape)
        raw = site.table.log_probs + 0.05 * noise
        site.others[compared.digest] = replace(
            site.table, log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True)
        )
    wanted = rows(compared.central())
    for task, row in rows(compared.run()).items():
        assert row["difference"]["se"] > 0.8 * wanted[task]["difference"]["se"] > 0


def test_a_model_beside_itself_does_not_differ(fed: Federation) -> None:
    compared = Compared(fed, "mmm")
    for site in fed.sites.values():
        site.others[compared.digest] = site.table
    for row in rows(compared.run()).values():
        assert (row["difference"]["value"], row["difference"]["se"]) == (0, 0)


def broken(site: Any, change: Any) -> None:  # noqa: ANN401
    """Have a site change its answer to a comparison."""
    real = type(site)._compare
    site._compare = lambda request: change(real(site, request))


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
        site.others[fed.desk.registry.card(third).sha256] = better(site.table, 400 + i)
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
    assert sum("fewer patients that every model could score" in n for n in report["notes"]) == 2
