"""The verbs of a site's membership: join, check, start, leave."""

from pathlib import Path

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, complain, say, say_checked


@click.command()
@click.argument("invite", type=click.Path(path_type=Path))
@click.option(
    "--proxy-ca",
    type=click.Path(path_type=Path),
    help="PEM file of the authority of a proxy that decrypts TLS; the proxy can then read "
    "what this site sends.",
)
@click.pass_context
@command
def join(ctx: click.Context, invite: Path, proxy_ca: Path | None) -> None:
    """Make keys on this machine, enrol with the invite and write site.toml.

    \b
    Example:
      client join hospital-a.invite
    A proxy is taken from HTTPS_PROXY and NO_PROXY, as other programs do.
    """
    from hepafed.client.membership import CLOCK_HINT, clock_fault
    from hepafed.client.membership import join as enrol

    home = home_of(ctx)
    joined = enrol(home, invite, proxy_ca)
    config = joined.config
    say(f"joined as {config.site} (role {config.role}); keys and site.toml in {home}")
    if fault := clock_fault(joined.ahead):
        complain(f"{fault}, so this site will not come online", CLOCK_HINT)
    say("next: client ingest --dicom DIR --labels labels.csv")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def check(ctx: click.Context, as_json: bool) -> None:
    """Check everything this site needs: server, clock, disk, GPU, cohort. Exit 1 if a line fails.

    \b
    Example:
      client check
    It changes nothing, and works before ingest and while client start runs.
    """
    from hepafed.client.membership import check as look

    passed = say_checked(look(home_of(ctx)), "client start", as_json=as_json)
    raise SystemExit(0 if passed else 1)


@click.command()
@click.pass_context
@command
def start(ctx: click.Context) -> None:
    """Run the site in the foreground: SuperNode and worker, supervised.

    \b
    Example:
      client start
    """
    from hepafed.client.worker import run_site

    run_site(home_of(ctx))


@click.command()
@click.option(
    "--offline", is_flag=True, help="Do not tell the coordinator, because it cannot be reached."
)
@click.pass_context
@command
def leave(ctx: click.Context, offline: bool) -> None:
    """End this site's membership and remove its keys; cohort and ledger stay.

    \b
    Example:
      client leave
    To come back: client join with a new invite, in the same home.
    """
    from hepafed.client.membership import leave as end

    home = home_of(ctx)
    for line in end(home, offline=offline):
        say(line)
    say(f"removed keys, flower and site.toml (with its policy) from {home}; the rest is kept")
    say("next, only to come back: client join with a new invite")
