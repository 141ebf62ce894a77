"""The three questions of a masked sum: keys, masked vectors, and the seeds that open it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hepafed.common.contract.messages import (
    KeyOffer,
    KeysRequest,
    MaskedReply,
    OpenReply,
    OpenRequest,
    SumsRequest,
    Terms,
)
from hepafed.common.disclosure import check_offer, slot
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.server.runs import Expected, LiveRun

Bands = tuple[int | None, ...]
"""The band of each task's AUC, as a site sent it."""
OPENING_TRIES = 5
"""How often a site that fell silent at the opening is asked again: a repeat is refused there."""


def exchange_keys(live: LiveRun, terms: Terms) -> tuple[tuple[KeyOffer, ...], dict[str, str]]:
    """Ask every participant for its signed key; return the keys in order, and who was lost."""
    offers: dict[str, KeyOffer] = {}
    known = live.sites.identities()

    def on_key(site: str, offer: KeyOffer) -> None:
        if offer.site != site:
            raise PayloadError("the site answered in the name of another site")
        if known.get(site, offer.identity).split()[:2] != offer.identity.split()[:2]:
            raise PayloadError("the site showed another identity than the enrolled one")
        try:
            check_offer(terms, offer)
        except RefusedError as e:
            raise PayloadError(e.message) from e
        offers[site] = offer

    request = KeysRequest(run=live.run.id, terms=terms)
    lost = live.sites.ask(terms.participants, request, KeyOffer, live.step_seconds, on_key)
    return tuple(offers[s] for s in terms.participants if s in offers), lost


def take_vectors(
    live: LiveRun, terms: Terms, offers: tuple[KeyOffer, ...], folder: Path
) -> dict[str, str]:
    """Hand every participant the keys of all, and put its masked vector into the empty `folder`.

    Returns the sites that were lost, with the reason.
    """
    where = slot(terms.subject, terms.attempt)
    expected = Expected(live.run.id, where, frozenset(terms.participants), 8 * terms.length)
    live.stores.inbox.open_round(expected)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()

    def on_vector(site: str, reply: MaskedReply) -> None:
        live.stores.inbox.take_counts(site, reply.vector, "masked").replace(folder / site)

    request = SumsRequest(run=live.run.id, exchange=terms.exchange, offers=offers)
    return live.sites.ask(terms.participants, request, MaskedReply, live.step_seconds, on_vector)


@dataclass(frozen=True)
class Opening:
    """What the participants sent to open a sum."""

    seeds: dict[str, bytes] = field(default_factory=dict)
    bands: dict[str, Bands] = field(default_factory=dict)
    """Bands of the AUCs of each site that released them."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Sites that gave no seed, with the reason."""


def ask_for_seeds(live: LiveRun, terms: Terms) -> Opening | None:
    """Have every participant open its own mask, a silent one several times.

    Returns None when the run was stopped.
    """
    seeds: dict[str, bytes] = {}
    bands: dict[str, Bands] = {}

    def on_seed(site: str, reply: OpenReply) -> None:
        try:
            seed = bytes.fromhex(reply.seed)
        except ValueError as e:
            raise PayloadError("the site sent an invalid seed") from e
        if len(seed) != 32:
            raise PayloadError("the site sent an invalid seed")
        seeds[site] = seed
        if reply.bands:
            bands[site] = reply.bands

    request = OpenRequest(run=live.run.id, exchange=terms.exchange)
    failed: Mapping[str, str] = dict.fromkeys(terms.participants, "")
    for _ in range(OPENING_TRIES):
        if not live.may_go_on():
            return None
        failed = live.sites.ask(failed, request, OpenReply, live.step_seconds, on_seed)
        if not failed:
            break
    return Opening(seeds, bands, failed)
