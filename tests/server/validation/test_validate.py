"""A validation through the real site apps and the real coordinator; only the wire is in memory.

Scores are drawn instead of computed by the network; keys, policy, files, ledger, the exchanges
and the pooling are the real ones.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.messages import (
    PlacementsRequest,
)
from hepafed.common.disclosure import POOLED_ONLY
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import task_scores
from hepafed.server.report.from_scores import report_from_scores
from sklearn.metrics import roc_auc_score

from tests.server.federation import Federation, joined, pooled, table_of


def exact_auc(fed: Federation, unit: str, task: str) -> float:
    scores = [task_scores(s.table, unit, task) for s in fed.sites.values()]
    truth = np.concatenate([s.truth for s in scores])
    return float(roc_auc_score(truth, np.concatenate([s.logits for s in scores])))


def assert_figures_hold(fed: Federation, report: dict[str, Any]) -> None:
    for unit, task in (("patient", "malignant_vs_benign"), ("lesion", "metastatic_vs_rest")):
        auc = pooled(report, task)["auc"]
        assert abs(auc["value"] - exact_auc(fed, unit, task)) <= auc["binning_error"] + 1e-9


def test_the_default_release_is_a_masked_sum_equal_to_the_plain_one(fed: Federation) -> None:
    for name in ("a", "b", "c"):
        fed.site(name)
    report = fed.run()
    assert fed.forms(report) == {"a": "masked", "b": "masked", "c": "masked"}
    assert fed.summed(report["run"]) == fed.plain_sum("a", "b", "c")
    assert_figures_hold(fed, report)
    assert pooled(report, "malignant_vs_benign")["auc"]["binning_error"] < 1e-3


@pytest.mark.parametrize("forms", ["mmpc", "pppp", "cccc"])
def test_mixed_forms_give_the_same_report_within_their_bounds(fed: Federation, forms: str) -> None:
    words = {"m": "masked", "p": "plain", "c": "cells"}
    for name, form in zip("abcd", forms, strict=True):
        fed.site(name, release=words[form])
    report = fed.run()
    assert fed.forms(report) == {n: words[f] for n, f in zip("abcd", forms, strict=True)}
    assert_figures_hold(fed, report)
    row = pooled(report, "malignant_vs_benign")
    scores = [task_scores(s.table, "patient", "malignant_vs_benign") for s in fed.sites.values()]
    assert row["n"] == sum(len(s.truth) for s in scores)
    assert row["sensitivity"]["numerator"] == sum(
        int(((s.probabilities >= 0.5) & s.truth).sum()) for s in scores
    )


@pytest.mark.parametrize("forms", ["mmm", "mmp", "ppp"])
def test_clustered_intervals_are_those_of_the_joined_table(fed: Federation, forms: str) -> None:
    words = {"m": "masked", "p": "plain"}
    for i, (name, form) in enumerate(zip("abc", forms, strict=True)):
        fed.site(name, release=words[form], minimum_count=2)
        fed.sites[name].table = table_of(name, i, 200)
    report = fed.run()
    central = write_record(report_from_scores(joined([s.table for s in fed.sites.values()]), 0.5))
    for task in ("benign_vs_rest", "primary_malignant_vs_rest", "metastatic_vs_rest"):
        got, wanted = (pooled(r, task)["auc"]["clustered"] for r in (report, central))
        assert got["se"] == pytest.approx(wanted["se"], rel=0.01)
    assert report["notes"] == []


def test_a_site_with_cells_or_lost_in_the_placement_sums_costs_the_clustered_interval_only(
    fed: Federation,
) -> None:
    fed.site("a")
    fed.site("b")
    fed.fleet.hook = lambda site, request: (
        None if site == "b" and isinstance(request, PlacementsRequest) else request
    )
    report = fed.run()
    row = pooled(report, "benign_vs_rest")["auc"]
    assert row["value"] is not None
    assert row["clustered"]["low"] is None
    assert "sums over patients are missing from b" in report["notes"][0]
    fed.site("c", release="cells")
    report = fed.run(model=fed.another())
    assert fed.forms(report) == {"a": "masked", "b": "masked", "c": "cells"}
    assert "c released no fine counts" in report["notes"][0]


@pytest.mark.parametrize("forms", ["mmp", "mmc"])
def test_readers_calls_are_counted_in_every_form(fed: Federation, forms: str) -> None:
    words = {"m": "masked", "p": "plain", "c": "cells"}
    for name, form in zip("abc", forms, strict=True):
        fed.site(name, release=words[form], minimum_count=2)
        calls = np.random.default_rng(1).integers(0, 2, 60).astype(np.int8)
        readers = {"reader_1": calls, **({"reader_2": calls} if name == "b" else {})}
        fed.sites[name].table = replace(fed.sites[name].table, readers=readers)
    report = fed.run()
    found = {r["reader"]: r["n"] for r in report["readers"]}
    left_out = "No table of reader_2: in the masked sum it would be that of one site."
    if forms[1] == "m":
        assert found == {"reader_1": 90}
        assert left_out in report["notes"]
    else:
        assert found == {"reader_1": 90, "reader_2": 30}
        assert left_out not in report["notes"]


def test_one_masked_site_alone_gives_cells_when_its_policy_allows(fed: Federation) -> None:
    fed.site("a")
    report = fed.run()
    (row,) = report["forms"]
    assert row["form"] == "cells"
    assert "no other site" in row["reason"]
    assert_figures_hold(fed, report)


def test_without_fallback_the_counts_stay_and_the_totals_remain(fed: Federation) -> None:
    fed.site("a", fallback="none")
    fed.site("b", release="cells")
    report = fed.run()
    assert fed.forms(report) == {"a": "withheld", "b": "cells"}
    assert pooled(report, "malignant_vs_benign")["auc"]["value"] is None
    assert pooled(report, "malignant_vs_benign")["auc"]["reason"]
    own = [r for r in report["results"] if (r["scope"], r["site"]) == ("site", "a")]
    assert own[0]["auc"] == {**own[0]["auc"], "value": None, "reason": POOLED_ONLY}
    assert own[0]["n"] == len(set(fed.sites["a"].table.patient.tolist()))
