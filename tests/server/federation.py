"""A federation in memory: real site apps, policy, files and coordinator; only the wire is ours.

Scores are drawn instead of computed by the network.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Context, Message, RecordDict
from hepafed.client.release.ledger import Ledger
from hepafed.client.worker.app import SiteApp
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import pack, unpack
from hepafed.common.contract.plan import Plan, RoundsPlan, plan_from
from hepafed.common.network.weights import Flat, Layout
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of
from hepafed.server.formats import ModelCard, OperatingPoint, TuningScores
from hepafed.server.members import LedgerHeads
from hepafed.server.models.cards import INTENDED_USE, LIMITS
from hepafed.server.runs.inbox import Inbox
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sealing import sealing
from hepafed.server.runs.sites import Seal, Sites
from hepafed.server.runs.store import Run
from hepafed.server.runs.stores import Stores
from hepafed.server.validation.validate import validate

from tests.client.permissions.consenting import allow_everything

TUNING = TuningScores(edges=(0, 30000, 34000, 65536), positives=(2, 5, 9), negatives=(8, 4, 1))
SHORT_STEP = 0.3
"""Seconds that an answer of a masked sum is waited for: a moment."""
PLAN = Plan(name="demo", protocol="t2", rounds=RoundsPlan(deadline=5))
Hook = Callable[[str, object], object]


def table_of(site: str, seed: int, lesions: int) -> ScoreTable:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, lesions)
    raw = rng.normal(size=(lesions, 3)) + 1.2 * np.eye(3)[truth]
    return ScoreTable(
        site=np.full(lesions, site),
        patient=np.array([f"p{i // 2}" for i in range(lesions)]),
        lesion=np.array([f"l{i}" for i in range(lesions)]),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def better(table: ScoreTable, seed: int, by: float = 0.8) -> ScoreTable:
    """Another model on the same lesions, with noise of its own."""
    noise = np.random.default_rng(seed).normal(size=table.log_probs.shape)
    raw = table.log_probs + 0.7 * noise + by * np.eye(3)[table.truth]
    return replace(table, log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True))


class Wire:
    """In place of HTTPS: puts a site's uploads into the coordinator's real inbox."""

    def __init__(self, site: str, home: Path, inbox: Inbox) -> None:
        self._site, self._home, self._inbox = site, home, inbox
        self.sent: list[bytes] = []

    def send(self, run: str, slot: int, content: bytes) -> None:
        digest = sha256(content).hexdigest()
        assert digest in {e["sha256"] for e in Ledger(self._home).entries()}, "ledger first"
        self._inbox.admit(self._site, run, slot, len(content))
        path = self._inbox.folder / f"{self._site}.part"
        path.write_bytes(content)
        self._inbox.arrived(self._site, run, slot, digest, path)
        self.sent.append(content)


class ScoredSite(SiteApp):
    """The real app over a given score table."""

    table: ScoreTable
    others: dict[str, ScoreTable]
    """By the digest of other models' weights."""

    def __init__(self, home: Path, config: SiteConfig, wire: "Wire") -> None:
        super().__init__(home, config, wire)  # type: ignore[arg-type]
        self._work.scores = self._drawn  # type: ignore[method-assign]

    def _drawn(self, _run: str, _plan: Plan, digest: str, _split: str) -> tuple[ScoreTable, Flat]:
        return self.others.get(digest, self.table), np.ones(2, np.float32)


class Fleet:
    """In place of Flower's Grid; `hook(site, request)` may change a request, or drop it (None)."""

    def __init__(self, sites: dict[str, ScoredSite]) -> None:
        self.sites = sites
        self.nodes = {s: i + 1 for i, s in enumerate(sites)}
        self.gone: set[str] = set()
        self.hook: Hook = lambda _site, request: request
        self.asked: list[tuple[str, object]] = []
        self.replies: dict[str, Message] = {}
        self.seal: Seal = lambda _site, text, _seconds: {"json": text}

    def get_node_ids(self) -> list[int]:
        return [n for s, n in self.nodes.items() if s not in self.gone]

    def push_messages(self, messages: list[Message]) -> list[str]:
        return [self._deliver(m) for m in messages]

    def _deliver(self, message: Message) -> str:
        number = f"m{len(self.asked)}"
        site = next(s for s, n in self.nodes.items() if n == message.metadata.dst_node_id)
        request = unpack(str(message.content["hepafed"]["json"]))
        self.asked.append((site, request))
        changed = self.hook(site, request)
        if changed is None or site in self.gone:
            return number
        if changed is not request:  # the coordinator itself is hostile: it signs what it likes
            for key, value in self.seal(site, pack(changed), 60).items():
                message.content["hepafed"][key] = value
        message.metadata.__dict__["_message_id"] = number
        context = Context(1, 1, {}, RecordDict(), {})
        self.replies[number] = self.sites[site](message, context)
        return number

    def pull_messages(self, message_ids: list[str]) -> list[Message]:
        return [self.replies.pop(i) for i in message_ids if i in self.replies]


class Federation:
    """A coordinator's stores and its sites, under one folder."""

    def __init__(self, folder: Path) -> None:
        server = folder / "server"
        make_authority(server / "keys", datetime.now(UTC))
        self.heads = LedgerHeads(server)
        self.stores = Stores(server)
        layout = Layout(("w",), ((2,),))
        self.folder, self.layout, self.sites = folder, layout, {}
        self.plan = plan_from(write_record(PLAN))
        self.identities: dict[str, str] = {}
        self.wires: dict[str, Wire] = {}
        self.model = self.freeze(1.0)
        self.fleet = Fleet({})

    def another(self, value: float = 2.0) -> str:
        """Freeze another model, with scores of its own at each site; return its id."""
        model = self.freeze(value)
        digest = self.stores.registry.card(model).sha256
        for n, site in enumerate(self.sites.values()):
            site.others[digest] = better(site.table, int(value) + n)
        return model

    def freeze(self, value: float) -> str:
        weights = np.full(2, value, np.float32)
        card = ModelCard(
            protocol="t2",
            plan=write_record(PLAN),
            run="r",
            round=1,
            created="2026-01-01T00:00:00+00:00",
            strategy="fedavg",
            training_examples={},
            operating_point=OperatingPoint(threshold=0.5, rule="", chosen_on=""),
            tuning_scores=TUNING,
            parameters=2,
            intended_use=INTENDED_USE,
            limits=LIMITS,
        )
        return self.stores.registry.add("demo", self.layout, weights, card)

    def site(self, name: str, **policy: Any) -> None:  # noqa: ANN401
        home = self.folder / name
        self.identities[name] = make_node_key(home / "keys" / "node.key")
        shutil.copy(self.folder / "server" / "keys" / "ca.pem", home / "keys" / "ca.pem")
        allow_everything(home)
        self.wires[name] = Wire(name, home, self.stores.inbox)
        self.start(name, **policy)
        self.sites[name].table = table_of(name, len(self.sites), 60)

    def start(self, name: str, **policy: Any) -> None:  # noqa: ANN401
        config = SiteConfig(
            site=name, role="validate", address="localhost:1", device="cpu", **policy
        )
        made = ScoredSite(self.folder / name, config, self.wires[name])
        made.others = {}
        if name in self.sites:
            made.table, made.others = self.sites[name].table, self.sites[name].others
        self.sites[name] = made
        self.fleet = Fleet(self.sites)

    def live(self, run: Run) -> LiveRun:
        self.fleet.seal = sealing(self.stores, run)
        sites = Sites(
            self.fleet,
            lambda: self.fleet.nodes,
            lambda: True,
            lambda: self.identities,
            seal=self.fleet.seal,
            heads=self.heads,
        )
        return LiveRun(run, self.stores, sites, SHORT_STEP)

    def run(self, model: str = "", run: Run | None = None) -> dict[str, Any]:
        made = run or self.stores.runs.create(
            "validate", plan_from(write_record(PLAN)), model=model or self.model
        )
        assert validate(self.live(made))
        report = json.loads((self.stores.runs.folder(made.id) / "report.json").read_text())
        return {**report, "run": made.id}

    def forms(self, report: dict[str, Any]) -> dict[str, str]:
        return {r["site"]: r["form"] for r in report["forms"]}

    def events(self, run: str, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.stores.runs.events(run) if e["event"] == kind]

    def summed(self, run: str) -> bytes:
        return (self.stores.runs.folder(run) / "masked-counts.sum").read_bytes()

    def plain_sum(self, *names: str) -> bytes:
        vectors = [additive_of(self.sites[n].table, 0.5).to_vector() for n in names]
        return np.sum(vectors, axis=0, dtype=np.uint64).tobytes()


def pooled(report: dict[str, Any], task: str) -> dict[str, Any]:
    (row,) = [r for r in report["results"] if (r["scope"], r["task"]) == ("pooled", task)]
    return row


def joined(tables: list[ScoreTable]) -> ScoreTable:
    fields = ("site", "patient", "lesion", "truth", "log_probs")
    return ScoreTable(
        **{f: np.concatenate([getattr(t, f) for t in tables]) for f in fields}, readers={}
    )
