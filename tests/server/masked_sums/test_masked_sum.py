"""A masked sum through the real site apps: what is lost, who lies, and what can be read."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hepafed.common.contract.messages import (
    KeysRequest,
    MaskedReply,
    OpenRequest,
    SumsRequest,
    Terms,
)
from hepafed.common.disclosure.masking import make_offer
from hepafed.common.records import write_record
from hepafed.common.statistics.additive import vector_length
from hepafed.common.statistics.sums import additive_of

from tests.server.federation import Federation, Hook


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
    (run,) = fed.stores.runs.all()
    fed.fleet.hook = lambda _site, request: request
    report = fed.run(run=run)
    assert [e["subject"] for e in fed.events(run.id, "masking")] == ["counts", "clusters"]
    assert fed.summed(run.id) == fed.plain_sum("a", "b")
    assert fed.forms(report) == {"a": "masked", "b": "masked"}


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
                terms[request.run], "b", other.totals, X25519PrivateKey.generate(), identity
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
    report = fed.run(model=fed.another())
    wanted = "another identity" if signed else "not signed by that site"
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
    report = fed.run(model=fed.another() if other_model else "")
    # cells of the same scores would tell of c; of others they are refused, as this site itself
    # refused the sum: who names another group could have cells for the asking
    assert fed.forms(report) == {"a": "withheld", "b": "withheld"}
    assert all("only in masked sums of a, b, c" in r["reason"] for r in report["forms"])
    assert not (fed.stores.runs.folder(report["run"]) / "masked-counts.sum").exists()


def test_scores_released_in_cells_are_not_masked_later(fed: Federation) -> None:
    fed.site("a")
    assert fed.forms(fed.run()) == {"a": "cells"}
    fed.site("b")
    assert fed.forms(fed.run()) == {"a": "cells", "b": "cells"}
    assert fed.forms(fed.run(model=fed.another())) == {"a": "masked", "b": "masked"}
