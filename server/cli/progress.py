"""Follow a run on the terminal: rounds, sites, loss, AUC, seconds."""

import json
import time
from typing import TYPE_CHECKING, Any

from hepafed.common.console import progress, say, say_json
from hepafed.common.errors import PayloadError, RunError
from hepafed.common.printable import printable
from hepafed.common.records import read_record
from hepafed.server.rehearsal import Rehearsal, sentences

if TYPE_CHECKING:
    from hepafed.server.cli.api_client import Remote

ENDED = ("completed", "failed", "stopped")
POLL_SECONDS = 0.5
MASKED = {
    "noisy-counts": "counts with noise",
    "counts": "score counts",
    "clusters": "lesions within patients",
    "pairs": "paired counts of the models",
    "pair-clusters": "patients common to the models",
    "tuning": "tuning counts",
}


def started(remote: "Remote", run: dict[str, Any], watching: bool, as_json: bool) -> None:
    """Print the result of a new run; with `watching`, follow it to its end first."""
    if watching:
        run = follow(remote, run["id"])
    if as_json:
        say_json(json.dumps({k: v for k, v in run.items() if k != "events"}))
    elif not watching:
        say(f"run {run['id']} is queued")
        if first := before(remote, run["id"]):
            say(queue_words(remote, first))
        say(f"next: server watch {run['id']}")
    elif run["status"] == "completed" and run.get("rehearsal"):
        for line in sentences(read_record(Rehearsal, run["rehearsal"], PayloadError)):
            say(printable(line))
        say("next: state training.epochs of 1 or more in the plan, then server train PLAN")
    elif run["status"] == "completed" and run["kind"] == "train":
        say(f"model {run['model']}")
        say(f"next: server validate {run['model']} --watch")
    if run["status"] == "failed":
        raise RunError(f"run {run['id']} failed: {run['error']}", run["hint"])


def follow(remote: "Remote", run: str) -> dict[str, Any]:
    """Print a run's events as they come, under a bar of its rounds; return the ended run.

    Raises
    ------
    RunError
        The person stopped the display with Ctrl-C; the run itself goes on.
    """
    events: list[dict[str, Any]] = []
    try:
        with progress() as display:
            bar = display.add_task(run, total=None)
            told = ""
            while True:
                values: dict[str, Any] = remote.get(f"/api/runs/{run}", since=str(len(events)))
                held = values.get("held", "")
                if held and held != told:
                    told = held
                    display.console.print(printable(f"waiting: {held}"), markup=False)
                first = before(remote, run) if values["status"] == "queued" else ""
                if first and first != told:
                    told = first
                    display.console.print(printable(queue_words(remote, first)), markup=False)
                for event in values["events"]:
                    if line := describe(event):
                        display.console.print(printable(line), markup=False)
                events += values["events"]
                total, done = _progress(values, events)
                display.update(bar, total=total, completed=done)
                if values["status"] in ENDED:
                    break
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        raise RunError(
            f"no longer watching; run {run} goes on",
            f"server watch {run} shows it again; server stop {run} ends it",
        ) from None
    say(f"run {run}: {values['status']}")
    return values


def before(remote: "Remote", run: str) -> str:
    """Return the run that is under way while another one is queued, "" for none."""
    begun = (r["id"] for r in remote.get("/api/runs") if r["status"] == "running")
    return next((name for name in begun if name != run), "")


def queue_words(remote: "Remote", first: str) -> str:
    """Say which run has to end before a queued one begins, and what is known of it last."""
    known = remote.get(f"/api/runs/{first}")
    said = [line.strip() for e in known["events"] if (line := describe(e))]
    last = f" Its last line: {said[-1]}" if said else ""
    return f"Queued: runs go one at a time, and {first} ({known['kind']}) goes before.{last}"


def _progress(run: dict[str, Any], events: list[dict[str, Any]]) -> tuple[int | None, int]:
    """Count a training in rounds, a validation in sites that were asked."""
    if run["kind"] == "train":
        return run["plan"]["rounds"]["count"], run["round"]
    asked = [len(e["sites"]) for e in events if e["event"] == "asked"]
    return (asked[-1] if asked else None), sum(e["event"] == "reply" for e in events)


def describe(event: dict[str, Any]) -> str:
    """Put one event into words; return "" for one that says nothing new to a person."""
    kind = event["event"]
    if kind == "waiting":
        return f"waiting for {event['quorum']} training sites; online: {len(event['online'])}"
    if kind == "absent":
        return f"waiting up to {event['seconds']:.0f} s for {', '.join(event['sites']) or 'a site'}"
    if kind == "preparing":
        return "making the initial weights"
    if kind == "weights":
        done = "; ".join(event["notes"]) or "every tensor fits"
        return f"starts from {event['file']} (SHA-256 {event['sha256'][:12]}): {done}"
    if kind == "round":
        return f"round {event['round']}: {', '.join(event['sites'])}"
    if kind == "reply" and "loss" in event:
        return (
            f"  {event['site']}: {event['examples']} examples{_steps(event)}{_loss(event)}, "
            f"{event['seconds']:.1f} s"
        )
    if kind == "reply" and "patients" not in event:
        return f"  {event['site']}: counts with noise"
    if kind == "reply":
        return f"  {event['site']}: {event['patients']} patients, {event['lesions']} lesions"
    if kind == "compared":
        return f"  {event['site']}: models compared on {event['patients']} patients"
    if kind == "tune":
        return f"last weights on the tuning patients: {', '.join(event['sites'])}"
    if kind == "waits":
        return _waits(event)
    if kind == "form":
        return _form(event)
    if kind == "lost":
        return f"  {event['site']}: {event['reason']}; it is asked again when it is back"
    if kind == "again":
        return f"  asked again: {', '.join(event['sites'])}"
    if kind == "missing":
        return f"  {event['site']}: {event['reason']}"
    if kind == "absence":
        return f"  WARNING: {event['text']}"
    if kind == "late":
        return f"  {event['text']}"
    if kind == "capped":
        return (
            f"  {event['site']}: its {event['examples']} examples count as {event['counted']}, "
            "the plan's largest share of one site"
        )
    if kind == "chosen":
        return f"  the weights are those of {event['site']}, nearest to the others (krum)"
    if kind == "forgotten":
        return f"tuning figures of sites that are no members any more: {', '.join(event['sites'])}"
    if kind == "room":
        return f"went on after a wait: {event['text']}"
    if kind == "damaged":
        return f"{event['file']} is missing or damaged: going on after round {event['round']}"
    if kind == "interrupted":
        return f"interrupted: {event['reason']}; the run continues at the last completed round"
    if kind == "judged":
        return f"  tuning AUC after round {event['round']}: {event['auc']:.3f}{_cases(event)}"
    if kind == "unjudged":
        return f"  weights after round {event['round']} are not judged: no tuning figures"
    if kind == "unsummed":
        names = ", ".join(event["sites"])
        return f"  no masked sum of the tuning counts of {names}: {event['reason']}"
    if kind == "heavy":
        return (
            f"  {event['site']}: has {event['lesions']} of the {event['of']} lesions of the masked "
            "sum, more than the plan's largest share of one site; in a sum they all count"
        )
    if kind == "done":
        return f"  round {event['round']} done in {event['seconds']:.1f} s{_loss(event)}"
    if kind == "asked":
        return f"asked {', '.join(event['sites'])}"
    if kind == "masking":
        words = MASKED.get(event["subject"], event["subject"])
        again = "" if event["attempt"] == 1 else f", attempt {event['attempt']}"
        return f"masked sum of {words}, sites {', '.join(event['sites'])}{again}"
    if kind == "aimed":
        return f"operating point: {event['rule']}, in place of {event['before']}"
    if kind == "frozen":
        if "placeholder" in event:
            return (
                f"Model saved: weights after round {event['round']}. WARNING: its decision "
                f"threshold was not chosen on patients; it is {event['placeholder']}."
            )
        locked = f"Decision threshold locked at {event['threshold']:.3f}{_patients(event)}."
        return f"Model saved: weights after round {event['round']}. {locked}"
    return ""


def _form(event: dict[str, Any]) -> str:
    """Return in which form a site's score counts came, and why in no better one."""
    words = {
        "masked": f"in a masked sum of {', '.join(event['sites'])}",
        "cells": f"in cells of at least {event['minimum']}",
        "plain": "in fine bins",
        "withheld": "withheld",
    }
    why = f" ({event['reason']})" if event["reason"] else ""
    return f"  {event['site']}: score counts {words.get(event['form'], event['form'])}{why}"


def _waits(event: dict[str, Any]) -> str:
    """Return what waits for a person at a site, and what that person types."""
    study = event.get("study", "")
    command = f"client allow --study {study}" if study else "client pending, then client allow"
    thing = f"{event['thing']} " if event.get("thing") else ""
    of = f"{thing}of the study {study} " if study else thing
    return f"  {event['site']}: {of}waits for a person there, who types: {command}"


def _cases(event: dict[str, Any]) -> str:
    """Return on whom a tuning AUC was computed; "" for an event of 0.1.0."""
    if "lesions" not in event:
        return ""
    names = ", ".join(event["sites"])
    return f" (standard error {event['se']:.3f}; {event['lesions']} lesions of {names})"


def _patients(event: dict[str, Any]) -> str:
    """Return on whom a threshold was chosen; "" for an event of 0.1.0 or a placeholder."""
    positives, negatives = event.get("positives", 0), event.get("negatives", 0)
    if not positives + negatives:
        return ""
    return f", chosen on {positives} malignant and {negatives} benign tuning patients"


def _steps(event: dict[str, Any]) -> str:
    """Return how many steps a site took, where the plan counts them."""
    if "steps" not in event:
        return ""
    return f", {event['steps']} of {event['planned']} steps"


def _loss(event: dict[str, Any]) -> str:
    return "" if event["loss"] is None else f", loss {event['loss']:.3f}"
