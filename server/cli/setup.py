"""Set a coordinator up and run it: init, check, renew, start."""

from datetime import UTC, datetime

import click
from hepafed.common.console import command, say, say_checked
from hepafed.server.cli.access import home_of, json_option


@click.command()
@click.option("--address", required=True, metavar="HOST:PORT", help="What sites will reach.")
@click.option("--listen", default="0.0.0.0", show_default=True, help="Interface to bind.")  # noqa: S104
@click.pass_context
@command
def init(ctx: click.Context, address: str, listen: str) -> None:
    """Make the coordinator's CA, certificate, server.toml and access file.

    \b
    Example:
      server init --address fl.example.org:8443
    """
    from hepafed.server.setup import initialise

    home = home_of(ctx)
    expires = initialise(home, address, listen, datetime.now(UTC))
    say(f"wrote {home}: keys, server.toml, coordinator.access (keep it private)")
    say(f"the server certificate expires {expires:%Y-%m-%d}")
    say("next: server start")


@click.command()
@click.pass_context
@command
def renew(ctx: click.Context) -> None:
    """Make a new server certificate from the same CA; nothing changes for the sites.

    \b
    Example:
      server renew
    server start does this automatically when fewer than 60 days are left.
    """
    from hepafed.server.setup import renew as make_anew

    home = home_of(ctx)
    expires = make_anew(home, datetime.now(UTC))
    say(f"wrote {home / 'keys' / 'server.pem'}; it expires {expires:%Y-%m-%d}")
    say("next: stop server start and run it again, so that it uses the new certificate")


@click.command()
@json_option
@click.pass_context
@command
def check(ctx: click.Context, as_json: bool) -> None:
    """Check the home: disk, certificates, clock, port, every file. Exit 1 if a line fails.

    \b
    Example:
      server check
    It changes nothing, and works while server start runs.
    """
    from hepafed.server.preflight import check as look

    passed = say_checked(look(home_of(ctx)), "server start", as_json=as_json)
    raise SystemExit(0 if passed else 1)


@click.command()
@click.pass_context
@command
def start(ctx: click.Context) -> None:
    """Run the coordinator in the foreground: gateway, SuperLink, runs.

    \b
    Example:
      server start
    After a crash the next start resumes unfinished runs at their last completed round.
    """
    from hepafed.server.start import run_server

    run_server(home_of(ctx))
