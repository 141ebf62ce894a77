"""A site masks the counts for which it offered a key, and no others."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.release.sum_history import SumHistory
from hepafed.common.contract import PlacementCurve
from hepafed.common.contract.messages import MaskedReply, PlacementsRequest, SumsRequest
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.errors import RefusedError
from hepafed.common.statistics import FIGURES, Additive, add, additive_of, products_of
from hepafed.common.statistics.additive import sections

from .releasing import Site, exchange, terms_of


def test_a_key_of_one_run_never_masks_the_counts_of_another(pair: list[Site]) -> None:
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    pair[0].score(run="validate-2")
    with pytest.raises(RefusedError, match="no scores of that run"):
        pair[0].mask(terms, offers)
    assert pair[0].sent == []


def test_a_reply_names_the_exchange_and_the_hash_of_what_was_uploaded(pair: list[Site]) -> None:
    terms = terms_of("a", "b")
    offers = tuple(s.key(terms) for s in pair)
    reply = pair[0].releases.sums(
        SumsRequest(run=terms.run, exchange=terms.exchange, offers=offers)
    )
    assert reply == MaskedReply(
        run=terms.run, exchange=terms.exchange, vector=sha256(pair[0].sent[-1]).hexdigest()
    )


@pytest.mark.parametrize("at", [0.5, 0.4], ids=["same threshold", "another threshold"])
def test_sites_asked_at_different_thresholds_mask_nothing(tmp_path: Path, at: float) -> None:
    sites = [Site(tmp_path, "a"), Site(tmp_path, "b")]
    sites[0].score(threshold=0.5)
    sites[1].score(threshold=at)
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in sites]
    for s in sites:
        if at == 0.5:
            s.mask(terms, offers)
            continue
        with pytest.raises(RefusedError, match="asked different questions"):
            s.mask(terms, offers)
        assert s.sent == []


def test_a_question_changed_in_an_offer_breaks_its_signature(pair: list[Site]) -> None:
    terms = terms_of("a", "b")
    mine, other = (s.key(terms) for s in pair)
    with pytest.raises(RefusedError, match="not signed by that site"):
        pair[0].mask(terms, [mine, replace(other, question="0" * 64)])


def test_sites_that_scored_by_different_plans_mask_nothing(tmp_path: Path) -> None:
    pair = [Site(tmp_path, "a"), Site(tmp_path, "b")]
    pair[0].score()
    pair[1].score(plan=Plan(name="demo", protocol="t2", model=ModelPlan(size=75)))
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    for s in pair:
        with pytest.raises(RefusedError, match="asked different questions"):
            s.mask(terms, offers)
        assert s.sent == []


def test_readings_of_one_hospital_alone_are_in_no_sum(pair: list[Site]) -> None:
    """The sum would be that hospital's own table: the model's calls beside its readers'."""
    readers = ("r1", "r2")
    for site, names in zip(pair, (("r1", "r2"), ("r2",)), strict=True):
        calls = {r: np.arange(15, dtype=np.int8) % 2 for r in names}
        site.table = replace(site.table, readers=calls)
        site.score()
    each = [additive_of(s.table, 0.5, readers) for s in pair]
    terms = terms_of("a", "b", readers=readers, length=len(each[0].to_vector()))
    sums = Additive.from_vector(exchange(pair, terms), readers)
    both = add(each)
    assert sums.reader_calls[0].sum() == sums.reader_pairs.sum() == 0
    assert (sums.reader_calls[1] == both.reader_calls[1]).all()
    for name in sections(2).keys() - {"reader_calls", "reader_pairs"}:
        assert (getattr(sums, name) == getattr(both, name)).all()


def test_curves_changed_after_the_key_are_not_masked(pair: list[Site]) -> None:
    curve = PlacementCurve(edges=(0, 65536), of_positives=(0.5,), of_negatives=(0.5,), auc=0.5)
    moved = replace(curve, of_positives=(0.6,))
    length = len(products_of([pair[0].table], [[curve] * len(FIGURES)]).to_vector())
    terms = terms_of("a", "b", subject="clusters", length=length)
    for site in pair:
        place(site, curve)
    offers = [s.key(terms) for s in pair]
    SumHistory(pair[0].home).new_group()  # else the other curves are refused before
    place(pair[0], moved)
    with pytest.raises(RefusedError, match="changed since its key was made"):
        pair[0].mask(terms, offers)
    assert pair[0].sent == []
    pair[1].mask(terms, offers)


def test_sites_asked_with_different_curves_mask_nothing(pair: list[Site]) -> None:
    curve = PlacementCurve(edges=(0, 65536), of_positives=(0.5,), of_negatives=(0.5,), auc=0.5)
    length = len(products_of([pair[0].table], [[curve] * len(FIGURES)]).to_vector())
    terms = terms_of("a", "b", subject="clusters", length=length)
    place(pair[0], curve)
    place(pair[1], replace(curve, of_positives=(0.6,)))
    offers = [s.key(terms) for s in pair]
    for site in pair:
        with pytest.raises(RefusedError, match="asked different questions"):
            site.mask(terms, offers)
        assert site.sent == []


def place(site: Site, curve: PlacementCurve) -> None:
    """Ask for the placement sums with the same curve for each figure."""
    request = PlacementsRequest(run="validate-1", curves=(curve,) * len(FIGURES))
    site.releases.placements(request)
