"""Who may be in a masked sum: each limit of the policy at its value and just below."""

from dataclasses import replace
from pathlib import Path

import pytest
from hepafed.common.errors import PayloadError, RefusedError

from .releasing import Site, exchange, terms_of


def sites(folder: Path, **policy: object) -> list[Site]:
    made = [Site(folder, n, **(policy if n == "a" else {})) for n in "ab"]
    for site in made:
        site.score()
    return made


@pytest.mark.parametrize(("minimum", "allowed"), [(30, True), (31, False)])
def test_the_fewest_patients_together_are_enough(
    tmp_path: Path, minimum: int, allowed: bool
) -> None:
    """Two sites of 15 patients."""
    pair = sites(tmp_path, minimum_patients=minimum)
    if allowed:
        assert exchange(pair, terms_of("a", "b")).sum() > 0
        return
    with pytest.raises(RefusedError, match="30 patients; this site's policy asks for 31"):
        exchange(pair, terms_of("a", "b"))
    assert pair[0].sent == []


@pytest.mark.parametrize(("minimum", "allowed"), [(2, True), (3, False)])
def test_the_fewest_sites_are_enough(tmp_path: Path, minimum: int, allowed: bool) -> None:
    pair = sites(tmp_path, minimum_peers=minimum)
    if allowed:
        pair[0].key(terms_of("a", "b"))
        return
    with pytest.raises(RefusedError, match=r"over 2 sites; .* asks for 3"):
        pair[0].key(terms_of("a", "b"))


def test_cases_below_nought_are_refused(tmp_path: Path) -> None:
    """A site that states −100 does not make another's 130 look like 30."""
    pair = sites(tmp_path, minimum_patients=16)
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    lying = replace(offers[1], patients=-100, totals=(-50, -50, 5, 5, 5))
    with pytest.raises(PayloadError, match="numbers of cases"):
        pair[0].mask(terms, [offers[0], lying])


def test_the_keys_must_be_those_of_the_participants_in_order(tmp_path: Path) -> None:
    pair = sites(tmp_path)
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    with pytest.raises(RefusedError, match="named participants"):
        pair[0].mask(terms, offers[::-1])


def test_an_own_key_that_comes_back_changed_is_refused(tmp_path: Path) -> None:
    pair = sites(tmp_path)
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    with pytest.raises(RefusedError, match="own key came back changed"):
        pair[0].mask(terms, [replace(offers[0], patients=99), offers[1]])
