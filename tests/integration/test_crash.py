"""One training goes on although coordinator, SuperLink and a site are ended in turn."""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from hepafed.deploy.demo.federation import Federation
from hepafed.deploy.demo.run import SITES

from .conftest import PLAN, Trained

SITE = next(iter(SITES))
"""The one that ends and starts again."""


def _events(trained: Trained, run: str) -> list[dict[str, object]]:
    path = trained.fed.home("server") / "runs" / run / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(x) for x in lines if x.endswith("}\n")]


@dataclass(frozen=True)
class Outcome:
    """A training whose coordinator, SuperLink and one site were ended in turn, at its end."""

    events: list[dict[str, object]]
    run: dict[str, object]
    server_lived: bool
    """Whether the coordinator outlived its SuperLink."""
    left: list[Path]
    """Weights and updates that are still kept for sending."""


def _wait_for(trained: Trained, run: str, event: str, round: int) -> None:
    limit = time.monotonic() + 240
    while not any((e["event"], e.get("round")) == (event, round) for e in _events(trained, run)):
        assert time.monotonic() < limit, f"no {event} of round {round}"
        time.sleep(0.02)


def _kill_coordinator(fed: Federation) -> None:
    server = fed.running[0]
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    fed.start_server()
    fed.running[0] = fed.running.pop()
    fed.wait_online(tuple(SITES))


def _kill_superlink(fed: Federation) -> None:
    server = fed.running[0]
    (link,) = (
        c for c in psutil.Process(server.pid).children() if "guarded_superlink" in c.cmdline()
    )
    link.kill()


def _end_and_start(fed: Federation, site: str) -> None:
    (client,) = (p for p in fed.running if str(fed.home(site)) in [*map(str, p.args)])  # type: ignore[arg-type]
    client.send_signal(signal.SIGINT)
    client.wait()
    fed.running.remove(client)
    fed.start(site)


@pytest.fixture(scope="module")
def outcome(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    fed = trained.fed
    plan = tmp_path_factory.mktemp("crash") / "killed.toml"
    plan.write_text(PLAN.replace('"small"', '"killed"').replace("count = 2", "count = 4"))
    run = str(fed.json("train", str(plan))["id"])
    _wait_for(trained, run, "done", 1)
    _kill_coordinator(fed)
    _wait_for(trained, run, "done", 2)
    _wait_for(trained, run, "round", 3)
    _kill_superlink(fed)
    _wait_for(trained, run, "done", 3)
    _wait_for(trained, run, "round", 4)
    _end_and_start(fed, SITE)
    fed.command("server", "watch", run)
    lived = fed.running[0].poll() is None
    fed.wait_online(tuple(SITES))
    ended = next(r for r in fed.json("runs") if r["id"] == run)
    left = [p for p in (fed.home("server") / "blobs").rglob("*") if p.is_file()]
    return Outcome(_events(trained, run), ended, lived, left)


def test_a_training_goes_on_after_its_coordinator_was_killed(outcome: Outcome) -> None:
    assert (outcome.run["status"], outcome.run["round"]) == ("completed", 4)
    done = [e["round"] for e in outcome.events if e["event"] == "done"]
    assert sorted({*done}) == [1, 2, 3, 4]
    assert len(done) <= 6  # a round under way when something was killed may be held again


def test_a_training_goes_on_after_its_superlink_was_killed(outcome: Outcome) -> None:
    assert outcome.server_lived
    assert any(e["event"] == "interrupted" for e in outcome.events)


def test_a_site_that_ends_in_mid_round_and_starts_again_is_in_the_round(outcome: Outcome) -> None:
    begins = [(e["event"], e.get("round")) for e in outcome.events].index(("round", 4))
    last = outcome.events[begins:]
    told = [e["event"] for e in last if e["event"] in ("lost", "again")]
    assert told in (["lost", "again"], [])  # none where its answer was out before it ended
    replied = {e["site"] for e in last if e["event"] == "reply"}
    assert replied == {"hospital-a", "hospital-b", "hospital-c"}


def test_a_training_that_went_on_ends_in_a_model_and_leaves_nothing_to_send(
    outcome: Outcome,
) -> None:
    assert str(outcome.run["model"]).startswith("killed-")
    assert not outcome.left
