"""What every command of `server` shares: its home, its access file, two options."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hepafed.server.cli.api_client import Remote

ACCESS = "HEPAFED_ACCESS"
"""The environment variable that names an evaluator's access file."""


def home_of(ctx: click.Context) -> Path:
    """Return the folder named with --home, or the default one."""
    from hepafed.common.contract import home_folder

    return home_folder(ctx.find_root().obj["home"], "server")


def access_of_environment() -> Path | None:
    """Return the access file that $HEPAFED_ACCESS names, if it is set."""
    named = os.environ.get(ACCESS)
    return Path(named) if named else None


def remote_of(ctx: click.Context, access: Path | None) -> "Remote":
    """Open the coordinator's API with the access file that was named, or the coordinator's own.

    --access names it, else --home, whose coordinator's it is, else $HEPAFED_ACCESS.
    """
    from hepafed.server.cli.api_client import Remote

    if access is None and ctx.find_root().obj["home"] is None:
        access = access_of_environment()
    return Remote(access or home_of(ctx) / "coordinator.access")


access_option = click.option(
    "--access",
    type=click.Path(path_type=Path),
    help=f"Access file; default: ${ACCESS}, or the coordinator's.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
