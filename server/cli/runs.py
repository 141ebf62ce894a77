"""Start a training, and follow, stop and resume runs: train, runs, watch, stop, resume."""

import json
from pathlib import Path
from typing import Any

import click
from hepafed.common.console import command, say, say_json, table
from hepafed.server.cli.access import access_option, json_option, remote_of
from hepafed.server.cli.progress import started


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--watch", "watching", is_flag=True, help="Show the progress until the run ends.")
@json_option
@access_option
@click.pass_context
@command
def train(
    ctx: click.Context, plan: Path, watching: bool, as_json: bool, access: Path | None
) -> None:
    """Check a plan and start a training run.

    \b
    Example:
      server train plan.toml --watch
    """
    from hepafed.common.contract import read_plan
    from hepafed.common.records import write_record

    checked = read_plan(plan)
    remote = remote_of(ctx, access)
    run = remote.post("/api/train", plan=write_record(checked))
    started(remote, run, watching, as_json)


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
