"""Sites that answer a training as a test says: unequal, in any order, some of them badly."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hepafed.common.contract.figures import Figure, TaskSummary, TuningFigures
from hepafed.common.contract.messages import TrainReply, TrainRequest, TuneReply, TuneRequest
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.errors import HepaFedError
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.network.weights import Layout, to_bf16
from hepafed.common.releases import RELEASE
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.stores import Stores
from numpy.typing import NDArray

LAYOUT = Layout(("w", "b"), ((211, 3), (67,)))
"""700 weights: an odd number of blocks, whatever the block."""


def tuning(
    auc: float | None, lesions: int = 50, se: float | None = 0.01, patients: int = 0
) -> TuningFigures:
    """Make the tuning figures of a site, of as many patients as lesions or of so many."""
    patients = patients or lesions
    task = TaskSummary(
        unit="patient",
        task="malignant_vs_benign",
        positives=patients // 2,
        negatives=patients - patients // 2,
        auc=Figure(value=auc, se=se),
        true_positives=None,
        true_negatives=None,
        cells=None,
    )
    return TuningFigures(lesions=lesions, macro_auc=auc, tasks=(task,))


def update_of(site: str, round_: int) -> NDArray[np.float32]:
    """Make the update of a site in a round, of a size that bf16 keeps only roughly."""
    seed = int.from_bytes(hashlib.sha256(f"{site} {round_}".encode()).digest()[:4], "big")
    return np.random.default_rng(seed).normal(size=LAYOUT.size).astype(np.float32)


@dataclass
class Answering:
    """The sites of a run; each value of `examples` is a site's number of images."""

    examples: Mapping[str, int]
    order: Sequence[str] = ()
    """In which order they answer; by name if empty."""
    tunings: Callable[[str, int], TuningFigures] = lambda site, number: tuning(0.8)
    """Tuning figures of a site for the weights after so many rounds."""
    away: Mapping[str, int] = field(default_factory=dict)
    """Sites that do not answer in a round."""
    losses: Mapping[str, float | None] = field(default_factory=dict)
    releases: Mapping[str, str] = field(default_factory=dict)
    """Releases that sites state; ours if a site has none."""
    steps: Mapping[str, dict[str, int]] = field(default_factory=dict)
    """Steps and planned steps that a site states."""
    revoked: set[str] = field(default_factory=set)
    stores: Stores | None = None
    asked: list[TrainRequest | TuneRequest] = field(default_factory=list)

    def members(self) -> list[str]:
        return sorted(set(self.examples) - self.revoked)

    def online(self) -> list[str]:
        return self.members()

    def ask(
        self,
        sites: Sequence[str],
        request: TrainRequest | TuneRequest,
        _kind: type,
        _seconds: float,
        on_reply: Callable[[str, object], None],
    ) -> dict[str, str]:
        self.asked.append(request)
        failed = {}
        for site in self.order or sites:
            if self.away.get(site) == request.round:
                failed[site] = "no answer"
                continue
            try:
                on_reply(site, self.reply(site, request))
            except HepaFedError as e:
                failed[site] = e.message
        return failed

    def reply(self, site: str, request: TrainRequest | TuneRequest) -> TrainReply | TuneReply:
        if isinstance(request, TuneRequest):
            figures = self.tunings(site, request.round)
            return TuneReply(run=request.run, round=request.round, tuning=figures)
        content = bytes(to_bf16(update_of(site, request.round)))
        assert self.stores is not None
        with tempfile.NamedTemporaryFile(dir=self.stores.inbox.folder, delete=False) as f:
            f.write(content)
        digest = hashlib.sha256(content).hexdigest()
        self.stores.inbox.arrived(site, request.run, request.round, digest, Path(f.name))
        return TrainReply(
            run=request.run,
            round=request.round,
            release=self.releases.get(site, RELEASE),
            update=digest,
            examples=self.examples[site],
            loss=self.losses.get(site, 1.0),
            seconds=1.0,
            tuning=self.tunings(site, request.round - 1),
            **self.steps.get(site, {}),
        )


def training(
    home: Path, sites: Answering, rounds: int = 3, quorum: int = 1, max_share: float = 1.0
) -> LiveRun:
    """Make a run of these sites from weights of 0.25."""
    sites.stores = stores = Stores(home)
    how = RoundsPlan(count=rounds, quorum=quorum, deadline=5, max_share=max_share)
    plan = Plan(name="a", protocol="t2", rounds=how)
    live = LiveRun(stores.runs.create("train", plan), stores, sites)  # type: ignore[arg-type]
    start = np.full(LAYOUT.size, 0.25, np.float32)
    save_safetensors(live.folder / "initial.safetensors", LAYOUT, start)
    return live
