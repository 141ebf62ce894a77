"""The `client` command: what a site's IT types, with the verbs of client/data.py."""

import json
from pathlib import Path

import click
from hepafed.client.cli import data
from hepafed.client.home import home_of
from hepafed.common.console import command, complain, say, say_json, table
from hepafed.common.errors import UsageError


@click.group()
@click.option("--home", type=click.Path(path_type=Path), help="The site's folder.")
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="hepafed")
@click.pass_context
def main(ctx: click.Context, home: Path | None, debug: bool) -> None:
    """Take part in federated learning without moving a patient's data.

    \b
    Example:
      client inspect /export
      client join hospital-a.invite
      client ingest --dicom /export --labels labels.csv
      client start
    """
    ctx.obj = {"home": home, "debug": debug}


@main.command()
@click.argument("invite", type=click.Path(path_type=Path))
@click.pass_context
@command
def join(ctx: click.Context, invite: Path) -> None:
    """Make keys here, enrol with the invite, write site.toml.

    \b
    Example:
      client join hospital-a.invite
    """
    from hepafed.client.membership import CLOCK_HINT, clock_fault
    from hepafed.client.membership import join as enrol

    home = home_of(ctx)
    joined = enrol(home, invite)
    config = joined.config
    say(f"joined as {config.site} (role {config.role}); keys and site.toml in {home}")
    if fault := clock_fault(joined.ahead):
        complain(f"{fault}, so it will not come online", CLOCK_HINT)
    say("next: client ingest --dicom DIR --labels labels.csv")


@main.command()
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


@main.command()
@click.option("--verify", is_flag=True, help="Check the hash chain and the kept texts.")
@click.option(
    "--show",
    metavar="ENTRY",
    default="",
    help="Print a kept message: its number here, or 8 or more digits of its SHA-256.",
)
@click.option("--since", default="", help="Only from this UTC time on (ISO 8601).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def ledger(ctx: click.Context, verify: bool, show: str, since: str, as_json: bool) -> None:
    """Show what left the building, and what each message said.

    Of messages the text is kept. Updates and counts are not: the ledger has their length and
    hash alone.

    \b
    Example:
      client ledger --show 12
      client ledger --verify
    """
    from hepafed.client.release import Ledger

    home = home_of(ctx)
    book = Ledger(home)
    if verify:
        count, entries = book.verify(), book.entries()
        kept, torn = (sum(key in e for e in entries) for key in ("kept", "unfinished"))
        say(f"{count} entries, the chain holds; {kept} kept texts are those that left")
        if torn:
            say(f"{torn} lines were torn by a crash and cut off; what they announced never left")
        return
    if show:
        say_json(book.show(show))
        return
    entries = [{"entry": n, **e} for n, e in enumerate(book.entries(), 1) if e["at"] >= since]
    if as_json:
        say_json(json.dumps(entries))
        return
    columns = ("entry", "at", "kind", "run", "bytes", "sha256", "text")
    rows = [
        (
            str(e["entry"]),
            e["at"][:19],
            e["kind"],
            e["run"],
            str(e["bytes"]),
            e["sha256"][:12],
            "kept" if e.get("kept") else "hash only",
        )
        for e in entries
    ]
    table(columns, rows)
    say(f"updates and counts are not kept; the texts of messages are, in {home / 'sent'}")
    say("next: client ledger --show ENTRY")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.pass_context
@command
def remove(ctx: click.Context, file: Path) -> None:
    """Take out patients who withdrew their consent.

    FILE has one patient_id a line; `-` reads them from standard input (a command line is no place
    for them). Their lesions, acquisitions, splits and crops leave the cohort store, their rows the
    kept score tables. The site guide says what cannot be undone.

    \b
    Example:
      client remove withdrawn.txt
    """
    from hepafed.client.remove import read_ids
    from hepafed.client.remove import remove as take_out

    done = take_out(home_of(ctx), read_ids(file))
    say(
        f"removed: {done.patients} patients, {done.lesions} lesions; "
        f"unknown here: {done.unknown} ids"
    )
    say(
        f"also: their rows of {done.tables} score tables, {done.pages} review pages, "
        f"{done.files} fetched files"
    )
    if done.patients:
        say("not undone: models already trained, what already left, and files of your own")
        say("models validated here before may be refused from now on: the cohort has changed")
        say("next: take them out of the labels table and the export, or an ingest takes them in")
    else:
        say("next: compare the ids with the labels table; ids are taken as they stand there")


@main.command()
@click.option("--confirm", nargs=2, metavar="SITE FINGERPRINT", help="Vouch for an identity.")
@click.option("--roster", type=click.Path(path_type=Path), help="Vouch for a file of them.")
@click.option("--forget", metavar="SITE", help="Drop a pinned identity.")
@click.option(
    "--new-group",
    is_flag=True,
    help="Forget with whom, in which form and over which lesions scores left.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def peers(
    ctx: click.Context,
    confirm: tuple[str, str] | None,
    roster: Path | None,
    forget: str | None,
    new_group: bool,
    as_json: bool,
) -> None:
    """Show and vouch for the other sites' identities, whose keys masked sums use.

    \b
    Example:
      client peers
      client peers --roster federation.roster
      client peers --confirm hospital-b SHA256:dDqJdr2NQ78Pu4Tr66ALSilKnYGse/chSFbVn3+QyoI
    """
    from datetime import UTC, datetime

    from hepafed.client.release import Exchanges, Peers, Released, own_fingerprint, read_roster
    from hepafed.common.records import write_record

    home = home_of(ctx)
    site, own = own_fingerprint(home)
    book, now = Peers(home), datetime.now(UTC)
    if confirm is not None:
        book.confirm({confirm[0]: confirm[1]}, now)
    if roster is not None:
        listed = read_roster(roster)
        if listed.pop(site, own) != own:
            raise UsageError(
                "the roster holds another fingerprint for this site than its own key has",
                "it is not this federation's roster, or somebody changed it",
            )
        book.confirm(listed, now)
    if forget is not None:
        book.forget(forget)
    if new_group:
        Exchanges(home).new_group()
        Released(home).forget()
        say("the next answers may be over other sites or lesions; subtracted from earlier ones")
        say("they can show what a single site put in, or a few patients")
    found = [write_record(p) for _, p in sorted(book.all().items())]
    if as_json:
        say_json(json.dumps({"site": site, "fingerprint": own, "peers": found}))
        return
    say(f"{site} (this site): {own}")
    columns = ("site", "fingerprint", "trust", "since")
    table(columns, [tuple(p[c] for c in columns) for p in found])


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def check(ctx: click.Context, as_json: bool) -> None:
    """Look at all that this site needs: server, clock, disk, GPU, cohort. Exit 1 if a line fails.

    \b
    Example:
      client check
    It changes nothing, and works before ingest and while client start runs.
    """
    from dataclasses import asdict

    from hepafed.client.membership import FAIL
    from hepafed.client.membership import check as look

    lines = look(home_of(ctx))
    failed = [line for line in lines if line.state == FAIL]
    if as_json:
        found = {"passed": not failed, "lines": [asdict(line) for line in lines]}
        say_json(json.dumps({"schema": "hepafed.check/1", **found}))
    else:
        for line in lines:
            say(f"{line.state:4}  {line.name:11}  {line.found}")
            if line.hint:
                say(f"      {'':11}  hint: {line.hint}")
        say(f"{len(failed)} of {len(lines)} fail" if failed else "next: client start")
    raise SystemExit(1 if failed else 0)


@main.command()
@click.option("--offline", is_flag=True, help="Do not tell the coordinator: it cannot be reached.")
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
    say(f"removed keys, flower and site.toml (with its policy) from {home}; the rest stays")
    say("next, only to come back: client join with a new invite")


for verb in (data.inspect, data.ingest, data.cohort, data.review):
    main.add_command(verb)
