"""Follow a run on the terminal: rounds, sites, loss, AUC, seconds."""

import time
from typing import TYPE_CHECKING, Any

from hepafed.common.console import progress, say

if TYPE_CHECKING:
    from hepafed.server.remote import Remote

ENDED = ("completed", "failed", "stopped")
POLL_SECONDS = 0.5


def follow(remote: "Remote", run: str) -> dict[str, Any]:
    """Print a run's events as they come, under a bar of its rounds; returns the ended run."""
    events: list[dict[str, Any]] = []
    with progress() as display:
        bar = display.add_task(run, total=None)
        while True:
            values: dict[str, Any] = remote.get(f"/api/runs/{run}", since=str(len(events)))
            for event in values["events"]:
                if line := describe(event):
                    display.console.print(line, markup=False)
            events += values["events"]
            total, done = _progress(values, events)
            display.update(bar, total=total, completed=done)
            if values["status"] in ENDED:
                break
            time.sleep(POLL_SECONDS)
    say(f"run {run}: {values['status']}")
    return values


def _progress(run: dict[str, Any], events: list[dict[str, Any]]) -> tuple[int | None, int]:
    """Count a training in rounds, a validation in sites that were asked."""
    if run["kind"] == "train":
        return run["plan"]["rounds"]["count"], run["round"]
    asked = [len(e["sites"]) for e in events if e["event"] == "asked"]
    return (asked[-1] if asked else None), sum(e["event"] == "reply" for e in events)


def describe(event: dict[str, Any]) -> str:
    """Put one event into words; "" for one that says nothing new to a person."""
    kind = event["event"]
    if kind == "waiting":
        return f"waiting for {event['quorum']} training sites; online: {len(event['online'])}"
    if kind == "preparing":
        return "making the initial weights"
    if kind == "round":
        return f"round {event['round']}: {', '.join(event['sites'])}"
    if kind == "reply" and "loss" in event:
        return (
            f"  {event['site']}: {event['examples']} examples{_loss(event)}, "
            f"{event['seconds']:.1f} s"
        )
    if kind == "reply":
        return f"  {event['site']}: {event['patients']} patients, {event['lesions']} lesions"
    if kind == "missing":
        return f"  {event['site']}: {event['reason']}"
    if kind == "judged":
        return f"  tuning AUC after round {event['round']}: {event['auc']:.3f}"
    if kind == "done":
        return f"  round {event['round']} done in {event['seconds']:.1f} s{_loss(event)}"
    if kind == "asked":
        return f"asked {', '.join(event['sites'])}"
    if kind == "masking":
        words = "a masked sum" if event["attempt"] == 1 else f"attempt {event['attempt']}"
        return f"{words} over {', '.join(event['sites'])}"
    if kind == "frozen":
        return f"best weights of round {event['round']}, threshold {event['threshold']:.3f} locked"
    return ""


def _loss(event: dict[str, Any]) -> str:
    return "" if event["loss"] is None else f", loss {event['loss']:.3f}"
