"""Answers with noise: nothing exact leaves, the noise is enough, and spending comes first."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.noise.accounting import rho_for
from hepafed.client.release.noise.book import NoisyAnswer, PrivacyBook
from hepafed.client.release.policy import permit
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import (
    CompareRequest,
    OpenRequest,
    PlacementsRequest,
    Terms,
    pack,
)
from hepafed.common.contract.privacy import PrivacyConfig
from hepafed.common.disclosure.masking import check_offer, check_terms, opened_sum
from hepafed.common.disclosure.noise.coarse import LENGTH, SQUARED, coarse_counts
from hepafed.common.disclosure.noise.shares import UNIT, share_for
from hepafed.common.errors import ConfigError, PayloadError, RefusedError

from tests.client.release.releasing import REQUEST, Site, exchange, table_of, terms_of

POLICY = PrivacyConfig(epsilon=1.0, lifetime_epsilon=2.5)
SHARE = share_for(rho_for(1.0, 1e-5), 2, LENGTH, SQUARED)  # 3 sites, 1 of them colluding


def noisy_terms(*names: str, number: int = 1, **changes: Any) -> Terms:  # noqa: ANN401
    made = {"subject": "noisy-counts", "length": LENGTH, "noise": SHARE} | changes
    return terms_of(*names, number=number, **made)


def sites_of(folder: Path, policy: PrivacyConfig = POLICY) -> list[Site]:
    made = [Site(folder, n, privacy=policy) for n in ("a", "b", "c")]
    for i, site in enumerate(made):
        site.table = table_of(site.name, i, 9 + 4 * i)
        site.score()
    return made


def spent_at(site: Site) -> tuple[NoisyAnswer, ...]:
    return PrivacyBook(site.home, Ledger(site.home)).spent().answers


def totals(sites: list[Site]) -> np.ndarray:
    return sum(coarse_counts(s.table, 0.5) for s in sites)


def test_the_sum_is_that_of_the_counts_and_noise_of_the_stated_size(tmp_path: Path) -> None:
    sites = sites_of(tmp_path)
    found = exchange(sites, noisy_terms("a", "b", "c")).view(np.int64)
    noise = found - totals(sites)
    expected = 3 * SHARE / UNIT  # 49.1
    assert 0.3 < (noise**2).mean() / expected < 2.4  # of 36: outside once in 10^5 runs
    assert len(set(noise.tolist())) > 10


def test_an_answer_says_nothing_of_the_cohort(tmp_path: Path) -> None:
    a, b = Site(tmp_path, "a", privacy=POLICY), Site(tmp_path, "b", privacy=POLICY)
    b.table = table_of("b", 5, 200)
    told = [pack(s.score()) for s in (a, b)]
    assert told[0] == told[1]
    made = a.score()
    assert made.noise is not None
    assert (made.run, made.model, made.weights) == (REQUEST.run, REQUEST.model, REQUEST.weights)
    offers = [s.key(noisy_terms("a", "b", noise=2 * SHARE)) for s in (a, b)]
    assert [(o.patients, o.totals) for o in offers] == [(0, ()), (0, ())]


def test_no_rule_about_the_patients_refuses_where_the_refusal_would_tell_of_them(
    tmp_path: Path,
) -> None:
    policy = replace(POLICY, lifetime_epsilon=40.0)
    site = Site(tmp_path, "a", privacy=policy, minimum_patients=1000)
    site.score()
    for seed in range(4):  # the same model but for one patient, and one patient fewer
        table = site.table
        rows = slice(None, -1) if seed % 2 else slice(None)
        fields = ("site", "patient", "lesion", "truth")
        changed = table.log_probs.copy()
        changed[seed] = np.log([0.98, 0.01, 0.01])
        site.table = replace(
            table, **{f: getattr(table, f)[rows] for f in fields}, log_probs=changed[rows]
        )
        assert site.score(weights=f"{seed}" * 64).form == "noisy"


def test_with_less_noise_than_its_epsilon_needs_a_site_gives_no_key(tmp_path: Path) -> None:
    a, *_ = sites_of(tmp_path)
    with pytest.raises(RefusedError, match="noise of this sum falls short") as e:
        a.key(noisy_terms("a", "b", "c", noise=SHARE - 1))
    assert "begin the validation anew" in e.value.hint
    a.key(noisy_terms("a", "b", "c"))


def test_two_sites_need_twice_the_share_because_the_other_may_collude(tmp_path: Path) -> None:
    a, *_ = sites_of(tmp_path)
    enough = share_for(rho_for(1.0, 1e-5), 1, LENGTH, SQUARED)
    assert 1.99 < enough / SHARE < 2.01
    with pytest.raises(RefusedError, match="falls short"):
        a.key(noisy_terms("a", "b", noise=enough - 1))
    a.key(noisy_terms("a", "b", noise=enough))


def test_counts_without_noise_never_leave_such_a_site(tmp_path: Path) -> None:
    a, *_ = sites_of(tmp_path)
    config = SiteConfig(site="a", role="validate", address="localhost:1", privacy=POLICY)
    for terms in (
        terms_of("a", "b", "c"),
        terms_of("a", "b", "c", subject="clusters", length=4),
        terms_of("a", "b", "c", subject="pairs", against=("b" * 64,), length=4),
    ):
        with pytest.raises(RefusedError, match=r"with noise only|no scores of that run"):
            a.key(terms)
    for changes in ({"noise": 0}, {"length": LENGTH + 1}, {"readers": ("r",)}):
        with pytest.raises(PayloadError, match="noise in the terms"):
            a.key(noisy_terms("a", "b", "c", **changes))
    with pytest.raises(RefusedError, match="noise only"):
        a.releases.placements(PlacementsRequest(run="validate-1", curves=()))
    with pytest.raises(RefusedError, match="with noise or not at all"):
        a.score(fallback=True)
    for request in (
        CompareRequest(run="validate-1", split="external", models=()),
        PlacementsRequest(run="validate-1", curves=()),
    ):
        with pytest.raises(RefusedError, match="adds noise to its answers"):
            permit(config, request)
    assert a.sent == []


def test_a_site_without_the_table_joins_no_sum_with_noise(tmp_path: Path) -> None:
    a = Site(tmp_path, "a")
    assert a.score().form == "masked"
    assert a.score().noise is None
    with pytest.raises(RefusedError, match="adds no noise"):
        a.key(noisy_terms("a", "b"))


@pytest.mark.parametrize("noise", [0, UNIT // 4 - 1, (1 << 48) + 1, -5])
def test_terms_with_a_noise_that_cannot_be_are_refused(noise: int) -> None:
    with pytest.raises(PayloadError, match="noise in the terms"):
        check_terms(noisy_terms("a", "b", noise=noise))
    check_terms(noisy_terms("a", "b", noise=UNIT // 4))
    check_terms(noisy_terms("a", "b", noise=1 << 48))
    with pytest.raises(PayloadError, match="noise in the terms"):
        check_terms(terms_of("a", "b", noise=UNIT))


def test_numbers_of_cases_beside_noise_are_refused(tmp_path: Path) -> None:
    a, *_ = sites_of(tmp_path)
    terms = noisy_terms("a", "b", "c")
    offer = a.key(terms)
    check_offer(terms, offer)
    for changes in ({"patients": 9}, {"totals": (4, 5, 4, 3, 2)}):
        with pytest.raises(PayloadError, match="beside counts with noise"):
            check_offer(terms, replace(offer, **changes))


def test_each_attempt_has_fresh_noise(tmp_path: Path) -> None:
    sites = sites_of(tmp_path, replace(POLICY, lifetime_epsilon=40.0))
    found = []
    for n in (1, 2):
        for s in sites:
            s.score(run=f"validate-{n}")
        found.append(exchange(sites, noisy_terms("a", "b", "c", number=n, run=f"validate-{n}")))
    assert np.count_nonzero(found[0] != found[1]) > 20


def test_spending_is_written_before_the_seed_leaves_and_a_repeat_costs_nothing(
    tmp_path: Path,
) -> None:
    sites = sites_of(tmp_path)
    terms = noisy_terms("a", "b", "c")
    offers = [s.key(terms) for s in sites]
    vectors = {s.name: s.mask(terms, offers) for s in sites}
    assert not (sites[0].home / "privacy.json").exists()  # nothing can be read of it yet
    seeds = {s.name: s.open(terms) for s in sites}
    opened_sum(vectors, seeds, terms)
    sites[0].restart()
    assert sites[0].open(terms) == seeds["a"]
    (spent,) = spent_at(sites[0])
    assert (spent.exchange, spent.run, spent.split) == (terms.exchange, terms.run, "external")
    assert spent.rho == pytest.approx(rho_for(1.0, 1e-5), rel=1e-4)


def test_an_attempt_that_is_never_opened_costs_nothing(tmp_path: Path) -> None:
    sites = sites_of(tmp_path)
    terms = noisy_terms("a", "b", "c")
    offers = [s.key(terms) for s in sites]
    sites[0].mask(terms, offers)
    again = noisy_terms("a", "b", number=2, attempt=2, noise=2 * SHARE + 9)
    exchange(sites[:2], again)
    (spent,) = spent_at(sites[0])
    assert spent.exchange == again.exchange


def test_a_budget_that_is_used_up_refuses_before_anything_is_prepared(tmp_path: Path) -> None:
    sites = sites_of(tmp_path, replace(POLICY, lifetime_epsilon=1.5))  # two answers tell 1.46
    for n in (1, 2):
        for s in sites:
            s.score(run=f"validate-{n}")
        exchange(sites, noisy_terms("a", "b", "c", number=n, run=f"validate-{n}"))
    sites[0].restart()
    with pytest.raises(RefusedError, match="privacy budget of this cohort is used up"):
        sites[0].score(run="validate-3")
    with pytest.raises(RefusedError, match="no scores of that run"):
        sites[0].key(noisy_terms("a", "b", "c", number=3, run="validate-3"))


def test_a_lost_or_older_budget_opens_nothing(tmp_path: Path) -> None:
    sites = sites_of(tmp_path)
    terms = noisy_terms("a", "b", "c")
    exchange(sites, terms)
    (sites[0].home / "privacy.json").unlink()
    with pytest.raises(ConfigError, match=r"privacy\.json"):
        sites[0].open(terms)
    with pytest.raises(ConfigError, match=r"privacy\.json"):
        sites[0].score(run="validate-2")


def test_a_policy_that_was_taken_out_or_put_in_meanwhile_opens_nothing(tmp_path: Path) -> None:
    sites = sites_of(tmp_path)
    terms = noisy_terms("a", "b", "c")
    offers = [s.key(terms) for s in sites]
    for s in sites:
        s.mask(terms, offers)
    sites[0].policy = {}
    sites[0].restart()
    with pytest.raises(RefusedError, match=r"\[privacy\] in site.toml changed"):
        sites[0].open(terms)
    plain = [Site(tmp_path / "plain", n) for n in ("a", "b")]
    for s in plain:
        s.score()
    offers = [s.key(terms_of("a", "b")) for s in plain]
    plain[0].mask(terms_of("a", "b"), offers)
    plain[0].policy = {"privacy": POLICY}
    plain[0].restart()
    with pytest.raises(RefusedError, match=r"\[privacy\] in site.toml changed"):
        plain[0].releases.open(OpenRequest(run="validate-1", exchange=terms_of("a", "b").exchange))


def test_answers_with_noise_bind_no_later_answer_to_the_same_sites(tmp_path: Path) -> None:
    sites = sites_of(tmp_path, replace(POLICY, lifetime_epsilon=40.0))
    exchange(sites, noisy_terms("a", "b", "c"))
    for s in sites[:2]:
        s.score(run="validate-2")
    exchange(sites[:2], noisy_terms("a", "b", number=2, run="validate-2", noise=2 * SHARE + 9))
    sites[0].score()
    with pytest.raises(RefusedError, match="opened already"):
        sites[0].key(noisy_terms("a", "b", "c", number=3, attempt=2))
