"""Sites and people: invite, grant, sites, roster, revoke."""

import json
from pathlib import Path
from typing import Any

import click
from hepafed.common.console import command, say, say_block, say_json, table
from hepafed.common.contract import ROLES
from hepafed.common.errors import UsageError
from hepafed.server.cli.access import access_option, json_option, remote_of


@click.command()
@click.argument("site")
@click.option(
    "--role", type=click.Choice(ROLES), required=True, help="What the site may be asked to do."
)
@click.option(
    "--expires", default="72h", show_default=True, help="How long the invite is valid, e.g. 48h."
)
@click.option(
    "-o", "folder", type=click.Path(path_type=Path), default=Path(), help="Folder to write to."
)
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
    remote = remote_of(ctx, access)
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
    say(f"wrote {path}; valid for one join, until {made['expires']}")
    say(
        "next: send it to the site securely (as you would a password); there: client join "
        f"{path.name}"
    )


@click.command()
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["evaluator"]), required=True, help="What this person may do."
)
@click.option(
    "-o", "folder", type=click.Path(path_type=Path), default=Path(), help="Folder to write to."
)
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

    remote = remote_of(ctx, access)
    made = remote.post("/api/grants", name=name, role=role)
    path = folder / f"{name}.access"
    own = remote.access
    write_toml(
        Access(name=name, role=role, address=own.address, token=made["token"], ca=own.ca),
        path,
        private=True,
    )
    if made["replaced"]:
        say(f"{name}'s earlier access file was cancelled; only this new one works.")
    say(f"wrote {path}; with it: server models --access {path.name}")


@click.command()
@json_option
@access_option
@click.pass_context
@command
def sites(ctx: click.Context, as_json: bool, access: Path | None) -> None:
    """List the sites: role, enrolled or invited, online, the last entry of the ledger, its gaps.

    The coordinator keeps and countersigns the head of each site's ledger that comes with a
    message (folder ledgers/): the ledger cannot be rewritten later without a trace. A gap is what a
    person at the site acknowledged as missing; it stays in this list.

    \b
    Example:
      server sites --json
    """
    found = remote_of(ctx, access).get("/api/sites")
    if as_json:
        say_json(json.dumps(found))
        return
    table(
        ("site", "role", "state", "online", "ledger"),
        [
            (s["site"], s["role"], s["state"], "yes" if s["online"] else "no", _ledger(s["ledger"]))
            for s in found
        ],
    )
    for lines in said_of_sites(found):
        say_block(*lines)


def said_of_sites(sites: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return two lines for each site with two clients at once, and for each gap in a ledger."""
    doubled = [
        (
            f"{s['site']}: {len(s['clients'])} clients use its key at once",
            f"since {' and '.join(t[:16].replace('T', ' ') for t in s['clients'])} UTC. One of "
            "them must be stopped. If the site started only one, its key was copied: server "
            f"revoke {s['site']}",
        )
        for s in sites
        if s.get("clients")
    ]
    return doubled + [
        (
            f"{s['site']}: entry {gap['entry']} and what belonged to it is missing in its ledger",
            f"acknowledged on {gap['at'][:10]}: {gap['reason']}",
        )
        for s in sites
        for gap in (s["ledger"] or {}).get("gaps", ())
    ]


def _ledger(seen: dict[str, Any] | None) -> str:
    """Return the last entry of a site's ledger in words."""
    if seen is None:
        return "no entry seen"
    number = len(seen["gaps"])
    gap = f", {number} gap{'s' if number > 1 else ''}" if number else ""
    return f"entry {seen['entry']}, {seen['at'][:10]}{gap}"


@click.command()
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

    found = remote_of(ctx, access).get("/api/sites")
    lines = [f"{s['site']} {s['fingerprint']}" for s in found if s["state"] == "enrolled"]
    write_whole(output, "\n".join(["# site and fingerprint (ssh-keygen -l)", *lines]) + "\n")
    say(f"wrote {output}: {len(lines)} sites")
    say(f"next: each site runs client peers --roster {output.name}")


@click.command()
@click.argument("site")
@access_option
@click.pass_context
@command
def revoke(ctx: click.Context, site: str, access: Path | None) -> None:
    """Revoke a site's access.

    \b
    Example:
      server revoke hospital-a
    """
    remote_of(ctx, access).post(f"/api/sites/{site}/revoke")
    say(f"{site}'s access was revoked. To readmit it: server invite {site} --role ROLE")
