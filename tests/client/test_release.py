"""A site releases what its policy says, in one form, and nothing that could be subtracted."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.exchanges import Exchanges
from hepafed.client.ledger import Ledger
from hepafed.client.policy import permit
from hepafed.client.release import Releases
from hepafed.common.additive import add
from hepafed.common.certificates import make_node_key
from hepafed.common.clusters import curves_of, products_of
from hepafed.common.config import SiteConfig
from hepafed.common.errors import ConfigError, PayloadError, RefusedError
from hepafed.common.figures import PlacementCurve
from hepafed.common.masking import counts_from_bytes, opened_sum
from hepafed.common.messages import (
    KeyOffer,
    KeysRequest,
    OpenRequest,
    PlacementsRequest,
    SiteSummary,
    SumsRequest,
    Terms,
    ValidateRequest,
)
from hepafed.common.plan import Plan
from hepafed.common.scores import ScoreTable
from hepafed.common.sums import additive_of

WEIGHTS = "a" * 64
REQUEST = ValidateRequest(
    run="validate-1", model="m", plan=Plan(name="demo", protocol="t2"), weights=WEIGHTS,
    threshold=0.5, split="external",
)  # fmt: skip


def table_of(site: str, seed: int, patients: int = 15) -> ScoreTable:
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(patients, 3))
    return ScoreTable(
        site=np.full(patients, site),
        patient=np.array([f"p{i}" for i in range(patients)]),
        lesion=np.full(patients, "l"),
        truth=rng.integers(0, 3, patients),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


class Site:
    """A site's releases over a table; `sent` is what was uploaded."""

    def __init__(self, folder: Path, name: str, **policy: Any) -> None:  # noqa: ANN401
        self.home, self.name, self.policy = folder / name, name, policy
        self.table = table_of(name, len(name) + ord(name[-1]))
        self.sent: list[bytes] = []
        make_node_key(self.home / "keys" / "node.key")
        self.restart()

    def restart(self) -> None:
        config = SiteConfig(site=self.name, role="validate", address="localhost:1", **self.policy)
        self.ledger = Ledger(self.home)
        self.releases = Releases(self.home, config, self.ledger, self._upload)

    def _upload(self, _run: str, _slot: int, content: bytes) -> str:
        self.sent.append(content)
        return sha256(content).hexdigest()

    def score(self, **changes: Any) -> SiteSummary:  # noqa: ANN401
        return self.releases.summary(replace(REQUEST, **changes), self.table)

    def counts(self) -> np.ndarray:
        return additive_of(self.table, 0.5).to_vector()

    def key(self, terms: Terms) -> KeyOffer:
        return self.releases.keys(KeysRequest(run=terms.run, terms=terms))

    def mask(self, terms: Terms, offers: list[KeyOffer]) -> np.ndarray:
        request = SumsRequest(run=terms.run, exchange=terms.exchange, offers=tuple(offers))
        self.releases.sums(request)
        return counts_from_bytes(self.sent[-1], terms.length)

    def open(self, terms: Terms) -> bytes:
        request = OpenRequest(run=terms.run, exchange=terms.exchange)
        return bytes.fromhex(self.releases.open(request).seed)


def terms_of(*names: str, number: int = 1, **changes: Any) -> Terms:  # noqa: ANN401
    made = Terms(
        exchange=f"{number:032x}", run="validate-1", subject="counts", weights=WEIGHTS,
        split="external", attempt=1, participants=names, length=len(TABLE_COUNTS),
    )  # fmt: skip
    return replace(made, **changes)


TABLE_COUNTS = additive_of(table_of("a", 1), 0.5).to_vector()


def exchange(sites: list[Site], terms: Terms) -> np.ndarray:
    """Hold a whole exchange as an honest coordinator does; gives the sum."""
    offers = [s.key(terms) for s in sites]
    vectors = {s.name: s.mask(terms, offers) for s in sites}
    return opened_sum(vectors, {s.name: s.open(terms) for s in sites}, terms)


@pytest.fixture
def pair(tmp_path: Path) -> list[Site]:
    sites = [Site(tmp_path, "a"), Site(tmp_path, "b")]
    for s in sites:
        s.score()
    return sites


def test_an_honest_exchange_gives_the_sum(pair: list[Site]) -> None:
    total = exchange(pair, terms_of("a", "b"))
    assert (total == pair[0].counts() + pair[1].counts()).all()


def test_the_ledger_holds_what_was_uploaded(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    (entry,) = pair[0].ledger.entries()
    assert entry["kind"] == "masked-counts"
    assert entry["sha256"] == sha256(pair[0].sent[0]).hexdigest()


def test_a_masked_summary_holds_no_cells(pair: list[Site]) -> None:
    made = pair[0].score()
    assert made.form == "masked"
    assert all(t.cells is None for t in made.tasks)
    assert made.vector == ""


def test_a_masked_summary_holds_no_count_that_only_the_sum_may_show(tmp_path: Path) -> None:
    made = {}
    for name, policy in (("a", {}), ("b", {"release": "cells"})):
        site = Site(tmp_path, name, minimum_count=2, **policy)
        site.table = table_of(name, 5, patients=2000)
        made[name] = site.score()
    assert {"decision", "reliability", "squares"} <= set(made["b"].sections)
    assert made["a"].sections == {}
    assert made["a"].suppressed == ()


def test_a_plain_release_is_the_counts_themselves(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="plain")
    made = site.score()
    assert (made.form, made.vector) == ("plain", sha256(site.sent[0]).hexdigest())
    assert site.sent[0] == site.counts().tobytes()


def test_cells_of_the_policy_s_minimum_leave_in_the_summary_alone(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="cells", minimum_count=7)
    made = site.score()
    assert made.form == "cells"
    assert site.sent == []
    for task in made.tasks:
        assert task.cells is not None
        held = np.add(task.cells.positives, task.cells.negatives)
        assert min(held) >= 7


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"participants": ("b", "c")}, "no part of"),
        ({"length": 3}, "another length"),
        ({"run": "validate-2"}, "no scores"),
        ({"weights": "b" * 64}, "no scores"),
        ({"split": "test"}, "no scores"),
        ({"subject": "clusters"}, "not prepared"),
    ],
)
def test_terms_that_do_not_fit_what_was_scored_are_refused(
    pair: list[Site], changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        pair[0].key(replace(terms_of("a", "b"), **changes))


def test_malformed_terms_are_refused(pair: list[Site]) -> None:
    with pytest.raises(PayloadError):
        pair[0].key(terms_of("a"))


def test_policy_sets_the_fewest_sites(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", minimum_peers=3)
    site.score()
    with pytest.raises(RefusedError, match="asks for 3"):
        site.key(terms_of("a", "b"))
    site.key(terms_of("a", "b", "c"))


def test_policy_sets_the_fewest_patients(tmp_path: Path) -> None:
    sites = [Site(tmp_path, "a", minimum_patients=31), Site(tmp_path, "b")]
    for s in sites:
        s.score()
    offers = [s.key(terms_of("a", "b")) for s in sites]
    with pytest.raises(RefusedError, match="over 30 patients"):
        sites[0].mask(terms_of("a", "b"), offers)
    assert sites[0].sent == []


def test_a_replayed_exchange_is_refused_also_after_a_restart(pair: list[Site]) -> None:
    pair[0].key(terms_of("a", "b"))
    pair[0].restart()
    pair[0].score()
    for attempt in (1, 2):
        with pytest.raises(RefusedError, match="replay"):
            pair[0].key(terms_of("a", "b", attempt=attempt))


def test_attempts_only_count_up(pair: list[Site]) -> None:
    pair[0].key(terms_of("a", "b", attempt=2))
    with pytest.raises(RefusedError, match="attempt 2"):
        pair[0].key(terms_of("a", "b", number=2, attempt=2))


def test_a_key_masks_one_vector_only(pair: list[Site]) -> None:
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    pair[0].mask(terms, offers)
    with pytest.raises(RefusedError, match="replay"):
        pair[0].mask(terms, offers)


def test_keys_of_an_earlier_exchange_are_refused(pair: list[Site]) -> None:
    first = terms_of("a", "b")
    old = [s.key(first) for s in pair]
    second = terms_of("a", "b", number=2, attempt=2)
    new = [s.key(second) for s in pair]
    with pytest.raises(RefusedError, match="another exchange"):
        pair[0].mask(second, [new[0], old[1]])
    assert pair[0].sent == []


@pytest.mark.parametrize("wrong", ["missing", "twice", "own changed"])
def test_keys_must_be_those_of_the_participants(pair: list[Site], wrong: str) -> None:
    terms = terms_of("a", "b")
    a, b = (s.key(terms) for s in pair)
    offers = {"missing": [a], "twice": [a, b, b], "own changed": [replace(a, patients=99), b]}
    with pytest.raises(RefusedError):
        pair[0].mask(terms, offers[wrong])
    assert pair[0].sent == []


def test_a_new_attempt_closes_the_one_before_for_ever(pair: list[Site]) -> None:
    first = terms_of("a", "b")
    offers = [s.key(first) for s in pair]
    pair[0].mask(first, offers)
    pair[0].key(terms_of("a", "b", number=2, attempt=2))
    with pytest.raises(RefusedError, match="wait to be opened"):
        pair[0].open(first)


def test_a_sum_is_opened_in_one_attempt_of_a_run(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    with pytest.raises(RefusedError, match="opened already"):
        pair[0].key(terms_of("a", "b", number=2, attempt=2))


def test_the_same_opening_is_answered_again_also_after_a_restart(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    seed = pair[0].open(terms_of("a", "b"))
    pair[0].restart()
    assert pair[0].open(terms_of("a", "b")) == seed


def test_a_coordinator_cannot_have_two_sums_that_differ_by_one_site(tmp_path: Path) -> None:
    sites = {n: Site(tmp_path, n) for n in "abc"}
    for s in sites.values():
        s.score()
    # all three vectors arrive, but the coordinator says that c was lost
    first = terms_of("a", "b", "c")
    offers = [s.key(first) for s in sites.values()]
    vectors = {n: s.mask(first, offers) for n, s in sites.items()}
    second = terms_of("a", "b", number=2, attempt=2)
    exchange([sites["a"], sites["b"]], second)
    opened = {"c": sites["c"].open(first)}  # c knows of nothing
    for n in "ab":
        with pytest.raises(RefusedError):
            sites[n].open(first)
    assert set(opened) != set(vectors)


@pytest.mark.parametrize("weights", [WEIGHTS, "b" * 64], ids=["same scores", "another model"])
def test_sums_of_a_cohort_stay_with_one_group(pair: list[Site], weights: str) -> None:
    exchange(pair, terms_of("a", "b"))
    pair[0].restart()
    pair[0].score(run="validate-2", weights=weights)
    other = terms_of("a", "b", "c", number=2, run="validate-2", weights=weights)
    with pytest.raises(RefusedError, match="over a, b only"):
        pair[0].key(other)
    Exchanges(pair[0].home).new_group()
    pair[0].key(other)


def test_two_open_exchanges_of_two_groups_cannot_both_be_opened(tmp_path: Path) -> None:
    sites = {n: Site(tmp_path, n) for n in "abc"}
    for s in sites.values():
        s.score()
    first = terms_of("a", "b", "c")
    offers = [s.key(first) for s in sites.values()]
    for s in sites.values():
        s.mask(first, offers)
    sites["a"].open(first)
    sites["a"].score(run="validate-2")
    with pytest.raises(RefusedError, match="only"):
        sites["a"].key(terms_of("a", "b", number=2, run="validate-2"))


def test_a_fallback_needs_the_policy_s_word(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not at all"):
        Site(tmp_path, "a", fallback="none").score(fallback=True)
    assert Site(tmp_path, "b").score(fallback=True).form == "cells"


def test_no_cells_after_a_masked_sum_of_the_same_scores(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    with pytest.raises(RefusedError, match="masked before"):
        pair[0].score(run="validate-2", fallback=True)
    made = pair[0].score(run="validate-2", weights="b" * 64, fallback=True)
    assert made.form == "cells"


def test_scores_that_left_in_cells_leave_in_cells_again(pair: list[Site]) -> None:
    pair[0].score(fallback=True)
    assert pair[0].score(run="validate-2").form == "cells"
    with pytest.raises(RefusedError, match="no scores"):
        pair[0].key(terms_of("a", "b"))


def test_scores_that_left_plain_are_not_masked_when_the_policy_changes(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="plain")
    site.score()
    site.policy = {"fallback": "none"}
    site.restart()
    with pytest.raises(RefusedError):
        site.score()


def test_scores_are_needed_anew_after_a_restart(pair: list[Site]) -> None:
    pair[0].restart()
    with pytest.raises(RefusedError, match="no scores"):
        pair[0].key(terms_of("a", "b"))


@pytest.mark.parametrize("form", ["masked", "cells", "plain"])
def test_scores_are_counted_at_one_operating_point_only(tmp_path: Path, form: str) -> None:
    site = Site(tmp_path, "a", release=form)
    site.score()
    with pytest.raises(RefusedError, match="operating point"):
        site.score(run="validate-2", threshold=0.51)
    site.score(run="validate-2", threshold=0.51, weights="b" * 64)


def curves_over(sites: list[Site]) -> tuple[PlacementCurve | None, ...]:
    return curves_of(add([additive_of(s.table, 0.5) for s in sites]), 5)


def test_placements_of_a_masked_release_go_into_a_masked_sum(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    curves = curves_over(pair)
    for site in pair:
        reply = site.releases.placements(PlacementsRequest(run="validate-1", curves=curves))
        assert (reply.form, reply.products) == ("masked", ())
    plain = [products_of([s.table], [curves]).to_vector() for s in pair]
    second = terms_of("a", "b", number=2, subject="clusters", length=len(plain[0]))
    assert (exchange(pair, second) == plain[0] + plain[1]).all()
    third = terms_of("a", "b", number=3, attempt=2, subject="clusters", length=len(plain[0]))
    with pytest.raises(RefusedError, match="opened already"):
        pair[0].key(third)


def test_placements_of_a_plain_release_are_plain(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="plain")
    site.score()
    curves = curves_over([site])
    reply = site.releases.placements(PlacementsRequest(run="validate-1", curves=curves))
    wanted = products_of([site.table], [curves]).to_vector().view(np.int64)
    assert reply.products == tuple(wanted.tolist())


def test_cells_have_no_second_step(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="cells")
    site.score()
    request = PlacementsRequest(run="validate-1", curves=curves_over([site]))
    with pytest.raises(RefusedError, match="released cells"):
        site.releases.placements(request)
    policy = SiteConfig(site="a", role="validate", address="localhost:1", release="cells")
    with pytest.raises(RefusedError, match="no second step"):
        permit(policy, request)


@pytest.mark.parametrize("wrong", ["falling", "too few", "edges"])
def test_a_curve_that_no_distribution_has_is_refused(pair: list[Site], wrong: str) -> None:
    curves = list(curves_over(pair))
    first = curves[0]
    assert first is not None
    if wrong == "falling":
        curves[0] = replace(first, of_positives=first.of_positives[::-1])
    elif wrong == "edges":
        curves[0] = replace(first, edges=(1, *first.edges[1:]))
    else:
        curves.pop()
    with pytest.raises(PayloadError):
        pair[0].releases.placements(PlacementsRequest(run="validate-1", curves=tuple(curves)))


def test_a_damaged_memory_stops_masked_sums(pair: list[Site]) -> None:
    (pair[0].home / "exchanges.json").write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        pair[0].key(terms_of("a", "b"))


def test_what_a_site_remembers_is_private(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    for name in ("exchanges.json", "peers.json"):
        assert (pair[0].home / name).stat().st_mode & 0o077 == 0
