"""A site masks the counts for which it offered a key, and no others."""

import pytest
from hepafed.common.errors import RefusedError

from .releasing import Site, terms_of


def test_a_key_of_one_run_never_masks_the_counts_of_another(pair: list[Site]) -> None:
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    pair[0].score(run="validate-2")
    with pytest.raises(RefusedError, match="no scores of that run"):
        pair[0].mask(terms, offers)
    assert pair[0].sent == []
