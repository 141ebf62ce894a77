"""What a long training leaves: memory, disk and Flower's database over 1,000 rounds of six sites.

python benchmarks/many_rounds.py [--rounds 1000] [--sites 6] [--out FILE]

A coordinator and its sites on this machine, over TLS, with a network of a few hundred weights in
the place of the real one (tests/stand_in): whatever grows then is what is kept for each round. Each
site trains on its pictures in every round. Resident memory is that of a program with all
its child processes; growth is the slope of a line by least squares over the second half of
the rounds, with its 95 % interval (Student's t; residuals taken as independent).
"""

import json
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from hepafed.common.console import command, say
from hepafed.deploy.demo.federation import Federation, federation
from parts.memory import tree_bytes
from parts.picture_sites import set_up
from scipy.stats import linregress, t

STAND_IN = Path(__file__).parents[1] / "tests/stand_in"
PLAN = """name = "many"
protocol = "t2"
[model]
size = 75
[training]
batch = 2
[rounds]
count = {rounds}
quorum = {sites}
"""
POLICY = "minimum_train_patients = 1\nminimum_steps = 1\n"
EVERY_ROUNDS = 10
TARGET_BYTES = 1000.0
"""By how much the memory of a program may grow in a round."""


@dataclass(frozen=True)
class Sample:
    """What stands after a round."""

    round: int
    memory: dict[str, int]
    """Resident bytes by program."""
    disk: dict[str, int]
    """Bytes of the files of each home."""
    database: int
    """Bytes of Flower's database, with its journal."""


def _state(fed: Federation, pids: dict[str, int], done: int) -> Sample:
    files = {who: [p for p in fed.home(who).rglob("*") if p.is_file()] for who in pids}
    sizes = {who: [(p, _size(p)) for p in found] for who, found in files.items()}
    return Sample(
        done,
        {who: tree_bytes(pid) for who, pid in pids.items()},
        {who: sum(size for _, size in found) for who, found in sizes.items()},
        sum(size for p, size in sizes["server"] if p.name.startswith("state.db")),
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a temporary file
        return 0


def _done(history: Path) -> int:
    return sum(b'"event": "done"' in line for line in history.read_bytes().splitlines())


def growth(rounds: Sequence[int], bytes_: Sequence[int]) -> tuple[float, float]:
    """Return bytes a round over the second half, and half the width of its 95 % interval."""
    begin = len(rounds) // 2
    fit = linregress(rounds[begin:], bytes_[begin:])
    return float(fit.slope), float(fit.stderr * t.ppf(0.975, len(rounds) - begin - 2))


def run(folder: Path, sites: Sequence[str], rounds: int) -> list[Sample]:
    """Train, and look every few rounds; returns what was seen, the last after the last round."""
    plan = folder / "plan.toml"
    plan.write_text(PLAN.format(rounds=rounds, sites=len(sites)))
    with federation(folder, {"PYTHONPATH": str(STAND_IN)}) as fed:
        pids = {"server": fed.start_server().pid}
        for seed, site in enumerate(sites):
            fed.enrol(site, "train")
            set_up(fed, site, seed)
            config = fed.home(site) / "site.toml"
            kept = [x for x in config.read_text().splitlines() if not x.startswith("minimum_")]
            config.write_text("\n".join(kept) + "\n" + POLICY)
            pids[site] = fed.start(site).pid
        fed.wait_online(sites)
        made = str(fed.json("train", str(plan))["id"])
        history, seen = fed.home("server") / "runs" / made / "events.jsonl", list[Sample]()
        while (status := _status(fed, made)) in ("queued", "running"):
            done = _done(history) if history.exists() else 0
            if done and done >= (seen[-1].round if seen else 0) + EVERY_ROUNDS:
                seen.append(_state(fed, pids, done))
            time.sleep(0.5)
        if status != "completed":
            raise click.ClickException(f"the training ended as {status}")
        return [*seen, _state(fed, pids, _done(history))]


def _status(fed: Federation, made: str) -> str:
    state = json.loads((fed.home("server") / "runs" / made / "run.json").read_text())
    return str(state["status"])


def _report(seen: Sequence[Sample], seconds: float) -> None:
    rounds = [s.round for s in seen]
    say(f"{rounds[-1]} rounds in {seconds:.0f} s, {seconds / rounds[-1]:.2f} s a round")
    worst = 0.0
    for who in seen[0].memory:
        slope, half = growth(rounds, [s.memory[who] for s in seen])
        worst = max(worst, slope - half)
        first, last = (s.memory[who] / 1e6 for s in (seen[0], seen[-1]))
        disk, _ = growth(rounds, [s.disk[who] for s in seen])
        say(
            f"{who:12} memory {first:.0f} -> {last:.0f} MB, {slope:+.0f} ± {half:.0f} bytes a "
            f"round; files {seen[-1].disk[who] / 1e6:.1f} MB, {disk:+.0f} bytes a round"
        )
    base, _ = growth(rounds, [s.database for s in seen])
    say(f"Flower's database {seen[-1].database / 1e6:.2f} MB, {base:+.0f} bytes a round")
    line = {"benchmark": "many_rounds", "ours": round(worst), "unit": "bytes a round",
            "target": TARGET_BYTES, "met": worst <= TARGET_BYTES}  # fmt: skip
    print(json.dumps(line))


def _interrupt(*_: object) -> None:
    """Have SIGTERM leave no process behind, as Ctrl-C does."""
    raise KeyboardInterrupt


@click.command()
@click.option("--rounds", default=1000, show_default=True)
@click.option("--sites", default=6, show_default=True)
@click.option("--quick", is_flag=True, help="60 rounds of two sites.")
@click.option("--out", type=click.Path(path_type=Path), help="Write every look, a line each.")
@command
def main(rounds: int, sites: int, quick: bool, out: Path | None) -> None:
    """Train for many rounds and print what grew."""
    signal.signal(signal.SIGTERM, _interrupt)
    rounds, sites = (60, 2) if quick else (rounds, sites)
    with tempfile.TemporaryDirectory(prefix="hepafed-bench-") as folder:
        started = time.monotonic()
        seen = run(Path(folder), [f"hospital-{chr(97 + n)}" for n in range(sites)], rounds)
        if out is not None:
            out.write_text("".join(json.dumps(vars(s)) + "\n" for s in seen))
        _report(seen, time.monotonic() - started)


if __name__ == "__main__":
    main()
