"""Models compared in a federation: the figures are those of the joined tables, in every form."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.common.contract.messages import (
    CompareRequest,
    KeysRequest,
    PlacementsRequest,
)
from hepafed.common.disclosure import POOLED_ONLY
from hepafed.common.statistics.scores import rows_of

from tests.server.federation import Federation, table_of
from tests.server.validation.two_models import Compared, better, rows


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
    compared = Compared(fed, "cp")
    got, wanted = (rows(r, "site") for r in (compared.run(), compared.central()))
    assert got.keys() == wanted.keys()
    for key, row in got.items():
        assert row["difference"] == wanted[key]["difference"]
        assert row["p"] == wanted[key]["p"]


def test_beside_a_masked_sum_no_site_s_own_comparison_leaves(fed: Federation) -> None:
    for row in rows(Compared(fed, "mm").run(), "site").values():
        for name in ("difference", "auc_first", "auc_second"):
            assert row[name]["value"] is None
        assert row["reason"] == POOLED_ONLY


@pytest.mark.parametrize("forms", ["ppc", "cc"])
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
    digest = fed.stores.registry.card(third).sha256
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
        assert row["difference"]["value"] is None
    assert rows(report)["malignant_vs_benign"]["n"] == 100
    assert rows(report, "site")["malignant_vs_benigna"]["n"] == 50


def test_a_few_patients_that_one_model_cannot_score_are_not_told_by_a_difference(
    fed: Federation,
) -> None:
    """Four lesions of two patients: the answer is over three patients less (`minimum_count` 3)."""
    compared = Compared(fed, "mm")
    other = fed.sites["a"].others[compared.digest]
    fed.sites["a"].others[compared.digest] = rows_of(other, np.arange(len(other.truth) - 4))
    report = compared.run()
    row = rows(report)["malignant_vs_benign"]
    assert row["absent"] == []
    assert (row["n"], row["of"]) == (117, 120)
    assert [s["site"] for s in report["sites"]] == ["a", "b"]


def test_the_same_model_over_a_grown_cohort_is_over_its_earlier_patients(fed: Federation) -> None:
    for name in ("a", "b"):
        fed.site(name)
    fed.run()
    fed.sites["a"].table = table_of("a", 1, 62)
    report = fed.run()
    assert report["provenance"]["missing_sites"] == {}
    assert [(s["site"], s["patients"], s["lesions"]) for s in report["sites"]] == [
        ("a", 30, 60),
        ("b", 30, 60),
    ]
    (held,) = report["suppressed"]
    assert held["site"] == "a"
    assert held["what"] == "patients who would stand alone beside earlier answers about this cohort"


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
    # the sum over both came about where the placement sums alone failed: they give no interval
    assert (row["difference"]["value"] is not None) == (step is PlacementsRequest)
    assert row["difference"]["low"] is None
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
