"""A site masks the counts for which it offered a key, and no others."""

from hashlib import sha256

import pytest
from hepafed.common.contract.messages import MaskedReply, SumsRequest
from hepafed.common.errors import RefusedError

from .releasing import Site, terms_of


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
