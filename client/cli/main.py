"""The `client` command: its options, and the verbs of the other files."""

from pathlib import Path

import click
from hepafed.client.cli.cohort import cohort, remove, review
from hepafed.client.cli.ingest import ingest, inspect
from hepafed.client.cli.membership import check, join, leave, start
from hepafed.client.cli.permissions import allow, pending, permissions, withdraw
from hepafed.client.cli.questions import questions
from hepafed.client.cli.release import ledger, peers


@click.group()
@click.option("--home", type=click.Path(path_type=Path), help="The site's folder.")
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="hepafed")
@click.pass_context
def main(ctx: click.Context, home: Path | None, debug: bool) -> None:
    """Take part in federated learning without moving a patient's data.

    \b
    Example:
      client inspect /export
      client join hospital-a.invite
      client ingest --dicom /export --labels labels.csv
      client allow --study liver-mri
      client start
    """
    ctx.obj = {"home": home, "debug": debug}


for verb in (
    allow,
    check,
    cohort,
    ingest,
    inspect,
    join,
    leave,
    ledger,
    peers,
    pending,
    permissions,
    questions,
    remove,
    review,
    start,
    withdraw,
):
    main.add_command(verb)
