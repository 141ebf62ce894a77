"""A site's part in a masked sum: a signed key for an attempt, then counts under its masks."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hepafed.client.release.noise import check_noise, with_noise
from hepafed.client.release.peers import Peers, read_own_identity
from hepafed.client.release.prepared import NOT_HERE, Prepared
from hepafed.client.release.sum_history import SumHistory
from hepafed.common.contract import SiteConfig
from hepafed.common.contract.messages import KeyOffer, SumsRequest, Terms
from hepafed.common.disclosure import (
    NOISY,
    Counts,
    Totals,
    check_offer,
    check_splits,
    check_terms,
    make_offer,
    masked,
    readings_alone,
    released_bands,
)
from hepafed.common.errors import RefusedError
from hepafed.common.statistics import Additive


@dataclass(frozen=True)
class _Attempt:
    """An attempt whose key this site offered."""

    terms: Terms
    key: X25519PrivateKey
    offer: KeyOffer


@dataclass(frozen=True)
class _Masked:
    """What the last key was used for."""

    request: SumsRequest
    terms: Terms
    vector: Counts


class SumParticipant:
    """Joins attempts at masked sums, one at a time; a key serves one vector.

    A question that is put again word for word, because the answer was lost, has the same answer.
    """

    def __init__(self, home: Path, policy: SiteConfig, past: SumHistory) -> None:
        self._home = home
        self._policy = policy
        self._past = past
        self._peers = Peers(home)
        self._attempt: _Attempt | None = None
        self._masked: _Masked | None = None

    def offer_key(self, terms: Terms, prepared: Prepared | None) -> KeyOffer:
        """Join an attempt: return a fresh key, signed under its terms.

        Raises
        ------
        RefusedError
            Its counts are not prepared here, it is over too few sites or without this one, its
            noise is not enough, or an earlier attempt forbids it.
        """
        policy = self._policy
        check_terms(terms)
        if self._attempt is not None and self._attempt.terms == terms:
            return self._attempt.offer
        if prepared is None:
            raise RefusedError(NOT_HERE)
        prepared.counts_for(terms)  # refuses what is not at hand
        if policy.site not in terms.participants:
            raise RefusedError("this site does not take part in that masked sum")
        if len(terms.participants) < policy.minimum_peers:
            raise RefusedError(
                f"a masked sum over {len(terms.participants)} sites; "
                f"this site's policy asks for {policy.minimum_peers}"
            )
        if policy.privacy is not None:
            check_noise(policy.privacy, terms)
        self._past.begin(terms)
        key = X25519PrivateKey.generate()
        identity = read_own_identity(self._home)
        question, totals = prepared.question(terms.subject), prepared.totals(terms.readers)
        offer = make_offer(terms, policy.site, totals, key, identity, question)
        self._attempt, self._masked = _Attempt(terms, key, offer), None
        return offer

    def mask(self, request: SumsRequest, prepared: Prepared | None) -> tuple[Terms, Counts]:
        """Check every participant's key, and return the counts under the masks of all pairs.

        The seed of the site's own mask is on disk when this returns.

        Raises
        ------
        RefusedError
            No key of this attempt waits here, its counts do not any more, a key is not the right
            one or not trusted, or the sum would be of too few patients, or would leave too few
            tables of this site's scores possible.
        """
        if self._masked is not None and self._masked.request == request:
            return self._masked.terms, self._masked.vector
        attempt = self._attempt
        self._attempt = None  # a key serves one vector, whatever happens next
        if attempt is None or attempt.terms.exchange != request.exchange or prepared is None:
            raise RefusedError(
                "this site has no key of this exchange: the request is a replay or came too late"
            )
        terms, site = attempt.terms, self._policy.site
        whole = self._check_offers(attempt, request.offers)
        seed = secrets.token_bytes(32)
        counts = prepared.counts_for(terms)
        if prepared.question(terms.subject) != attempt.offer.question:
            raise RefusedError("the question of this sum changed since its key was made")
        if terms.subject == NOISY:
            counts = with_noise(counts, terms)
        elif terms.readers:
            told = readings_alone([o.totals for o in request.offers], terms.readers)
            counts = Additive.from_vector(counts, terms.readers).without_readings(told).to_vector()
        hidden = masked(counts, terms, site, attempt.key, request.offers, seed)
        self._past.seal(terms, seed, self._bands(terms, prepared, whole))
        self._masked = _Masked(request, terms, hidden)
        return terms, hidden

    def _bands(self, terms: Terms, prepared: Prepared, whole: Totals) -> tuple[int | None, ...]:
        """Return the bands of the site's AUCs that leave when the sum is opened."""
        policy = self._policy
        if policy.site_auc != "banded" or terms.subject != "counts":
            return ()
        return released_bands(prepared.tables[0], whole, policy.minimum_count, policy.least_tables)

    def _check_offers(self, attempt: _Attempt, offers: Sequence[KeyOffer]) -> Totals:
        """Check every participant's key; return the numbers of cases of all of them.

        Where the counts carry noise nobody tells numbers of cases, and no rule is about them.
        """
        policy, terms = self._policy, attempt.terms
        if tuple(o.site for o in offers) != terms.participants:
            raise RefusedError("the keys do not belong to the named participants")
        own = next(o for o in offers if o.site == policy.site)
        if own != attempt.offer:
            raise RefusedError("this site's own key came back changed")
        for offer in offers:
            if offer.site != policy.site:
                check_offer(terms, offer)
        whole: Totals = ()
        if terms.subject != NOISY:
            whole = tuple(map(sum, zip(*(o.totals for o in offers), strict=True)))
            patients = sum(whole[:2])
            if patients < policy.minimum_patients:
                raise RefusedError(
                    f"a masked sum over {patients} patients; "
                    f"this site's policy asks for {policy.minimum_patients}"
                )
        identities = {o.site: o.identity for o in offers}
        self._peers.check(identities, policy.peer_trust, policy.site, datetime.now(UTC))
        if any(o.question != own.question for o in offers):
            raise RefusedError("the sites of this sum were asked different questions")
        if terms.subject != NOISY:
            check_splits(attempt.offer.totals, whole, policy.least_tables)
        return whole
