"""A federation whose largest site is 20 times slower: a time budget against waiting for it.

python benchmarks/slow_site.py [--quick] [--images DIR] [--out FILE]

Three hospitals of exported key images train in one process, with the product's own trainer, rounds
and means; only the wire and the clocks are ours, so a slow site costs no time here. `wait` is
FedAvg that waits for the slow site, `budget` is FedNova with a time budget, `without` is what a
deadline without a budget leaves: the two other sites. Each has the same number of rounds. The AUC
is that of the two external sites together, the macro mean of one class against the others.

Each result is a line of FILE when it is there; what FILE has already is not run again. The classes
of these images say nothing of livers.
"""

import argparse
import hashlib
import json
import statistics
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from hepafed.client.ingest import ingest_images
from hepafed.client.learning import Trainer, score
from hepafed.common.certificates import make_authority
from hepafed.common.contract import (
    CLASSES,
    ModelPlan,
    Plan,
    RoundsPlan,
    TrainingPlan,
    TuningFigures,
)
from hepafed.common.contract.messages import TrainReply, TrainRequest, TuneReply
from hepafed.common.network import flatten, from_bf16, read_parts, save_safetensors, to_bf16
from hepafed.common.releases import RELEASE
from hepafed.common.statistics import ScoreTable, delong_auc
from hepafed.server.runs import LiveRun, Stores
from hepafed.server.training import train

SITES = ("hospital-a", "hospital-b", "hospital-c")
SLOW = "hospital-a"
"""The site with most images."""
EXTERNAL = ("external-1", "external-2")
SLOWER = 20
"""Seconds of a step at the slow site; at the others it is one."""
LABELS = {"glioma": "benign", "meningioma": "primary-malignant", "pituitary": "metastatic"}
ARMS = ("wait", "budget", "without")
LARGEST_LOSS = 0.005
"""How much AUC the budget may cost."""


def plan_of(arm: str, seed: int, rounds: int, budget: int) -> Plan:
    """Return the plan of an arm; the deadline of `without` is that of `budget`."""
    made = Plan(
        name=f"slow-{arm}",
        protocol="t2",
        seed=seed,
        model=ModelPlan(size=75),
        training=TrainingPlan(batch=8),
        rounds=RoundsPlan(count=rounds, deadline=7 * 86400),
    )
    if arm != "budget":
        return made
    return replace(
        made,
        training=replace(made.training, budget=budget),
        rounds=replace(made.rounds, strategy="fednova"),
    )


class InProcess:
    """In place of Flower: sites that train when they are asked, one after the other."""

    def __init__(self, homes: Path, sites: Iterable[str], stores: Stores) -> None:
        self._stores = stores
        self._trainers = {s: Trainer(homes / s, _seed_of(s), clock=_clock(s)) for s in sites}
        self.seconds = 0.0
        """Of all rounds so far, as the sites' clocks have it."""

    def members(self) -> list[str]:
        """Return the names of the sites."""
        return sorted(self._trainers)

    online = members

    def ask(
        self,
        sites: Iterable[str],
        request: Any,  # noqa: ANN401 - a request to train or to score
        _kind: type,
        _deadline: float,
        on_reply: Callable[[str, Any], None],
    ) -> dict[str, str]:
        """Have each site answer; none states tuning figures."""
        none = TuningFigures(lesions=0, macro_auc=None)
        took = [0.0]
        for site in sites:
            if isinstance(request, TrainRequest):
                reply, seconds = self._trained(site, request, none)
                took.append(seconds)
                on_reply(site, reply)
            else:
                on_reply(site, TuneReply(run=request.run, round=request.round, tuning=none))
        self.seconds += max(took)
        return {}

    def _trained(
        self, site: str, request: TrainRequest, tuning: TuningFigures
    ) -> tuple[TrainReply, float]:
        trainer, inbox = self._trainers[site], self._stores.inbox
        blob = self._stores.blobs.path(request.weights).read_bytes()
        weights = from_bf16(memoryview(bytearray(blob)), trainer.network(request.plan).layout)
        done = trainer.train(request.plan, weights, request.run, request.round)
        content = bytes(to_bf16(done.update))
        digest = hashlib.sha256(content).hexdigest()
        path = inbox.folder / f"{site}.part"
        path.write_bytes(content)
        inbox.arrived(site, request.run, request.round, digest, path)
        counted = request.plan.rounds.strategy == "fednova"
        reply = TrainReply(
            run=request.run,
            round=request.round,
            release=RELEASE,
            update=digest,
            examples=done.examples,
            loss=done.loss,
            seconds=0.0,
            tuning=tuning,
            steps=done.steps if counted else 0,
            planned=done.planned if counted else 0,
        )
        return reply, done.steps * _pace(site)


def _pace(site: str) -> int:
    return SLOWER if site == SLOW else 1


def _seed_of(site: str) -> int:
    return int.from_bytes(hashlib.sha256(site.encode()).digest()[:4], "big")


def _clock(site: str) -> Callable[[], float]:
    """Return a clock that goes on by one step of the site whenever it is read."""
    ticks = count()
    return lambda: float(_pace(site) * next(ticks))


def run(homes: Path, work: Path, plan: Plan, sites: Iterable[str]) -> dict[str, Any]:
    """Train a plan and return the AUC, the seconds on the sites' clocks, and who contributed."""
    make_authority(work / "keys", datetime.now(UTC))
    stores = Stores(work)
    fleet = InProcess(homes, sites, stores)
    live = LiveRun(stores.runs.create("train", plan), stores, fleet)  # type: ignore[arg-type]
    scorer = Trainer(homes / EXTERNAL[0], 0)
    network = scorer.network(plan)
    start = flatten(network.module, network.layout)
    save_safetensors(live.folder / "initial.safetensors", network.layout, start)
    model = train(live)
    card = stores.registry.card(model)
    weights = np.concatenate(list(read_parts(stores.registry.weights(model), start.size)))
    tables = [score(Trainer(homes / s, 0), plan, weights, "external", s) for s in EXTERNAL]
    return {
        "auc": macro_auc(tables),
        "seconds": fleet.seconds,
        "share": {s.site: s.share for s in card.contributions},
        "steps": {s.site: [s.steps, s.planned_steps] for s in card.contributions},
    }


def macro_auc(tables: list[ScoreTable]) -> float:
    """Return the mean of the AUCs of each class against the others, over all tables together."""
    scores = np.concatenate([t.log_probs for t in tables])
    truth = np.concatenate([t.truth for t in tables])
    found = [delong_auc(scores[truth == k, k], scores[truth != k, k]) for k in range(len(CLASSES))]
    return statistics.mean(a.value for a in found if a is not None)


def fill(homes: Path, images: Path) -> None:
    """Put the images of each site into its cohort store."""
    for site in (*SITES, *EXTERNAL):
        (homes / site).mkdir(parents=True)
        ingest_images(
            homes / site,
            images,
            images / "labels.csv",
            sequence="t2",
            label_map=LABELS,
            where={"site": site},
            group_column="group",
            file_column="file",
            label_column="label",
            progress=lambda _done, _all: None,
        )


def known(out: Path) -> dict[tuple[str, int, int, int], dict[str, Any]]:
    """Return the results that a file has already, by arm, seed, rounds and budget."""
    lines = out.read_text().splitlines() if out.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(r["arm"], r["seed"], r["rounds"], r["budget"]): r for r in rows}


def closing(found: list[dict[str, Any]]) -> str:
    """Return the closing line: the mean AUC of the budget against that of waiting."""
    mean = {a: statistics.mean(r["auc"] for r in found if r["arm"] == a) for a in ARMS}
    ours, theirs = mean["budget"], mean["wait"]
    return json.dumps(
        {
            "benchmark": "slow_site",
            "ours": round(ours, 4),
            "theirs": round(theirs, 4),
            "unit": "AUC",
            "ratio": round(ours / theirs, 4),
            "target": round((theirs - LARGEST_LOSS) / theirs, 4),
            "met": ours >= theirs - LARGEST_LOSS,
        }
    )


def main() -> None:
    """Run what is not in the file of results yet, and print the closing line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one seed and one round")
    parser.add_argument("--images", type=Path, default=Path("../shared/data/images"))
    parser.add_argument("--out", type=Path, default=Path("build/slow_site.jsonl"))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", type=int, default=200, help="seconds on the sites' clocks")
    asked = parser.parse_args()
    seeds, rounds = (1, 1) if asked.quick else (asked.seeds, asked.rounds)
    if not (asked.images / "labels.csv").exists():
        raise SystemExit(f"{asked.images} has no labels.csv: name the images with --images")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    found, before = [], known(asked.out)
    with tempfile.TemporaryDirectory() as folder:
        homes = Path(folder) / "homes"
        fill(homes, asked.images)
        for seed in range(1, seeds + 1):
            for arm in ARMS:
                key = (arm, seed, rounds, asked.budget)
                if key not in before:
                    sites = [s for s in SITES if arm != "without" or s != SLOW]
                    with tempfile.TemporaryDirectory(dir=folder) as work:
                        made = run(homes, Path(work), plan_of(*key), sites)
                    row = dict(zip(("arm", "seed", "rounds", "budget"), key, strict=True)) | made
                    with asked.out.open("a") as f:
                        f.write(json.dumps(row) + "\n")
                    before[key] = row
                found.append(before[key])
                print(json.dumps(before[key]), flush=True)
    print(closing(found))


if __name__ == "__main__":
    main()
