"""Homes that every chain of cases begins with: a federation stopped in the middle of a training.

Made once, by the real commands: two sites have trained the plan to its end, then begun it again.
"""

import json
import random
import shutil
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hepafed.deploy.demo.federation import Federation, federation

from tests.pictures import write_pictures
from tests.stand_in import STAND_IN

SITES = {"hospital-a": 12, "hospital-b": 17}
"""Patients of each site."""
LABELS = ("benign", "primary-malignant", "metastatic")
COUNT, STOPPED_AFTER = 30, 1
PLAN = f"""name = "chaos"
protocol = "t2"
seed = 5
[model]
size = 75
[training]
batch = 2
rate = 0.01
[rounds]
count = {COUNT}
quorum = {len(SITES)}
deadline = 400
"""
SMALL_NETWORK = {"PYTHONPATH": str(STAND_IN)}
POLICY = "minimum_train_patients = 1\nminimum_steps = 1\n"


@dataclass(frozen=True)
class Prepared:
    """What a chain begins with, and what it must end in."""

    folder: Path
    address: str
    run: str
    """The training that was begun."""
    digest: str
    """Of the weights that the undisturbed training froze."""


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a history; none where it is not there or is damaged."""
    made = []
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        made += [event] if isinstance(event, dict) and "event" in event else []
    return made


def prepared(folder: Path) -> Prepared:
    """Return the homes in `folder`; they are made where they are not there whole."""
    known = folder / "prepared.json"
    if known.exists():
        return Prepared(folder, **json.loads(known.read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = _made(folder)
    values = {k: v for k, v in asdict(made).items() if k != "folder"}
    known.write_text(json.dumps(values))
    return made


def _made(folder: Path) -> Prepared:
    plan = folder / "chaos.toml"
    plan.write_text(PLAN)
    with federation(folder, SMALL_NETWORK) as fed:
        fed.address = f"127.0.0.1:{_port()}"
        fed.command("server", "init", "--address", fed.address, "--listen", "127.0.0.1")
        fed.start_server()
        for seed, (site, patients) in enumerate(SITES.items()):
            fed.enrol(site, "train")
            set_up(fed, site, patients, seed)
            fed.start(site)
        fed.wait_online(tuple(SITES))
        fed.command("server", "train", str(plan), "--watch")
        (model,) = fed.json("models")
        run = str(fed.json("train", str(plan))["id"])
        history = fed.home("server") / "runs" / run / "events.jsonl"
        while not _round_done(history, STOPPED_AFTER):
            time.sleep(0.02)
        fed.stop()
    for who in ("server", *SITES):
        for log in fed.home(who).rglob("*.log"):
            log.unlink()
    state = json.loads((history.parent / "run.json").read_text())
    if state["status"] != "running":
        raise RuntimeError(f"the training was not stopped in the middle: {state['status']}")
    card = json.loads((fed.home("server") / "models" / model["id"] / "card.json").read_text())
    return Prepared(folder, fed.address, run, card["sha256"])


def _round_done(history: Path, number: int) -> bool:
    return any(e["event"] == "done" and e["round"] >= number for e in read_events(history))


def set_up(fed: Federation, site: str, patients: int, seed: int) -> None:
    """Give an enrolled site pictures of so many patients, and a policy that lets them train."""
    labels = [LABELS[n % 3] for n in range(patients)]
    table = write_pictures(fed.folder / f"images-{site}", labels, seed)
    fed.command(site, "ingest", "--images", str(table.parent), "--labels", str(table))
    config = fed.home(site) / "site.toml"
    lines = [
        x for x in config.read_text().splitlines() if not x.startswith(("minimum_", "optimisers"))
    ]
    text = "\n".join(lines).replace("threads = 0", "threads = 1")
    config.write_text(f"{text}\n{POLICY}")
    fed.command(site, "allow", "--everything")


def _port() -> int:
    """Return a port that is free, and is not among those that the system gives to whoever asks."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)):
                return port
