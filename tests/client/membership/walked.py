"""A site's home made by the real code, and a next start over it; only network and wire are ours."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from flwr.app import ConfigRecord, Context, Message, RecordDict
from hepafed.client.cohort import Cohort
from hepafed.client.ingest.from_images import ingest_images
from hepafed.client.learning.images import SplitCache
from hepafed.client.learning.optimiser import WarmOptimiser
from hepafed.client.learning.trainer import Trained
from hepafed.client.membership import changed_settings, join, look_over
from hepafed.client.moments import Moments
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.release import Ledger, Peers
from hepafed.client.scan import known_series
from hepafed.client.scan.index import ScanIndex
from hepafed.client.strategy_state import StrategyState
from hepafed.client.validations import recall, recall_weights
from hepafed.client.worker.app import SiteApp
from hepafed.common.contract import Invite, SiteConfig, read_toml, write_toml
from hepafed.common.contract.messages import (
    Refusal,
    TrainRequest,
    ValidateRequest,
    Waits,
    pack,
    unpack,
)
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.errors import HepaFedError
from hepafed.common.network.weights import Flat, Layout, from_bf16, to_bf16
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.runs.sealing import sealing
from PIL import Image
from torch import nn

from tests.client.permissions.consenting import allow_everything
from tests.server.federation import Federation, Fleet, Wire

SITE, PATIENTS = "walked", 12
CLASSES = ("benign", "primary-malignant", "metastatic")
LAYOUT = Layout(("w",), ((6,),))
PLAN = Plan(name="walk", protocol="t2", rounds=RoundsPlan(deadline=5, encoding="int4"))


class Weights(Wire):
    """In place of HTTPS, both ways; every weight is 1. A quiet one drops what is sent."""

    quiet = False

    def send(self, run: str, slot: int, content: bytes) -> None:
        if not self.quiet:
            super().send(run, slot, content)

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        return np.ones(layout.size, np.float32)


class PixelTrainer:
    """In place of the network: an update that every stored number of the training split changes.

    The moments of the round before, and what a strategy kept, change it, too.
    """

    def __init__(self, home: Path) -> None:
        self.splits = SplitCache(home)
        self.weight = nn.Linear(1, 1, bias=False)
        self.warm = WarmOptimiser(self.weight, Moments(home))
        self.kept = StrategyState(home)

    def network(self, _plan: Plan) -> Any:  # noqa: ANN401
        return SimpleNamespace(layout=LAYOUT)

    def images(self, plan: Plan, split: str) -> Any:  # noqa: ANN401
        return self.splits.images(plan, split)

    def steps(self, _plan: Plan) -> list[int]:
        return [2] * 5

    def train(
        self,
        plan: Plan,
        _weights: Flat,
        run: str,
        round: int,
        _fewest_steps: int,
        _control: object,
    ) -> Trained:
        images = self.images(plan, "train")
        picked = images.selection.images.astype(np.float64)
        scale = np.linspace(1, 2, picked[0].size).reshape(picked[0].shape)
        sums = [
            (p * scale).mean() * (int(n) + 1) for p, n in zip(picked, images.labels, strict=True)
        ]
        optimiser = self.warm.begin(plan.training, run, round)
        with torch.no_grad():
            self.weight.weight.fill_(1.0)
        self.weight.weight.grad = torch.full((1, 1), 0.3 * round - 0.5)
        optimiser.step()
        self.warm.finish(plan.training, run, round)
        after = self.kept.newest(run, round, "fedbn")
        found = self.kept.read(run, after, "fedbn") or {"w": np.zeros(1, np.float32)}
        own = {"w": found["w"] * 0.5 + np.float32(round)}
        self.kept.keep(run, round, "fedbn", own, after)
        sums.append(float(own["w"][0]))
        update = np.full(LAYOUT.size, sum(sums), np.float32)
        update[0] = float(self.weight.weight.detach()) - 1.0
        return Trained(update, len(images.labels), None, 0.5, 2, 2, self.warm.settle)


class PixelSite(SiteApp):
    """The real app over the real store; scores follow from the stored numbers."""

    def __init__(self, home: Path, config: SiteConfig, wire: Wire) -> None:
        super().__init__(home, config, wire)  # type: ignore[arg-type]
        self._work.trainer = PixelTrainer(home)  # type: ignore[assignment]
        self._work.scores = self._scores  # type: ignore[method-assign]
        self._work.tuning_scores = lambda request, _w: None  # type: ignore[method-assign]
        self.store = home

    def _scores(self, _run: str, plan: Plan, digest: str, split: str) -> tuple[ScoreTable, Flat]:
        found = Cohort.open(self.store).select(plan.protocol, split)
        seeds = [
            int(found.images[found.owner == i].astype(np.float64).sum() * 1e6) % 2**32
            for i in range(len(found.labels))
        ]
        raw = np.stack([np.random.default_rng(s).normal(size=3) for s in seeds])
        raw += np.eye(3)[found.labels]
        table = ScoreTable(
            site=np.full(len(seeds), SITE),
            patient=np.array(found.patients),
            lesion=np.array(found.lesions),
            truth=found.labels,
            log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
            readers={},
        )
        return table, from_bf16(to_bf16(np.ones(2, np.float32)), Layout(("w",), ((2,),)))


def write_pictures(folder: Path) -> None:
    """Write a picture a patient, one more that is named and not there, and the labels."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    rows = ["patient_id,file,label"]
    for n in range(PATIENTS):
        Image.fromarray(rng.integers(0, 255, (160, 160), np.uint8)).save(folder / f"{n}.png")
        rows.append(f"p{n},{n}.png,{CLASSES[n % 3]}")
    (folder / "labels.csv").write_text("\n".join([*rows, "q,none.png,benign"]))


def ingested(home: Path, pictures: Path) -> object:
    """Ingest the pictures; the same ones again change nothing."""
    ingest_images(
        home,
        pictures,
        pictures / "labels.csv",
        sequence="t2",
        label_map={},
        where={},
        group_column="patient_id",
        file_column="file",
        label_column="label",
        progress=lambda *_: None,
    )
    store = Cohort.open(home)
    return sorted(store.splits().items()), len(store.rows()), len(store.excluded())


class WalkedFederation:
    """A coordinator, two masking sites beside the walked one, and the walked home."""

    def __init__(self, folder: Path) -> None:
        self.fed, self.pictures = Federation(folder), folder / "pictures"
        self.home = folder / SITE
        write_pictures(self.pictures)
        self._join(folder)
        ingested(self.home, self.pictures)
        index = ScanIndex(self.home, self.pictures, Pseudonyms(self.home))
        index.finish()
        store = Cohort.open(self.home)
        store.exclude({store.rows()[0].lesion: "blurred"})
        allow_everything(self.home)
        for name in "bc":
            self.fed.site(name)
        self._enter()
        self.validation = self.fed.run()["run"]
        self.training = self.fed.stores.runs.create("train", PLAN)
        assert isinstance(self.asked(self.home, "train", self.train_request(1)), str)

    def _join(self, folder: Path) -> None:
        ca = (folder / "server" / "keys" / "ca.pem").read_text()
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        invite = Invite(
            site=SITE, role="train", address="localhost:1", token="t" * 43, ca=ca, expires=until
        )
        write_toml(invite, folder / "walked.invite")
        answer = {"site": SITE, "role": "train", "time": datetime.now(UTC).isoformat()}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(httpx, "post", lambda *_a, **_k: httpx.Response(200, json=answer))
            join(self.home, folder / "walked.invite")

    def _enter(self) -> None:
        from hepafed.client.release import own_fingerprint, read_own_identity
        from hepafed.common.disclosure import public_line

        assert own_fingerprint(self.home)[0] == SITE
        self.fed.identities[SITE] = public_line(read_own_identity(self.home))
        self.fed.sites[SITE] = self.app(self.home, "validate")  # type: ignore[assignment]
        self.fed.fleet = Fleet(self.fed.sites)

    def app(self, home: Path, role: str, *, quiet: bool = False) -> PixelSite:
        config = replace(read_toml(SiteConfig, self.home / "site.toml", ""), role=role)
        relaxed = replace(config, minimum_count=2, minimum_patients=2, least_tables=2)
        wire = Weights(SITE, home, self.fed.stores.inbox)
        wire.quiet = quiet
        return PixelSite(home, relaxed, wire)

    def train_request(self, number: int) -> TrainRequest:
        return TrainRequest(run=self.training.id, round=number, plan=PLAN, weights="a" * 64)

    def validate_request(self) -> ValidateRequest:
        card = self.fed.stores.registry.card(self.fed.model)
        return ValidateRequest(
            run="validate-again",
            model=card.id,
            plan=self.fed.plan,
            weights=card.sha256,
            threshold=card.operating_point.threshold,
            split="external",
        )

    def asked(self, home: Path, role: str, request: Any) -> str:  # noqa: ANN401
        """Return the text of what a site over `home` answers to a signed request."""
        site = self.app(home, role, quiet=True)
        run = self.training if role == "train" else self.fed.stores.runs.get(self.validation)
        parts = {**sealing(self.fed.stores, run)(SITE, pack(request), 60)}
        message = Message(
            RecordDict({"hepafed": ConfigRecord(parts)}), dst_node_id=1, message_type="train"
        )
        message.metadata.__dict__["_message_id"] = "m"
        context = Context(1, 1, {}, RecordDict(), {})
        return str(site(message, context).content["hepafed"]["json"])


@dataclass
class Start:
    """What became of a start: its facts by what they are of, and its words."""

    facts: dict[str, object] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def tried(self, what: str, call: Callable[[], object]) -> None:
        try:
            self.facts[what] = call()
        except (HepaFedError, OSError) as e:
            self.facts[what] = "refused"
            if isinstance(e, HepaFedError):
                self.words.append(f"{e.message} | {e.hint}")


def started(made: WalkedFederation, home: Path) -> Start:
    """Start a site over a home as `client start` does, and ask it what a coordinator asks."""
    got = Start()
    got.tried("settings", lambda: read_toml(SiteConfig, home / "site.toml", "restore a copy") and 1)
    found = look_over(home, whole=False)
    got.words += [f"{d.found} | {d.hint}" for d in found]
    if got.facts["settings"] == "refused" or any(d.stops for d in found):
        got.facts[""] = "refused"
        return got
    if changed_settings(home):
        got.words.append("site.toml was changed | what is there now is used")
    got.tried("ledger", lambda: Ledger(home).verify() is not None)
    for what, role, request in (
        ("trained", "train", made.train_request(2)),
        ("validated", "validate", made.validate_request()),
    ):
        got.tried(what, partial(_reply, made, home, role, request, got.words))
    got.tried("counts", lambda: json.dumps(Cohort.open(home).counts()))
    got.tried("left out", lambda: Cohort.open(home).facts((), "external"))
    got.tried("peers", lambda: sorted(Peers(home).all()))
    got.tried("recalled", lambda: _recalled(made, home))
    got.tried("series", lambda: known_series(home))
    got.tried("ingested", lambda: ingested(home, made.pictures))
    return got


def _recalled(made: WalkedFederation, home: Path) -> object:
    kept = recall(home, made.validation)
    weights = recall_weights(home, kept.request.weights, Layout(("w",), ((2,),)))
    return kept.request, kept.table.log_probs.tolist(), weights.tolist()


def _reply(
    made: WalkedFederation,
    home: Path,
    role: str,
    request: Any,  # noqa: ANN401
    words: list[str],
) -> object:
    """Return the answer of a site; the words of a refusal are added to `words`."""
    text = made.asked(home, role, request)
    reply = unpack(text)
    if isinstance(reply, Refusal):
        words.append(f"{reply.reason} | {reply.hint}")
    return "refused" if isinstance(reply, (Refusal, Waits)) else (type(reply).__name__, text)
