"""Where a site keeps its files, and who may use them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from hepafed.common.errors import ConfigError


def home_of(ctx: click.Context) -> Path:
    """Give the folder that --home, the environment or the platform names."""
    from hepafed.common.contract import home_folder

    return home_folder(ctx.find_root().obj["home"], "client")


@contextmanager
def sole_use(home: Path) -> Iterator[None]:
    """Hold the lock of `client start`; ConfigError while one runs in `home`."""
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"a client runs in {home} already", "stop it first") from None
        yield
