"""What every command of `server` shares: its home, its access file, two options."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hepafed.server.cli.api_client import Remote


def home_of(ctx: click.Context) -> Path:
    """Return the folder named with --home, or the default one."""
    from hepafed.common.contract import home_folder

    return home_folder(ctx.find_root().obj["home"], "server")


def remote_of(ctx: click.Context, access: Path | None) -> "Remote":
    """Open the coordinator's API with an access file; the coordinator's own by default."""
    from hepafed.server.cli.api_client import Remote

    return Remote(access or home_of(ctx) / "coordinator.access")


access_option = click.option(
    "--access", type=click.Path(path_type=Path), help="Access file; the coordinator's by default."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
