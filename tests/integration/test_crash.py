"""A coordinator killed in the middle of a training goes on from its last round when restarted."""

import json
import os
import signal
import time
from pathlib import Path

from hepafed.deploy.demo.run import SITES

from .conftest import PLAN, Trained

ROUNDS = 4


def _events(trained: Trained, run: str) -> list[dict[str, object]]:
    path = trained.fed.home("server") / "runs" / run / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(x) for x in lines if x.endswith("}\n")]


def test_a_training_survives_its_coordinator_killed(trained: Trained, tmp_path: Path) -> None:
    fed = trained.fed
    changes = (('"small"', '"killed"'), ("count = 2", f"count = {ROUNDS}"),
               ("[training]", "[training]\nepochs = 0"))  # fmt: skip
    text = PLAN
    for old, new in changes:
        text = text.replace(old, new)
    plan = tmp_path / "killed.toml"
    plan.write_text(text)
    run = str(fed.json("train", str(plan))["id"])
    limit = time.monotonic() + 240
    while not any(e["event"] == "done" for e in _events(trained, run)):
        assert time.monotonic() < limit
        time.sleep(0.05)
    server = fed.running[0]
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    fed.start_server()
    fed.running[0] = fed.running.pop()
    fed.wait_online(tuple(SITES))
    fed.command("server", "watch", run)
    ended = next(r for r in fed.json("runs") if r["id"] == run)
    assert (ended["status"], ended["round"]) == ("completed", ROUNDS)
    done = [e["round"] for e in _events(trained, run) if e["event"] == "done"]
    assert sorted(set(done)) == list(range(1, ROUNDS + 1))
    assert len(done) - len(set(done)) <= 1  # the round under way may be held again
    assert ended["model"].startswith("killed-")
    blobs = fed.home("server") / "blobs"
    assert not [p for p in blobs.rglob("*") if p.is_file()]
