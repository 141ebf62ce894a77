"""A training in memory: real site apps, policy, files, masks and coordinator; scores are drawn.

The network alone is not real: a site's scores of some weights follow from the number of the round.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from hepafed.client.learning.trainer import Trained
from hepafed.client.worker.app import SiteApp
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import TrainRequest, TuneRequest
from hepafed.common.contract.plan import OperatingPointPlan, Plan, RoundsPlan
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.network.weights import Flat, Layout
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.formats import ModelCard
from hepafed.server.members import LedgerHeads
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sealing import sealing
from hepafed.server.runs.sites import Sites
from hepafed.server.runs.store import Run
from hepafed.server.runs.stores import Stores
from hepafed.server.training import checkpoints
from hepafed.server.training.rounds import train

from tests.client.permissions.consenting import allow_everything
from tests.server.federation import SHORT_STEP, Fleet, Wire, table_of

LAYOUT = Layout(("w",), ((5,),))
Tables = Callable[[int], ScoreTable | None]
"""Gives a site's scores of the weights after so many rounds."""


class WeightsWire(Wire):
    """In place of HTTPS, down as well: the weights are of no matter here."""

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        return np.zeros(layout.size, np.float32)


@dataclass
class DrawnTrainer:
    """In place of the network: an update of ones, over eight images a step."""

    examples: int

    def network(self, _plan: Plan) -> Any:  # noqa: ANN401
        return SimpleNamespace(layout=LAYOUT)

    def images(self, _plan: Plan, _split: str) -> Any:  # noqa: ANN401
        return SimpleNamespace(selection=SimpleNamespace(patients=[str(i) for i in range(40)]))

    def steps(self, _plan: Plan) -> list[int]:
        return [8] * 5

    def train(
        self,
        _plan: Plan,
        _weights: Flat,
        _run: str,
        round: int,
        _fewest_steps: int,
        _control: object,
    ) -> Trained:
        update = np.full(LAYOUT.size, round / 8, np.float32)
        return Trained(update, self.examples, 1.0, 0.5, 2, 2)


class TrainingSite(SiteApp):
    """The real app over drawn scores."""

    def __init__(self, home: Path, config: SiteConfig, wire: Wire, tables: Tables) -> None:
        super().__init__(home, config, wire)  # type: ignore[arg-type]
        self.tables = tables
        self._work.trainer = DrawnTrainer(40)  # type: ignore[assignment]
        self._work.tuning_scores = self._drawn  # type: ignore[method-assign]

    def _drawn(self, request: TrainRequest | TuneRequest, _weights: Flat) -> ScoreTable | None:
        after = request.round - isinstance(request, TrainRequest)
        return self.tables(after)


def drawn(name: str, seed: int, lesions: int = 60) -> Tables:
    """Draw a site's tables: the same cases in each round, other scores."""
    first = table_of(name, seed, lesions)

    def table(after: int) -> ScoreTable:
        noise = np.random.default_rng([seed, after]).normal(size=first.log_probs.shape)
        raw = 0.4 * first.log_probs + 0.8 * noise + (0.5 + 0.3 * after) * np.eye(3)[first.truth]
        return replace(first, log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True))

    return table


class Training:
    """A coordinator's stores and its training sites, under one folder."""

    def __init__(self, folder: Path) -> None:
        server = folder / "server"
        make_authority(server / "keys", datetime.now(UTC))
        self.folder, self.stores, self.heads = folder, Stores(server), LedgerHeads(server)
        self.identities: dict[str, str] = {}
        self.wires: dict[str, WeightsWire] = {}
        self.sites: dict[str, TrainingSite] = {}
        self.configs: dict[str, SiteConfig] = {}
        self.revoked: set[str] = set()
        self.fleet = Fleet({})

    def site(self, name: str, tables: Tables | None = None, **policy: Any) -> None:  # noqa: ANN401
        home = self.folder / name
        self.identities[name] = make_node_key(home / "keys" / "node.key")
        shutil.copy(self.folder / "server" / "keys" / "ca.pem", home / "keys" / "ca.pem")
        allow_everything(home)
        self.wires[name] = WeightsWire(name, home, self.stores.inbox)
        self.start(name, tables or drawn(name, len(self.sites)), **policy)

    def start(self, name: str, tables: Tables | None = None, **policy: Any) -> None:  # noqa: ANN401
        """Start a site's worker, or start it anew, as after a crash."""
        values = {"role": "train", **policy}
        config = SiteConfig(site=name, address="localhost:1", device="cpu", **values)
        self.configs[name] = config
        scores = tables or self.sites[name].tables
        made = TrainingSite(self.folder / name, config, self.wires[name], scores)
        self.sites[name] = made
        fleet, self.fleet = self.fleet, Fleet(dict(self.sites))
        self.fleet.hook, self.fleet.asked = fleet.hook, fleet.asked

    def create(self, rounds: int = 3, rule: str = "youden", **how: Any) -> Run:  # noqa: ANN401
        plan = Plan(
            name="a",
            protocol="t2",
            rounds=RoundsPlan(count=rounds, **{"quorum": 1, "deadline": 5, **how}),
            operating_point=OperatingPointPlan(rule=rule),
        )
        run = self.stores.runs.create("train", plan)
        folder = self.stores.runs.folder(run.id)
        save_safetensors(folder / "initial.safetensors", LAYOUT, np.zeros(LAYOUT.size, np.float32))
        return run

    def live(self, run: Run) -> LiveRun:
        self.fleet.seal = sealing(self.stores, run)
        sites = Sites(
            self.fleet,
            lambda: {s: n for s, n in self.fleet.nodes.items() if s not in self.revoked},
            lambda: True,
            lambda: self.identities,
            seal=self.fleet.seal,
            heads=self.heads,
        )
        return LiveRun(run, self.stores, sites, SHORT_STEP)

    def run(self, run: Run | None = None, **how: Any) -> ModelCard:  # noqa: ANN401
        self.last = run or self.create(**how)
        return self.stores.registry.card(train(self.live(self.last)))

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        return [e for e in self.stores.runs.events(self.last.id) if e["event"] in kinds]

    def state(self) -> checkpoints.TrainingState:
        found = checkpoints.load(self.stores.runs.folder(self.last.id))
        assert found is not None
        return found
