"""Where the site that a command speaks of keeps its files."""

from pathlib import Path

import click


def home_of(ctx: click.Context) -> Path:
    """Give the folder that --home, the environment or the platform names."""
    from hepafed.common.contract.config import home_folder

    return home_folder(ctx.find_root().obj["home"], "client")
