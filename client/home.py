"""The folder where a site keeps its files, and the lock of the one who uses it."""

from contextlib import AbstractContextManager
from pathlib import Path

import click
from hepafed.common.errors import ConfigError
from hepafed.common.locks import sole_holder


def home_of(ctx: click.Context) -> Path:
    """Return the folder that --home, the environment or the platform names."""
    from hepafed.common.contract import home_folder

    return home_folder(ctx.find_root().obj["home"], "client")


def sole_use(home: Path) -> AbstractContextManager[None]:
    """Hold the lock of `client start`; entering raises ConfigError while one runs in `home`."""
    taken = ConfigError(f"a client is running in {home} already", "stop it first")
    return sole_holder(home / "lock", taken)
