"""A site's releases over a small table, and the exchange as an honest coordinator holds it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hepafed.client.release.answers import Releases
from hepafed.client.release.ledger import Ledger
from hepafed.common.certificates import make_node_key
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import (
    KeyOffer,
    KeysRequest,
    OpenRequest,
    SiteSummary,
    SumsRequest,
    Terms,
    ValidateRequest,
)
from hepafed.common.contract.plan import Plan
from hepafed.common.disclosure.masking import counts_from_bytes, opened_sum
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of

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

    def _upload(self, _run: str, _slot: int, content: bytes) -> None:
        self.sent.append(content)

    def rescore(self, seed: int = 77) -> None:
        """Let another model score the same patients."""
        other = table_of(self.name, seed, len(self.table.truth)).log_probs
        self.table = replace(self.table, log_probs=other)

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
        exchange=f"{number:032x}",
        run="validate-1",
        subject="counts",
        weights=WEIGHTS,
        split="external",
        attempt=1,
        participants=names,
        length=len(TABLE_COUNTS),
    )
    return replace(made, **changes)


TABLE_COUNTS = additive_of(table_of("a", 1), 0.5).to_vector()


def exchange(sites: list[Site], terms: Terms) -> np.ndarray:
    """Hold a whole exchange as an honest coordinator does; gives the sum."""
    offers = [s.key(terms) for s in sites]
    vectors = {s.name: s.mask(terms, offers) for s in sites}
    return opened_sum(vectors, {s.name: s.open(terms) for s in sites}, terms)
