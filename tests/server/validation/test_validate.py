"""A validation through the real site apps and the real coordinator; only the wire is in memory.

Scores are drawn instead of computed by the network; keys, policy, files, ledger, the exchanges
and the pooling are the real ones.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hepafed.common.contract.messages import (
    KeysRequest,
    MaskedReply,
    OpenRequest,
    PlacementsRequest,
    SumsRequest,
    Terms,
)
from hepafed.common.disclosure.masking import make_offer
from hepafed.common.records import write_record
from hepafed.common.statistics.additive import vector_length
from hepafed.common.statistics.scores import task_scores
from hepafed.common.statistics.sums import additive_of
from hepafed.server.report.from_scores import report_from_scores
from sklearn.metrics import roc_auc_score

from tests.server.federation import Federation, Hook, joined, pooled, table_of


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


def test_a_site_with_cells_or_lost_in_the_second_step_costs_the_clustered_interval_only(
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
    assert "second step without b" in report["notes"][0]
    fed.site("c", release="cells")
    report = fed.run(model=fed.freeze(2.0))
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
    assert {r["reader"]: r["n"] for r in report["readers"]} == {"reader_1": 90, "reader_2": 30}


@pytest.mark.parametrize("step", [KeysRequest, SumsRequest])
def test_a_dropped_site_costs_one_repeat(fed: Federation, step: type) -> None:
    for name in ("a", "b", "c"):
        fed.site(name)

    def drop(site: str, request: object) -> object:
        if site == "c" and isinstance(request, step):
            fed.fleet.gone.add("c")
            return None
        return request

    fed.fleet.hook = drop
    report = fed.run()
    tried = [e["sites"] for e in fed.events(report["run"], "masking") if e["subject"] == "counts"]
    assert tried == [["a", "b", "c"], ["a", "b"]]
    assert fed.forms(report) == {"a": "masked", "b": "masked"}
    assert "c" in report["provenance"]["missing_sites"]
    assert fed.summed(report["run"]) == fed.plain_sum("a", "b")
    keys = [
        r.terms.exchange
        for s, r in fed.fleet.asked
        if s == "a" and isinstance(r, KeysRequest) and r.terms.subject == "counts"
    ]
    assert len(keys) == len(set(keys)) == 2


def test_a_site_that_is_slow_to_open_is_asked_again_and_the_sum_stands(fed: Federation) -> None:
    fed.site("a")
    fed.site("b")
    missed: list[object] = []

    def slow(site: str, request: object) -> object:
        if site == "b" and isinstance(request, OpenRequest) and not missed:
            missed.append(request)
            return None
        return request

    fed.fleet.hook = slow
    report = fed.run()
    assert [e["subject"] for e in fed.events(report["run"], "masking")] == ["counts", "clusters"]
    assert fed.summed(report["run"]) == fed.plain_sum("a", "b")


def test_a_site_restarted_before_the_opening_still_opens(fed: Federation) -> None:
    fed.site("a")
    fed.site("b")
    restarted: list[str] = []

    def restart(site: str, request: object) -> object:
        if site == "b" and isinstance(request, OpenRequest) and not restarted:
            restarted.append(site)
            fleet = fed.fleet
            fed.start("b")
            fed.fleet = fleet
        return request

    fed.fleet.hook = restart
    report = fed.run()
    assert restarted
    assert fed.summed(report["run"]) == fed.plain_sum("a", "b")


def test_a_coordinator_killed_before_the_opening_goes_on_with_the_same_attempt(
    fed: Federation,
) -> None:
    fed.site("a")
    fed.site("b")

    def kill(site: str, request: object) -> object:
        if isinstance(request, OpenRequest) and site == "b":
            raise KeyboardInterrupt
        return request

    fed.fleet.hook = kill
    with pytest.raises(KeyboardInterrupt):
        fed.run()
    (run,) = fed.desk.runs.all()
    fed.fleet.hook = lambda _site, request: request
    report = fed.run(run=run)
    assert [e["subject"] for e in fed.events(run.id, "masking")] == ["counts", "clusters"]
    assert fed.summed(run.id) == fed.plain_sum("a", "b")
    assert fed.forms(report) == {"a": "masked", "b": "masked"}


def test_one_masked_site_alone_gives_cells_when_its_policy_allows(fed: Federation) -> None:
    fed.site("a")
    report = fed.run()
    (row,) = report["forms"]
    assert row["form"] == "cells"
    assert "no other site" in row["reason"]
    assert_figures_hold(fed, report)


def test_without_fallback_the_counts_stay_and_the_own_figures_remain(fed: Federation) -> None:
    fed.site("a", fallback="none")
    fed.site("b", release="cells")
    report = fed.run()
    assert fed.forms(report) == {"a": "withheld", "b": "cells"}
    assert pooled(report, "malignant_vs_benign")["auc"]["value"] is None
    assert pooled(report, "malignant_vs_benign")["auc"]["reason"]
    own = [r for r in report["results"] if (r["scope"], r["site"]) == ("site", "a")]
    assert own[0]["auc"]["value"] is not None


def swapping(fed: Federation, identity: ec.EllipticCurvePrivateKey | None) -> Hook:
    """Act as a coordinator that gives `a` a key of its own in place of b's."""
    terms: dict[str, Terms] = {}

    def swap(site: str, request: object) -> object:
        if isinstance(request, KeysRequest):
            terms[request.run] = request.terms
        if site != "a" or not isinstance(request, SumsRequest):
            return request
        own, other = request.offers
        if identity is not None:
            fake = make_offer(
                terms[request.run], "b", other.patients, X25519PrivateKey.generate(), identity
            )
        else:
            values = {**write_record(other), "key": "09" + "00" * 31}
            fake = type(other)(**values)
        return SumsRequest(run=request.run, exchange=request.exchange, offers=(own, fake))

    return swap


@pytest.mark.parametrize("signed", [False, True], ids=["signature kept", "signed by the liar"])
def test_a_lying_coordinator_that_swaps_a_key_is_caught(fed: Federation, signed: bool) -> None:
    fed.site("a", fallback="none")
    fed.site("b", fallback="none")
    fed.run()  # a and b know each other from here
    before = len(fed.wires["a"].sent)
    identity = ec.generate_private_key(ec.SECP384R1()) if signed else None
    fed.fleet.hook = swapping(fed, identity)
    report = fed.run(model=fed.freeze(2.0))
    wanted = "another identity" if signed else "not signed by it"
    reasons = [e["reason"] for e in fed.events(report["run"], "missing")]
    assert any(wanted in r for r in reasons)
    assert len(fed.wires["a"].sent) == before, "nothing left site a"


def test_first_use_cannot_tell_a_swapped_identity_but_confirmed_trust_refuses_it(
    fed: Federation,
) -> None:
    liar = ec.generate_private_key(ec.SECP384R1())
    fed.site("a", peer_trust="confirmed", fallback="none")
    fed.site("b", fallback="none")
    fed.fleet.hook = swapping(fed, liar)
    report = fed.run()
    assert any("not confirmed" in e["reason"] for e in fed.events(report["run"], "missing"))
    assert fed.wires["a"].sent == []


def test_what_reached_the_coordinator_is_fresh_noise_each_time(fed: Federation) -> None:
    fed.site("a")
    fed.site("b")
    for _ in range(2):
        fed.run()
    sent = [np.frombuffer(c, "<u8") for c in fed.wires["a"].sent]
    first, second = (c for c in sent if len(c) == vector_length())
    own = additive_of(fed.sites["a"].table, 0.5).to_vector()
    assert (own == 0).mean() > 0.99  # nearly all counts are nought: nothing may show of that
    for noise in (first, second, first - second, first - own):
        octets = np.bincount(noise.view(np.uint8), minlength=256)
        expected = 8 * len(noise) / 256
        assert ((octets - expected) ** 2 / expected).sum() < 400  # chance: below 1e-8
    assert not (first == second).any()


def test_a_masked_reply_holds_nothing_but_a_digest() -> None:
    assert set(write_record(MaskedReply(run="", exchange="", vector=""))) == {
        "run",
        "exchange",
        "vector",
    }


def test_a_second_look_by_the_same_sites_gives_the_same_sum(fed: Federation) -> None:
    fed.site("a")
    fed.site("b")
    first, second = fed.run(), fed.run()
    assert fed.summed(first["run"]) == fed.summed(second["run"])


@pytest.mark.parametrize("other_model", [False, True])
def test_no_second_sum_over_fewer_sites_is_opened(fed: Federation, other_model: bool) -> None:
    for name in ("a", "b", "c"):
        fed.site(name)
    fed.run()
    fed.fleet.gone.add("c")
    report = fed.run(model=fed.freeze(2.0) if other_model else "")
    wanted = "cells" if other_model else "withheld"  # cells of the same scores would tell of c
    assert fed.forms(report) == {"a": wanted, "b": wanted}
    assert all("a, b, c only" in r["reason"] for r in report["forms"])
    assert not (fed.desk.runs.folder(report["run"]) / "masked-counts.sum").exists()


def test_scores_released_in_cells_are_not_masked_later(fed: Federation) -> None:
    fed.site("a")
    assert fed.forms(fed.run()) == {"a": "cells"}
    fed.site("b")
    assert fed.forms(fed.run()) == {"a": "cells", "b": "cells"}
    assert fed.forms(fed.run(model=fed.freeze(2.0))) == {"a": "masked", "b": "masked"}
