"""The `server` command: the coordinator's verbs, and those of server/evaluator.py."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click
from hepafed.common.console import command, say, say_json, table
from hepafed.common.contract import ROLES
from hepafed.common.errors import RunError, UsageError
from hepafed.server.cli import evaluator
from hepafed.server.cli.access import access_option, json_option
from hepafed.server.cli.access import home_of as _home
from hepafed.server.cli.access import remote_of as _remote
from hepafed.server.cli.progress import started


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


@main.command()
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

    home = _home(ctx)
    expires = initialise(home, address, listen, datetime.now(UTC))
    say(f"wrote {home}: keys, server.toml, coordinator.access (keep it private)")
    say(f"the server certificate expires {expires:%Y-%m-%d}")
    say("next: server start")


@main.command()
@click.pass_context
@command
def renew(ctx: click.Context) -> None:
    """Make a new server certificate from the same CA; nothing changes for the sites.

    \b
    Example:
      server renew
    server start does it by itself when fewer than 60 days are left.
    """
    from hepafed.server.setup import renew as make_anew

    home = _home(ctx)
    expires = make_anew(home, datetime.now(UTC))
    say(f"wrote {home / 'keys' / 'server.pem'}; it expires {expires:%Y-%m-%d}")
    say("next: end server start and start it again, which then shows the new certificate")


@main.command()
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

    run_server(_home(ctx))


@main.command()
@click.argument("site")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may be asked.")
@click.option("--expires", default="72h", show_default=True, help="Life of the invite, e.g. 48h.")
@click.option("-o", "folder", type=click.Path(path_type=Path), default=Path(), help="Where to.")
@access_option
@click.pass_context
@command
def invite(
    ctx: click.Context, site: str, role: str, expires: str, folder: Path, access: Path | None
) -> None:
    """Write SITE.invite, the one file with which a site joins.

    \b
    Example:
      server invite hospital-a --role train --expires 48h
    """
    from hepafed.common.contract import Invite, plain_name, write_toml

    number = expires.removesuffix("h")
    if not number.replace(".", "", 1).isdigit():
        raise UsageError(f"--expires {expires!r} is not a number of hours", "e.g. 72h")
    remote = _remote(ctx, access)
    made = remote.post("/api/invites", site=plain_name(site), role=role, hours=float(number))
    path = folder / f"{site}.invite"
    write_toml(
        Invite(
            site=site,
            role=role,
            address=remote.access.address,
            token=made["token"],
            expires=made["expires"],
            ca=remote.access.ca,
        ),
        path,
        private=True,
    )
    say(f"wrote {path}; it works once, until {made['expires']}")
    say(f"next: give it to the site by a safe way; there: client join {path.name}")


@main.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["evaluator"]), required=True, help="What they may do.")
@click.option("-o", "folder", type=click.Path(path_type=Path), default=Path(), help="Where to.")
@access_option
@click.pass_context
@command
def grant(ctx: click.Context, name: str, role: str, folder: Path, access: Path | None) -> None:
    """Write an access file for somebody else.

    \b
    Example:
      server grant statistician --role evaluator
    """
    from hepafed.common.contract import Access, write_toml

    remote = _remote(ctx, access)
    made = remote.post("/api/grants", name=name, role=role)
    path = folder / f"{name}.access"
    own = remote.access
    write_toml(
        Access(name=name, role=role, address=own.address, token=made["token"], ca=own.ca),
        path,
        private=True,
    )
    if made["replaced"]:
        say(f"{name} had access before: the earlier file no longer opens anything")
    say(f"wrote {path}; with it: server models --access {path.name}")


@main.command()
@json_option
@access_option
@click.pass_context
@command
def sites(ctx: click.Context, as_json: bool, access: Path | None) -> None:
    """List the sites: role, enrolled or invited, online.

    \b
    Example:
      server sites --json
    """
    found = _remote(ctx, access).get("/api/sites")
    if as_json:
        say_json(json.dumps(found))
        return
    table(
        ("site", "role", "state", "online"),
        [(s["site"], s["role"], s["state"], "yes" if s["online"] else "no") for s in found],
    )


@main.command()
@click.option("--sites", default="", help="Only these, joined by commas; all by default.")
@json_option
@access_option
@click.pass_context
@command
def cohort(ctx: click.Context, sites: str, as_json: bool, access: Path | None) -> None:
    """Ask the sites what their cohorts look like, before any training.

    A site answers only if its policy says so (share_cohort_summary), and withholds small counts.

    \b
    Example:
      server cohort --sites hospital-a,hospital-b
    """
    from hepafed.server.cli.cohort_tables import survey_tables
    from hepafed.server.cli.progress import follow

    remote = _remote(ctx, access)
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


@main.command()
@click.option("-o", "output", type=click.Path(path_type=Path), default=Path("federation.roster"))
@access_option
@click.pass_context
@command
def roster(ctx: click.Context, output: Path, access: Path | None) -> None:
    """Write the fingerprint of every enrolled site, for the sites to compare.

    \b
    Example:
      server roster -o federation.roster
    """
    from hepafed.common.files import write_whole

    found = _remote(ctx, access).get("/api/sites")
    lines = [f"{s['site']} {s['fingerprint']}" for s in found if s["state"] == "enrolled"]
    write_whole(output, "\n".join(["# site and fingerprint (ssh-keygen -l)", *lines]) + "\n")
    say(f"wrote {output}: {len(lines)} sites")
    say(f"next: each site runs client peers --roster {output.name}")


@main.command()
@click.argument("site")
@access_option
@click.pass_context
@command
def revoke(ctx: click.Context, site: str, access: Path | None) -> None:
    """Shut a site out.

    \b
    Example:
      server revoke hospital-a
    """
    _remote(ctx, access).post(f"/api/sites/{site}/revoke")
    say(f"{site} is shut out; to let it back: server invite {site} --role …")


@main.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--watch", "watching", is_flag=True, help="Stay and show the progress.")
@json_option
@access_option
@click.pass_context
@command
def train(
    ctx: click.Context, plan: Path, watching: bool, as_json: bool, access: Path | None
) -> None:
    """Check a plan and start a training run.

    \b
    Example:
      server train plan.toml --watch
    """
    from hepafed.common.contract import read_plan
    from hepafed.common.records import write_record

    checked = read_plan(plan)
    remote = _remote(ctx, access)
    run = remote.post("/api/train", plan=write_record(checked))
    started(remote, run, watching, as_json)


@main.command()
@json_option
@access_option
@click.pass_context
@command
def runs(ctx: click.Context, as_json: bool, access: Path | None) -> None:
    """List the runs.

    \b
    Example:
      server runs
    """
    found = _remote(ctx, access).get("/api/runs")
    if as_json:
        say_json(json.dumps(found))
        return
    table(
        ("run", "kind", "status", "round", "model"),
        [(r["id"], r["kind"], r["status"], str(r["round"]), r["model"]) for r in found],
    )


@main.command()
@click.argument("run")
@access_option
@click.pass_context
@command
def watch(ctx: click.Context, run: str, access: Path | None) -> None:
    """Show a run's progress until it ends (Ctrl-C leaves the run alone).

    \b
    Example:
      server watch t2-1a2b3c
    """
    remote = _remote(ctx, access)
    started(remote, remote.get(f"/api/runs/{run}"), watching=True, as_json=False)


@main.command()
@click.argument("run")
@access_option
@click.pass_context
@command
def stop(ctx: click.Context, run: str, access: Path | None) -> None:
    """Stop a run before its next step.

    \b
    Example:
      server stop t2-1a2b3c
    """
    _remote(ctx, access).post(f"/api/runs/{run}/stop")
    say(f"{run} stops; to go on: server resume {run}")


@main.command()
@click.argument("run")
@access_option
@click.pass_context
@command
def resume(ctx: click.Context, run: str, access: Path | None) -> None:
    """Go on with a stopped or failed run at its last completed round.

    \b
    Example:
      server resume t2-1a2b3c
    """
    _remote(ctx, access).post(f"/api/runs/{run}/resume")
    say(f"{run} is queued; next: server watch {run}")


for verb in (evaluator.models, evaluator.validate, evaluator.report):
    main.add_command(verb)
