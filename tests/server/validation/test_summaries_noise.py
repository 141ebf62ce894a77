"""A validation whose sites add noise: real sites, policy, files and coordinator in one process."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.noise.book import PrivacyBook
from hepafed.common.contract.messages import KeysRequest, SiteSummary, ValidateRequest
from hepafed.common.contract.plan import plan_from
from hepafed.common.contract.privacy import NoiseNeed, PrivacyConfig
from hepafed.common.disclosure.noise.coarse import coarse_counts
from hepafed.common.errors import PayloadError, RunError
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable, task_scores
from hepafed.server.formats import read_report
from hepafed.server.report.page import render
from hepafed.server.validation.summaries import checked
from sklearn.metrics import roc_auc_score

from tests.server.federation import PLAN, Federation, joined, table_of

POLICY = PrivacyConfig(epsilon=3.0, lifetime_epsilon=9.0)


def noisy_sites(fed: Federation, *names: str, **policy: Any) -> None:  # noqa: ANN401
    for i, name in enumerate(names):
        fed.site(name, privacy=replace(POLICY, **policy))
        fed.sites[name].table = table_of(name, i, 200 + 60 * i)


def balanced(site: str, seed: int, patients: int) -> ScoreTable:
    """Draw patients of one lesion each, half of them malignant."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, patients)
    logit = rng.normal(2.0 * (2 * truth - 1), 2.0)
    benign, rest = -np.logaddexp(0, logit), -np.logaddexp(0, -logit)
    return ScoreTable(
        site=np.full(patients, site),
        patient=np.array([f"p{i}" for i in range(patients)]),
        lesion=np.full(patients, "l"),
        truth=truth,
        log_probs=np.column_stack([benign, rest + np.log(0.7), rest + np.log(0.3)]),
        readers={},
    )


def said(fed: Federation, *names: str) -> str:
    """Return every message that left some sites, as their ledgers keep them."""
    texts = []
    for name in names:
        for path in (fed.folder / name / "sent").glob("*.json"):
            texts.append(path.read_text())
    return "\n".join(texts)


def test_the_report_has_figures_of_all_sites_whose_intervals_hold_those_of_the_scores(
    fed: Federation,
) -> None:
    noisy_sites(fed, "a", "b", "c", epsilon=8.0)  # so little noise that chance cannot fail this
    for i, (name, site) in enumerate(fed.sites.items()):
        site.table = balanced(name, i, 500 + 80 * i)
    report = fed.run()
    (row,) = report["results"]
    whole = joined([s.table for s in fed.sites.values()])
    exact = task_scores(whole, "patient", "malignant_vs_benign")
    called = exact.logits >= 0
    ends = row["auc"]["covering"]
    assert ends["low"] <= roc_auc_score(exact.truth, exact.logits) <= ends["high"]
    assert row["sensitivity"]["low"] <= called[exact.truth].mean() <= row["sensitivity"]["high"]
    assert row["specificity"]["low"] <= (~called)[~exact.truth].mean() <= row["specificity"]["high"]
    assert row["sensitivity"]["numerator"] is None
    noise = report["noise"]
    assert 1.6 < noise["variance"] < 1.8  # 3 sites of 0.56
    assert [(s["site"], s["epsilon"]) for s in noise["sites"]] == [("a", 8), ("b", 8), ("c", 8)]
    true = sum(coarse_counts(s.table, 0.5) for s in fed.sites.values())
    came = np.array([*np.ravel(noise["called"]), *np.ravel(noise["cells"])])
    assert 0.3 < ((came - true) ** 2).mean() / noise["variance"] < 2.4
    assert [s["patients"] for s in report["sites"]] == [None] * 3
    assert fed.forms(report) == dict.fromkeys("abc", "noisy")
    values = {k: v for k, v in report.items() if k != "run"}
    assert "Noise was added to every count" in render(read_report(values))


def test_no_message_of_such_a_site_tells_a_number_of_its_cohort(fed: Federation) -> None:
    noisy_sites(fed, "a", "b", "c")
    report = fed.run()
    text = said(fed, "a", "b", "c")
    kept = [json.loads(line) for line in text.splitlines()]
    summaries = [k for k in kept if k["kind"] == "validated"]
    assert len(summaries) == 3
    for k in kept:
        body = k.get("body", k)
        assert body.get("patients", 0) == 0
        assert body.get("lesions", 0) == 0
        assert not body.get("totals")
        assert not body.get("tasks")
        assert not body.get("by_class")
    (event,) = [e for e in fed.events(report["run"], "reply") if e["site"] == "a"]
    assert "patients" not in event


def test_every_site_counts_the_answer_once_also_when_a_site_drops_out(fed: Federation) -> None:
    noisy_sites(fed, "a", "b", "c")

    def hook(site: str, request: object) -> object:
        late = isinstance(request, KeysRequest) and request.terms.attempt == 1
        return None if late and site == "b" else request

    fed.fleet.hook = hook
    report = fed.run()
    assert [s["site"] for s in report["sites"]] == ["a", "c"]
    assert "b" in report["provenance"]["missing_sites"]
    # two sites, of whom one may collude: each adds all that is needed
    assert 8.8 < report["noise"]["variance"] < 9.0
    for site, answers in (("a", 1), ("b", 0), ("c", 1)):
        home = fed.folder / site
        assert len(PrivacyBook(home, Ledger(home)).spent().answers) == answers


def test_the_site_that_needs_most_decides_how_much_noise_there_is(fed: Federation) -> None:
    noisy_sites(fed, "a", "b")
    fed.site("c", privacy=PrivacyConfig(epsilon=1.0, lifetime_epsilon=9.0, colluding_sites=2))
    fed.sites["c"].table = table_of("c", 9, 300)
    report = fed.run()
    assert 98 < report["noise"]["variance"] < 99  # three times 32.73, all that site c needs
    assert [s["epsilon"] for s in report["noise"]["sites"]] == [3, 3, 1]


def test_beside_exact_sites_one_with_noise_is_left_out_by_name_and_spends_nothing(
    fed: Federation,
) -> None:
    noisy_sites(fed, "a")
    fed.site("b")
    fed.site("c")
    report = fed.run()
    assert [s["site"] for s in report["sites"]] == ["b", "c"]
    why = report["provenance"]["missing_sites"]["a"]
    assert why == "it answers with noise, and b, c without: validate them apart"
    assert "noise" not in report
    assert not (fed.folder / "a" / "privacy.json").exists()
    assert fed.forms(report) == {"b": "masked", "c": "masked"}
    # its figures were not seen: this was no look at its patients
    assert {e["site"] for e in fed.events(report["run"], "reply")} == {"b", "c"}


def test_one_site_alone_with_noise_gives_no_report(fed: Federation) -> None:
    noisy_sites(fed, "a")
    with pytest.raises(RunError, match="no other site takes part in the masked sum"):
        fed.run()
    assert not (fed.folder / "a" / "privacy.json").exists()


def test_when_the_budget_is_used_up_the_site_says_so_and_the_others_go_on(fed: Federation) -> None:
    noisy_sites(fed, "b", "c")
    fed.site("a", privacy=PrivacyConfig(epsilon=3.0, lifetime_epsilon=3.5))
    fed.sites["a"].table = table_of("a", 9, 300)
    assert len(fed.run()["sites"]) == 3
    fed.start("a", privacy=PrivacyConfig(epsilon=3.0, lifetime_epsilon=3.5))  # it was restarted
    report = fed.run()
    assert [s["site"] for s in report["sites"]] == ["b", "c"]
    assert "privacy budget of this cohort is used up" in report["provenance"]["missing_sites"]["a"]


def test_a_model_is_not_compared_and_the_report_says_so(fed: Federation) -> None:
    noisy_sites(fed, "a", "b")
    other = fed.another()
    made = fed.stores.runs.create(
        "validate", plan_from(write_record(PLAN)), model=fed.model, against=(other,)
    )
    report = fed.run(run=made)
    assert report["comparisons"] == []
    assert any("models are not compared" in n for n in report["notes"])


BARE = SiteSummary(
    run="r", model="m", weights="a" * 64, patients=0, lesions=0, by_class={}, minimum_count=5,
    tasks=(), confusion=None, form="noisy",
    noise=NoiseNeed(epsilon=1.0, delta=1e-5, rho=0.03, colluding_sites=1),
)  # fmt: skip
REQUEST = ValidateRequest(
    run="r", model="m", plan=PLAN, weights="a" * 64, threshold=0.5, split="external"
)


def test_an_answer_with_noise_that_tells_more_or_asks_the_impossible_is_refused() -> None:
    checked("a", BARE, REQUEST)
    for changes in (
        {"patients": 1}, {"lesions": 2}, {"by_class": {"benign": 1}}, {"minimum_count": 0},
        {"minimum_count": 1001}, {"readers": ("r",)}, {"suppressed": ("x",)}, {"model": "n"},
        {"sections": {"size": (1, 1)}}, {"vector": "b" * 64}, {"confusion": ((1,),)},
    ):  # fmt: skip
        with pytest.raises(PayloadError, match="told numbers of its cohort"):
            checked("a", replace(BARE, **changes), REQUEST)
    for changes in ({"noise": None}, {"form": "masked"}, {"form": "cells"}):
        with pytest.raises(PayloadError, match="noise in another form"):
            checked("a", replace(BARE, **changes), REQUEST)
    need = BARE.noise
    assert need is not None
    for changes in (
        {"epsilon": 0.0}, {"epsilon": float("nan")}, {"epsilon": 51.0}, {"delta": 0.0},
        {"delta": 0.01}, {"rho": 0.0}, {"rho": 1.01}, {"rho": float("inf")},
        {"colluding_sites": -1}, {"colluding_sites": 1000},
    ):  # fmt: skip
        with pytest.raises(PayloadError, match="impossible noise"):
            checked("a", replace(BARE, noise=replace(need, **changes)), REQUEST)
    with pytest.raises(PayloadError, match="unknown form"):
        checked("a", BARE, replace(REQUEST, fallback=True))
