"""The `server` command: what coordinators and evaluators type."""

from pathlib import Path

import click
from hepafed.server.cli import cohort, members, models, report, runs, setup, validation


@click.group()
@click.option("--home", type=click.Path(path_type=Path), help="The server's folder.")
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="hepafed")
@click.pass_context
def main(ctx: click.Context, home: Path | None, debug: bool) -> None:
    """Coordinate federated learning for liver-tumour diagnosis on MRI.

    \b
    Example:
      server init --address fl.example.org:8443
      server start
      server invite hospital-a --role train
      server train plan.toml --watch
    """
    ctx.obj = {"home": home, "debug": debug}


for verb in (
    *(setup.init, setup.check, setup.renew, setup.start),
    *(members.invite, members.grant, members.sites, members.roster, members.revoke),
    *(cohort.cohort, validation.validate, report.report),
    *(models.models, models.import_weights),
    *(runs.train, runs.runs, runs.watch, runs.stop, runs.resume),
):
    main.add_command(verb)
