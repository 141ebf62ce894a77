"""What the sites' cohorts look like: cohort."""

import json
from pathlib import Path

import click
from hepafed.common.console import command, say_json, table
from hepafed.common.errors import RunError
from hepafed.server.cli.access import access_option, json_option, remote_of


@click.command()
@click.option("--sites", default="", help="Sites to ask, separated by commas; default: all.")
@json_option
@access_option
@click.pass_context
@command
def cohort(ctx: click.Context, sites: str, as_json: bool, access: Path | None) -> None:
    """Ask the sites for a summary of their cohorts, before any training.

    A site answers only if its policy allows it (share_cohort_summary), and withholds small counts.

    \b
    Example:
      server cohort --sites hospital-a,hospital-b
    """
    from hepafed.server.cli.cohort_tables import survey_tables
    from hepafed.server.cli.progress import follow

    remote = remote_of(ctx, access)
    run = remote.post("/api/cohort", sites=[s for s in sites.split(",") if s])
    run = follow(remote, run["id"])
    if run["status"] == "failed":
        raise RunError(f"run {run['id']} failed: {run['error']}", run["hint"])
    found = remote.get(f"/api/runs/{run['id']}/cohort")
    if as_json:
        say_json(json.dumps(found))
        return
    for columns, rows in survey_tables(found):
        table(columns, rows)
