"""A training goes on from its last round when the coordinator, or its SuperLink, was killed."""

import json
import os
import signal
import time
from pathlib import Path

import psutil
from hepafed.deploy.demo.run import SITES

from .conftest import PLAN, Trained


def _events(trained: Trained, run: str) -> list[dict[str, object]]:
    path = trained.fed.home("server") / "runs" / run / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(x) for x in lines if x.endswith("}\n")]


def _train_until_first_round(trained: Trained, folder: Path, name: str, rounds: int) -> str:
    """Start a training of `rounds` rounds; returns its id when one is done."""
    changes = (
        ('"small"', f'"{name}"'),
        ("count = 2", f"count = {rounds}"),
    )
    text = PLAN
    for old, new in changes:
        text = text.replace(old, new)
    plan = folder / f"{name}.toml"
    plan.write_text(text)
    run = str(trained.fed.json("train", str(plan))["id"])
    limit = time.monotonic() + 240
    while not any(e["event"] == "done" for e in _events(trained, run)):
        assert time.monotonic() < limit
        time.sleep(0.05)
    return run


def _check_completed(trained: Trained, run: str, rounds: int) -> None:
    trained.fed.command("server", "watch", run)
    ended = next(r for r in trained.fed.json("runs") if r["id"] == run)
    assert (ended["status"], ended["round"]) == ("completed", rounds)
    done = [e["round"] for e in _events(trained, run) if e["event"] == "done"]
    assert sorted(set(done)) == list(range(1, rounds + 1))
    assert len(done) - len(set(done)) <= 1  # the round under way may be held again
    assert ended["model"].startswith(run.rsplit("-", 1)[0])
    blobs = trained.fed.home("server") / "blobs"
    assert not [p for p in blobs.rglob("*") if p.is_file()]


def test_a_training_survives_its_coordinator_killed(trained: Trained, tmp_path: Path) -> None:
    fed = trained.fed
    run = _train_until_first_round(trained, tmp_path, "killed", 3)
    server = fed.running[0]
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    fed.start_server()
    fed.running[0] = fed.running.pop()
    fed.wait_online(tuple(SITES))
    _check_completed(trained, run, 3)


def test_a_training_survives_its_superlink_killed(trained: Trained, tmp_path: Path) -> None:
    run = _train_until_first_round(trained, tmp_path, "orphaned", 2)
    while not any((e["event"], e.get("round")) == ("round", 2) for e in _events(trained, run)):
        time.sleep(0.01)
    server = trained.fed.running[0]
    (link,) = (
        c for c in psutil.Process(server.pid).children() if "guarded_superlink" in c.cmdline()
    )
    link.kill()
    _check_completed(trained, run, 2)
    assert server.poll() is None
    assert any(e["event"] == "interrupted" for e in _events(trained, run))
    trained.fed.wait_online(tuple(SITES))


def test_a_site_that_ends_in_mid_round_and_starts_again_is_in_the_round(
    trained: Trained, tmp_path: Path
) -> None:
    fed, site = trained.fed, next(iter(SITES))
    run = _train_until_first_round(trained, tmp_path, "absent", 2)
    while not any((e["event"], e.get("round")) == ("round", 2) for e in _events(trained, run)):
        time.sleep(0.01)
    (client,) = (p for p in fed.running if str(fed.home(site)) in [*map(str, p.args)])  # type: ignore[arg-type]
    client.send_signal(signal.SIGINT)
    client.wait()
    fed.running.remove(client)
    fed.start(site)
    _check_completed(trained, run, 2)
    events = _events(trained, run)
    told = [e["event"] for e in events if e["event"] in ("lost", "again")]
    assert told in (["lost", "again"], [])  # none where its answer was out before it ended
    replied = {e["site"] for e in events if (e["event"], e.get("round")) == ("reply", 2)}
    assert replied == {"hospital-a", "hospital-b", "hospital-c"}
