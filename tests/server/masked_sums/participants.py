"""Sites of a masked sum in one process, with real keys, masks and seeds; each step can be changed.

They stand in for the network alone: `ask` answers the coordinator's three questions.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hepafed.common.contract.messages import (
    KeysRequest,
    MaskedReply,
    OpenReply,
    OpenRequest,
    SumsRequest,
    Terms,
)
from hepafed.common.contract.plan import Plan
from hepafed.common.disclosure.masking import make_offer, masked, public_line, slot
from hepafed.common.errors import PayloadError
from hepafed.server.runs.inbox import Inbox
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sites import Sites
from hepafed.server.runs.stores import Stores
from numpy.typing import ArrayLike

Change = Callable[[str, Any, Any], Any]
"""Gets the site, the request and its right answer; gives the answer, or a reason for none."""


class Participants:
    """Sites with the counts that each of them puts in."""

    def __init__(self, inbox: Inbox, counts: Mapping[str, ArrayLike]) -> None:
        self._inbox = inbox
        self.counts = {s: np.array(c, np.uint64) for s, c in counts.items()}
        self.keys = {s: ec.generate_private_key(ec.SECP384R1()) for s in counts}
        self.known = {s: public_line(k) for s, k in self.keys.items()}
        self.change: Change = lambda _site, _request, answer: answer
        self.asked: list[tuple[tuple[str, ...], Any, float]] = []
        self._terms: dict[str, Terms] = {}
        self._private: dict[tuple[str, str], X25519PrivateKey] = {}

    def identities(self) -> Mapping[str, str]:
        return self.known

    def ask(
        self,
        sites: Iterable[str],
        request: Any,  # noqa: ANN401
        kind: type,
        deadline: float,
        on_reply: Callable[[str, Any], None],
    ) -> dict[str, str]:
        asked, failed = tuple(sites), {}
        self.asked.append((asked, request, deadline))
        for site in reversed(asked):  # they answer in another order than they are asked
            answer = self.change(site, request, self._answer(site, request))
            if isinstance(answer, str):
                failed[site] = answer
                continue
            assert isinstance(answer, kind)
            try:
                on_reply(site, answer)
            except PayloadError as e:
                failed[site] = e.message
        return failed

    def _answer(self, site: str, request: Any) -> object:  # noqa: ANN401
        if isinstance(request, KeysRequest):
            terms = self._terms[request.terms.exchange] = request.terms
            key = self._private[site, terms.exchange] = X25519PrivateKey.generate()
            readers = len(terms.readers)
            read = [0] * (2 * readers + readers * (readers - 1) // 2)
            return make_offer(terms, site, (4, 5, 4, 3, 2, *read), key, self.keys[site])
        terms = self._terms[request.exchange]
        seed = sha256(f"{site} {terms.exchange}".encode()).digest()
        if isinstance(request, SumsRequest):
            return self._vector(site, request, terms, seed)
        assert isinstance(request, OpenRequest)
        return OpenReply(run=terms.run, exchange=terms.exchange, seed=seed.hex())

    def _vector(self, site: str, request: SumsRequest, terms: Terms, seed: bytes) -> MaskedReply:
        key = self._private[site, terms.exchange]
        made = masked(self.counts[site], terms, site, key, request.offers, seed)
        content = made.astype("<u8").tobytes()
        digest, where = sha256(content).hexdigest(), slot(terms.subject, terms.attempt)
        self._inbox.admit(site, terms.run, where, len(content))
        path = self._inbox.folder / f"{site}.part"
        path.write_bytes(content)
        self._inbox.arrived(site, terms.run, where, digest, path)
        return MaskedReply(run=terms.run, exchange=terms.exchange, vector=digest)


def live_with(home: Path, counts: Mapping[str, ArrayLike]) -> tuple[LiveRun, Participants]:
    """Give a validation whose sites have these counts."""
    stores = Stores(home)
    run = stores.runs.create("validate", Plan(name="t2", protocol="t2"), model="m")
    sites = Participants(stores.inbox, counts)
    return LiveRun(run, stores, cast("Sites", sites)), sites
