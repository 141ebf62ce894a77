"""Intervals between patients are those of the joined table, whatever the sites and their forms."""

from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.records import write_record
from hepafed.common.statistics.additive import add
from hepafed.common.statistics.clustered import call_intervals, clustered_kappa, right_interval
from hepafed.common.statistics.scores import ScoreTable, rows_of
from hepafed.common.statistics.sums import additive_of
from hepafed.server import pooling
from hepafed.server.formats import ModelPart, OperatingPoint, Provenance
from hepafed.server.pooling import Group, check_summary

MODEL = ModelPart(
    id="m",
    protocol="t2",
    sha256="",
    operating_point=OperatingPoint(threshold=0.4, rule="", chosen_on=""),
)
FIGURES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
MORE = ("balanced_accuracy", "likelihood_positive", "likelihood_negative")
WITHHELD = "withheld: fewer patients with several lesions than the site's minimum count"


def table(site: str, seed: int, patients: int, most: int) -> ScoreTable:
    """Give patients of 1 to `most` lesions, alike within a patient, in no order."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, most + 1, patients))
    patient = patient[rng.permutation(len(patient))]
    truth = rng.choice(3, patients, p=[0.5, 0.2, 0.3])[patient]
    raw = 0.7 * np.eye(3)[truth] + rng.normal(size=(patients, 3))[patient]
    raw += 0.3 * rng.normal(size=(len(patient), 3))
    return ScoreTable(
        site=np.full(len(patient), site),
        patient=np.array([f"p{i}" for i in patient]),
        lesion=np.array([f"l{i}" for i in range(len(patient))]),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def joined(tables: list[ScoreTable]) -> ScoreTable:
    fields = ("site", "patient", "lesion", "truth", "log_probs")
    parts = {f: np.concatenate([getattr(t, f) for t in tables]) for f in fields}
    return ScoreTable(**parts, readers={})


def summary(t: ScoreTable, minimum: int = 1) -> SiteSummary:
    return summarise(t, run="r", model="m", weights="", threshold=0.4, minimum_count=minimum)


def report(tables: list[ScoreTable], forms: str, minimum: int = 1) -> dict[str, Any]:
    """Pool sites of forms m (masked), p (plain) and c (cells), as report.json holds it."""
    summaries, groups, masked = {}, [], []
    for t, form in zip(tables, forms, strict=True):
        name = str(t.site[0])
        summaries[name] = summary(t, minimum)
        check_summary(name, summaries[name])
        if form == "p":
            groups.append(Group((name,), additive_of(t, 0.4), "plain"))
        if form == "m":
            masked.append(t)
    if masked:
        sums = add([additive_of(t, 0.4) for t in masked])
        groups.append(Group(tuple(str(t.site[0]) for t in masked), sums))
    return write_record(pooling.pool(summaries, MODEL, Provenance(), groups=groups))


def lesion_rows(made: dict[str, Any], site: str | None) -> list[dict[str, Any]]:
    return [
        r
        for r in made["results"]
        if r["unit"] == "lesion" and r["site"] == site and r["task"] != "macro"
        and r["scope"] != "site-mean"
    ]  # fmt: skip


SITES = [table("b", 1, 31, 5), table("a", 2, 9, 2), table("c", 3, 70, 4)]


@pytest.mark.parametrize("forms", ["ccc", "mmm", "ppp", "mcm", "pcp", "mpm", "cmm"])
def test_in_every_form_the_pooled_intervals_are_those_of_the_joined_table(forms: str) -> None:
    whole = additive_of(joined(SITES), 0.4)
    made = report(SITES, forms)
    rows = lesion_rows(made, None)
    assert len(rows) == 3
    for i, row in enumerate(rows):
        expected = call_intervals(whole.called[i + 1], whole.called_products[i])
        for name in (*FIGURES, *MORE):
            found, its = row[name]["clustered"], expected[name]
            assert (found["low"], found["high"]) == pytest.approx((its.low, its.high), rel=1e-12)
            assert found["patients"] == pytest.approx(its.patients)
            assert found["method"] == ("rao-scott" if name in FIGURES else "delta")
    (pooled,) = [m for m in made["multiclass"] if m["scope"] == "pooled"]
    for name, its, method in (
        ("accuracy", right_interval(whole.confusion, whole.confusion_products), "rao-scott"),
        ("kappa", clustered_kappa(whole.confusion, whole.confusion_products), "score"),
    ):
        found = pooled[name]["clustered"]
        assert its is not None
        assert (found["low"], found["high"], found["method"]) == (its.low, its.high, method)


def test_wilsons_and_the_exact_interval_stay_where_they_were() -> None:
    row = lesion_rows(report(SITES, "ccc"), None)[1]
    rate = row["sensitivity"]
    assert rate["method"] == "wilson"
    assert rate["low"] > rate["clustered"]["low"]
    assert rate["high"] < rate["clustered"]["high"]
    assert rate["exact_low"] < rate["low"]


@pytest.mark.parametrize("forms", ["ccc", "mmm"])
def test_a_sites_intervals_are_those_that_it_computed(forms: str) -> None:
    made = report(SITES, forms)
    for t in SITES:
        own = additive_of(t, 0.4)
        for i, row in enumerate(lesion_rows(made, str(t.site[0]))):
            its = call_intervals(own.called[i + 1], own.called_products[i])["specificity"]
            found = row["specificity"]["clustered"]
            assert (found["low"], found["high"], found["se"]) == (its.low, its.high, its.se)
    kappas = {m["site"]: m["kappa"]["clustered"] for m in made["multiclass"]}
    own = additive_of(SITES[0], 0.4)
    its = clustered_kappa(own.confusion, own.confusion_products)
    assert its is not None
    assert (kappas["b"]["low"], kappas["b"]["high"]) == (its.low, its.high)


def test_the_patients_task_keeps_wilsons_interval_alone() -> None:
    rows = [r for r in report(SITES, "ccc")["results"] if r["unit"] == "patient"]
    assert len(rows) == 5
    assert not any("clustered" in (r.get("sensitivity") or {}) for r in rows)


def few_of_several() -> ScoreTable:
    """Give 40 patients of one lesion, but 2 of several."""
    whole = table("d", 8, 42, 4)
    names, counts = np.unique(whole.patient, return_counts=True)
    several = {*names[counts > 1][:2].tolist()}
    seen: set[str] = set()
    kept = []
    for i, p in enumerate(whole.patient.tolist()):
        if p in several or p not in seen:
            kept.append(i)
        seen.add(p)
    return rows_of(whole, np.array(kept))


def test_a_site_that_withholds_its_sums_leaves_no_interval_but_wilsons() -> None:
    few = few_of_several()
    made = report([SITES[2], few], "cc", minimum=3)
    for row in lesion_rows(made, None):
        rate = row["accuracy"]
        assert (rate["clustered"]["low"], rate["clustered"]["high"]) == (None, None)
        assert rate["clustered"]["reason"] == "suppressed by a site"
        assert rate["low"] is not None
    for row in lesion_rows(made, "d"):
        assert row["accuracy"]["clustered"]["reason"] == WITHHELD
    assert lesion_rows(made, "c")[0]["accuracy"]["clustered"]["low"] is not None
    (pooled,) = [m for m in made["multiclass"] if m["scope"] == "pooled"]
    assert pooled["kappa"]["clustered"]["reason"] == "suppressed by a site"
    # under masks the pooled sums hold it, as they hold its scores
    masked = report([SITES[2], few], "mm", minimum=3)
    assert lesion_rows(masked, None)[0]["accuracy"]["clustered"]["low"] is not None


def test_one_patient_with_every_lesion_of_a_class_has_no_interval_of_its_rate() -> None:
    t = table("a", 4, 12, 4)
    first = t.patient == t.patient[0]
    t.truth[:] = np.where(first, 2, 0)
    row = lesion_rows(report([t], "c"), None)[2]
    assert row["sensitivity"]["value"] is not None
    assert row["sensitivity"]["clustered"]["low"] is None
    reason = "no interval: all of these cases are of one patient"
    assert row["sensitivity"]["clustered"]["reason"] == reason
    assert row["specificity"]["clustered"]["low"] is not None


def test_few_patients_are_remarked_on() -> None:
    remark = "read this interval with care: few patients, or few patients have most of the cases"
    made = report([SITES[1]], "c")
    assert lesion_rows(made, None)[0]["accuracy"]["clustered"]["reason"] == remark
    assert lesion_rows(made, "a")[0]["accuracy"]["clustered"]["reason"] == remark
    enough = report([SITES[2]], "c")
    assert "reason" not in lesion_rows(enough, None)[0]["accuracy"]["clustered"]
