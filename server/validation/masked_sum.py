"""A masked sum over the sites of a validation: keys, masked vectors, opening; again on a loss.

The coordinator carries the keys and adds up; it can read the sum and nothing before it
(common/masking.py). An attempt in which a site is lost before the opening is never opened, so it
tells nothing, and the next one goes on without that site. State lies in the run's folder, so a
restarted coordinator goes on with the attempt that was sealed.
"""

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from hepafed.common.contract import (
    KeyOffer,
    KeysRequest,
    MaskedReply,
    OpenReply,
    OpenRequest,
    SumsRequest,
    Terms,
)
from hepafed.common.disclosure import (
    FEWEST_SITES,
    MOST_ATTEMPTS,
    Counts,
    check_offer,
    counts_from_bytes,
    counts_to_bytes,
    opened_sum,
    slot,
)
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.files import write_whole
from hepafed.common.records import read_record, write_record
from hepafed.server.runs import Desk, Exchange, Expected

STEP_SECONDS = 180.0
"""How long keys, masked vectors and seeds are waited for: the scoring lies behind."""

OPENING_TRIES = 5
"""How often a site that fell silent at the opening is asked again: a repeat is refused there."""


@dataclass(frozen=True)
class Task:
    """What is to be summed."""

    run: str
    subject: str
    weights: str
    split: str
    length: int
    readers: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    """Weights that `weights` are compared with."""
    most_attempts: int = MOST_ATTEMPTS


@dataclass(frozen=True)
class MaskedSum:
    """How it ended."""

    sites: tuple[str, ...] = ()
    """Whose sum it is; empty when there is none."""
    total: Counts | None = None
    attempts: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    """Sites that dropped out, with the reason."""


@dataclass(frozen=True, kw_only=True)
class _State:
    """masked-SUBJECT.json in the run's folder."""

    attempt: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    terms: Terms | None = None
    """Of the attempt whose vectors have all arrived."""
    done: bool = False


class _Folder:
    """Where one masked sum keeps its state and, until it is opened, its vectors."""

    def __init__(self, run_folder: Path, subject: str) -> None:
        self._state = run_folder / f"masked-{subject}.json"
        self._total = run_folder / f"masked-{subject}.sum"
        self.vectors = run_folder / f"masked-{subject}"

    def load(self) -> _State:
        if not self._state.exists():
            return _State()
        return read_record(
            _State, json.loads(self._state.read_text()), PayloadError, self._state.name
        )

    def store(self, state: _State) -> None:
        write_whole(self._state, json.dumps(write_record(state)))

    def finish(self, state: _State, total: Counts) -> None:
        write_whole(self._total, counts_to_bytes(total))
        self.store(replace(state, done=True))
        shutil.rmtree(self.vectors, ignore_errors=True)

    def total(self, length: int) -> Counts:
        return counts_from_bytes(self._total.read_bytes(), length)


def masked_sum(desk: Desk, exchange: Exchange, task: Task, sites: list[str]) -> MaskedSum:
    """Sum the vectors of `sites` under masks; of those that stay, when some drop out.

    Without a sum (fewer than two stayed, too many attempts, or a site was lost at the opening)
    `total` is None.
    """
    folder = _Folder(desk.runs.folder(task.run), task.subject)
    state = folder.load()
    if not state.done and state.terms is None:
        state = _gathered(desk, exchange, task, folder, state, sites)
    if not state.done and state.terms is not None:
        state = _opened(desk, exchange, folder, state, state.terms)
    if not state.done or state.terms is None:
        return MaskedSum(attempts=state.attempt, lost=dict(state.lost))
    total = folder.total(state.terms.length)
    return MaskedSum(state.terms.participants, total, state.attempt, dict(state.lost))


def _gathered(
    desk: Desk, exchange: Exchange, task: Task, folder: _Folder, state: _State, sites: list[str]
) -> _State:
    """Attempt until the vectors of all that are left have arrived."""
    lost = dict(state.lost)
    while state.attempt < task.most_attempts and desk.runs.may_go_on(task.run):
        group = tuple(sorted(s for s in sites if s not in lost))
        if len(group) < FEWEST_SITES:
            break
        terms = Terms(
            exchange=secrets.token_hex(16),
            run=task.run,
            subject=task.subject,
            weights=task.weights,
            split=task.split,
            attempt=state.attempt + 1,
            participants=group,
            length=task.length,
            readers=task.readers,
            against=task.against,
        )
        state = replace(state, attempt=terms.attempt)
        folder.store(state)
        desk.runs.event(
            task.run, "masking", subject=task.subject, attempt=terms.attempt, sites=list(group)
        )
        failed = _attempt(desk, exchange, folder, terms)
        if not failed:
            state = replace(state, lost=lost, terms=terms)
            folder.store(state)
            return state
        for site, reason in sorted(failed.items()):
            desk.runs.event(task.run, "missing", site=site, reason=f"masked sum: {reason}")
        lost |= failed
        state = replace(state, lost=dict(lost))
        folder.store(state)
    return state


def _attempt(desk: Desk, exchange: Exchange, folder: _Folder, terms: Terms) -> dict[str, str]:
    """Exchange keys and take in the masked vectors; returns the sites that were lost."""
    offers: dict[str, KeyOffer] = {}
    known = exchange.identities()

    def on_key(site: str, message: object) -> None:
        if not isinstance(message, KeyOffer) or message.site != site:
            raise PayloadError("an answer in another site's name")
        if known.get(site, message.identity).split()[:2] != message.identity.split()[:2]:
            raise PayloadError("an identity that is not the enrolled one")
        try:
            check_offer(terms, message)
        except RefusedError as e:
            raise PayloadError(e.message) from e
        offers[site] = message

    request = KeysRequest(run=terms.run, terms=terms)
    failed = exchange.ask(
        dict.fromkeys(terms.participants, request), KeyOffer, STEP_SECONDS, on_key
    )
    if failed:
        return failed
    where = slot(terms.subject, terms.attempt)
    expected = Expected(terms.run, where, frozenset(terms.participants), 8 * terms.length)
    desk.inbox.open_round(expected)
    shutil.rmtree(folder.vectors, ignore_errors=True)
    folder.vectors.mkdir()

    def on_vector(site: str, message: object) -> None:
        if not isinstance(message, MaskedReply) or message.exchange != terms.exchange:
            raise PayloadError("an answer to another exchange")
        path = desk.inbox.take(site, message.vector)
        if path is None:
            raise PayloadError("the masked counts did not arrive, or are not those announced")
        path.replace(folder.vectors / site)

    ordered = tuple(offers[s] for s in terms.participants)
    request_sums = SumsRequest(run=terms.run, exchange=terms.exchange, offers=ordered)
    return exchange.ask(
        dict.fromkeys(terms.participants, request_sums), MaskedReply, STEP_SECONDS, on_vector
    )


def _opened(desk: Desk, exchange: Exchange, folder: _Folder, state: _State, terms: Terms) -> _State:
    """Have every participant open its own mask, and add up."""
    seeds: dict[str, bytes] = {}

    def on_seed(site: str, message: object) -> None:
        if not isinstance(message, OpenReply) or message.exchange != terms.exchange:
            raise PayloadError("an answer to another exchange")
        try:
            seed = bytes.fromhex(message.seed)
        except ValueError as e:
            raise PayloadError("a seed that is not one") from e
        if len(seed) != 32:
            raise PayloadError("a seed that is not one")
        seeds[site] = seed

    request = OpenRequest(run=terms.run, exchange=terms.exchange)
    failed: Mapping[str, str] = dict.fromkeys(terms.participants, "")
    for _ in range(OPENING_TRIES):
        if not desk.runs.may_go_on(terms.run):
            return state
        failed = exchange.ask(dict.fromkeys(failed, request), OpenReply, STEP_SECONDS, on_seed)
        if not failed:
            break
    if failed:
        lost = {s: f"lost at the opening: {r}" for s, r in failed.items()}
        state = replace(state, lost={**state.lost, **lost})
        folder.store(state)
        return state
    vectors: dict[str, Counts] = {
        s: np.memmap(folder.vectors / s, "<u8", "r") for s in terms.participants
    }
    folder.finish(state, opened_sum(vectors, seeds, terms))
    return replace(state, done=True)
