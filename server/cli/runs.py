"""Start a training, and follow, stop and resume runs: train, runs, watch, stop, resume."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from hepafed.common.console import (
    FAIL,
    PASS,
    CheckLine,
    command,
    say,
    say_checked,
    say_json,
    table,
)
from hepafed.common.errors import UsageError
from hepafed.server.cli.access import access_option, json_option, remote_of
from hepafed.server.cli.progress import started

if TYPE_CHECKING:
    from hepafed.server.cli.api_client import Remote

WEIGHTS_SECONDS = 1000.0
"""How long the coordinator may look at a file of weights."""
PLAN_HINT = "correct the plan's file; its keys are in docs/coordinator-guide.md, 'Plans'"
LINES_OF = {
    "quorum": frozenset(("rounds", "rounds.quorum")),
    "protocol": frozenset(("protocol", "data", "data.missing", "rounds.quorum")),
    "batch": frozenset(("training", "training.batch", "training.epochs", "model.freeze_norm")),
    "weights": frozenset(("model", "model.weights", "protocol", "seed")),
    "time": frozenset(("protocol", "training", "rounds", "rounds.count", "model.size")),
    "bytes": frozenset(("protocol", "rounds", "rounds.count", "rounds.strategy")),
    "disk": frozenset(("protocol", "rounds", "rounds.strategy", "rounds.average")),
}
"""Keys of a plan on which a line of the coordinator rests."""


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--check", "checking", is_flag=True, help="Say all that hinders the run, and start nothing."
)
@click.option("--watch", "watching", is_flag=True, help="Show the progress until the run ends.")
@json_option
@access_option
@click.pass_context
@command
def train(
    ctx: click.Context,
    plan: Path,
    checking: bool,
    watching: bool,
    as_json: bool,
    access: Path | None,
) -> None:
    """Check a plan and start a training run.

    \b
    Example:
      server train plan.toml --check
      server train plan.toml --watch
    --check names every error at once and estimates hours and bytes; it ends
    with exit code 1 if the run cannot start. model.weights is a file at the
    coordinator; a relative path is from the plan's folder.

    \b
    rounds.strategy: fedavg first; then, for a reason,
      fednova                unequal numbers of images, or slow sites
      fedprox, scaffold      many local steps, and sites with other cases
      fedavgm                figures that jump from round to round
      fedadam, fedyogi       slow progress over many rounds
      fedbn, silobn          scanners that differ much
      median, trimmed-mean, krum   a site that may be faulty or hostile
    docs/coordinator-guide.md, "Which strategy", says what each one needs.
    """
    from hepafed.common.contract import from_its_folder, read_plan
    from hepafed.common.records import write_record

    if checking and watching:
        raise UsageError("--check starts no run that --watch could show", "give one of them")
    if checking:
        lines = looked_at(plan, remote_of(ctx, access))
        passed = say_checked(lines, f"server train {plan} --watch", as_json=as_json)
        raise SystemExit(0 if passed else 1)
    checked = from_its_folder(read_plan(plan), plan)
    remote = remote_of(ctx, access)
    run = remote.post_long("/api/train", WEIGHTS_SECONDS, plan=write_record(checked))
    started(remote, run, watching, as_json)


def looked_at(file: Path, remote: "Remote") -> list[CheckLine]:
    """Return a line for each error in a plan's file, and what the coordinator says of the rest.

    Of a key that is wrong the coordinator says nothing that counts.
    """
    from hepafed.common.contract import from_its_folder, plan_problems, read_values, study_of
    from hepafed.common.records import write_record

    plan, problems = plan_problems(read_values(file))
    lines = [CheckLine("plan", FAIL, p.text, p.hint or PLAN_HINT) for p in problems]
    lines = lines or [CheckLine("plan", PASS, f"{plan.name}, study {study_of(plan)}")]
    body = write_record(from_its_folder(plan, file))
    answer = remote.post_long("/api/train/check", WEIGHTS_SECONDS, plan=body)
    wrong = {p.key for p in problems}
    return lines + [
        CheckLine(**{k: str(v) for k, v in found.items()})
        for found in answer["lines"]
        if not wrong & LINES_OF.get(str(found["name"]), frozenset())
    ]


@click.command()
@json_option
@access_option
@click.pass_context
@command
def runs(ctx: click.Context, as_json: bool, access: Path | None) -> None:
    """List the runs.

    \b
    Example:
      server runs
    """
    found = remote_of(ctx, access).get("/api/runs")
    if as_json:
        say_json(json.dumps(found))
        return
    table(
        ("run", "kind", "status", "round", "model"),
        [(r["id"], r["kind"], r["status"], str(r["round"]), _made(r)) for r in found],
    )


def _made(run: dict[str, Any]) -> str:
    """Return what a run made: a model, or of a rehearsal how long a round takes."""
    found = run.get("rehearsal")
    return f"rehearsal: {found['seconds']:.1f} s a round" if found else str(run["model"])


@click.command()
@click.argument("run")
@access_option
@click.pass_context
@command
def watch(ctx: click.Context, run: str, access: Path | None) -> None:
    """Show a run's progress until it ends (Ctrl-C ends only the display).

    \b
    Example:
      server watch t2-1a2b3c
    """
    remote = remote_of(ctx, access)
    started(remote, remote.get(f"/api/runs/{run}"), watching=True, as_json=False)


@click.command()
@click.argument("run")
@access_option
@click.pass_context
@command
def stop(ctx: click.Context, run: str, access: Path | None) -> None:
    """Stop a run now; work of the round in progress is discarded.

    \b
    Example:
      server stop t2-1a2b3c
    """
    remote_of(ctx, access).post(f"/api/runs/{run}/stop")
    say(f"{run} stops. To continue it: server resume {run}")


@click.command()
@click.argument("run")
@click.option(
    "--operating-point",
    "rule",
    default="",
    help="Rule in place of the plan's own, where its aim was not reached: youden, or for example "
    "'sensitivity >= 0.9'.",
)
@access_option
@click.pass_context
@command
def resume(ctx: click.Context, run: str, rule: str, access: Path | None) -> None:
    """Continue a stopped or failed run after its last completed round.

    \b
    Example:
      server resume t2-1a2b3c
    """
    values = {"operating_point": {"rule": rule}} if rule else {}
    remote_of(ctx, access).post(f"/api/runs/{run}/resume", **values)
    say(f"{run} is queued; next: server watch {run}")
