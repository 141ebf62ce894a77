"""What a round costs without training: HepaFed against stock Flower, and the server's memory.

Both sides move the same real Inception-ResNet V2 weights (54.3 million float32) between a server
and three sites on this machine over TLS. Stock Flower: FedAvg, SuperLink and SuperNodes with
their defaults (and a database on disk, as HepaFed keeps its state on disk), `flwr run`.
HepaFed: `server start`, three `client start`, and a plan with `training.epochs = 0`: each round
fetches the weights, scores the one tuning image, makes an update, writes the ledger, uploads,
folds and checkpoints; only the passes over the training data are left out.

Seconds of a round are from the end of one to the end of the next, their median; HepaFed's
first round, in which the sites build the network, is left out, and so is stock's unless it is
the only one. Memory is the sum of the resident memory of the server's whole process tree.
"""

import json
import signal
import statistics
import tempfile
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import click
from hepafed.common.console import command, say
from hepafed.deploy.demo.federation import federation
from parts.memory import TreeMemory
from parts.picture_sites import set_up
from parts.stock_flower import StockFigures, run_stock

SITES = ("hospital-a", "hospital-b", "hospital-c")
PLAN = """name = "overhead"
protocol = "t2"
[model]
size = 75
[training]
epochs = 0
[rounds]
count = {rounds}
quorum = 3
"""
TARGET_RATIO = 0.1
TARGET_MODELS = 3.0


@dataclass(frozen=True)
class Figures:
    """What HepaFed's run took."""

    seconds: list[float]
    """Of each round, the first left out."""
    peak: int
    """Bytes of the server's process tree while rounds run."""
    floats: int
    """Of the model, BatchNorm's statistics included."""
    preparing: int
    """The same before, with the process that makes the initial weights once."""


def run_hepafed(folder: Path, rounds: int) -> Figures:
    """Run a rehearsal of some rounds and one more; the initial weights stay in `folder`."""
    plan = folder / "plan.toml"
    folder.mkdir(parents=True)
    plan.write_text(PLAN.format(rounds=rounds + 1))
    with federation(folder) as fed:
        server = fed.start_server()
        for seed, site in enumerate(SITES):
            fed.enrol(site, "train")
            set_up(fed, site, seed)
            fed.start(site)
        fed.wait_online(SITES)
        with TreeMemory(server.pid) as memory:
            fed.command("server", "train", str(plan), "--watch")
        (run,) = (fed.home("server") / "runs").glob("*/events.jsonl")
        events = [json.loads(line) for line in run.read_text().splitlines()]
    at = [(e["event"], datetime.fromisoformat(e["at"]).timestamp()) for e in events]
    began = next(t for kind, t in at if kind == "round")
    ends = [t for kind, t in at if kind == "done"]
    size = next(e["bytes"] for e in events if e["event"] == "round")
    return Figures(
        [b - a for a, b in pairwise(ends)],
        memory.peak(begin=began),
        size // 2,
        memory.peak(end=began),
    )


def _report(ours: Figures, stock: StockFigures) -> None:
    theirs = stock.seconds[1:] or stock.seconds
    mine = statistics.median(ours.seconds)
    other = statistics.median(theirs)
    model = 4 * ours.floats
    say(f"model: {ours.floats:,} float32, {model / 1e6:.0f} MB")
    say(f"seconds a round   HepaFed {_all(ours.seconds)}   stock Flower {_all(theirs)}")
    say(
        f"server peak RSS   HepaFed {ours.peak / 1e6:.0f} MB ({ours.peak / model:.2f} models)   "
        f"stock Flower {stock.peak / 1e6:.0f} MB ({stock.peak / model:.2f} models)"
    )
    say(
        f"before the rounds, while a process makes the initial weights once: HepaFed "
        f"{ours.preparing / 1e6:.0f} MB"
    )
    _line(
        "server_memory",
        ours.peak / model,
        stock.peak / model,
        "models",
        TARGET_MODELS,
        met=ours.peak <= TARGET_MODELS * model,
    )
    _line("round_overhead", mine, other, "s/round", TARGET_RATIO, met=mine <= TARGET_RATIO * other)


def _all(seconds: list[float]) -> str:
    return ", ".join(f"{s:.2f}" for s in seconds)


def _line(name: str, ours: float, theirs: float, unit: str, target: float, *, met: bool) -> None:
    print(
        json.dumps(
            {
                "benchmark": name,
                "ours": round(ours, 3),
                "theirs": round(theirs, 3),
                "unit": unit,
                "ratio": round(ours / theirs, 4),
                "target": target,
                "met": met,
            }
        )
    )


def _interrupt(*_: object) -> None:
    """Have SIGTERM leave no process behind, as Ctrl-C does."""
    raise KeyboardInterrupt


@click.command()
@click.option("--quick", is_flag=True, help="One round of stock Flower, two of HepaFed.")
@click.option("--ours-only", is_flag=True, help="Only HepaFed's figures, without the comparison.")
@click.option("--keep", type=click.Path(path_type=Path), help="Work in this folder and keep it.")
@command
def main(quick: bool, ours_only: bool, keep: Path | None) -> None:
    """Measure both, one after the other, and end with one JSON line."""
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="hepafed-bench-") as temporary:
        folder = (keep or Path(temporary)).absolute()
        ours = run_hepafed(folder / "hepafed", 2 if quick else 5)
        if ours_only:
            say(
                f"seconds a round {_all(ours.seconds)}; peak {ours.peak / 1e6:.0f} MB; "
                f"preparing {ours.preparing / 1e6:.0f} MB"
            )
            return
        (weights,) = (folder / "hepafed/server/runs").glob("*/initial.safetensors")
        stock = run_stock(folder / "stock", weights, 1 if quick else 4)
        _report(ours, stock)


if __name__ == "__main__":
    main()
