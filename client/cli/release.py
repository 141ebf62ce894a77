"""The verbs of what leaves a site: ledger, peers."""

import json
from pathlib import Path
from typing import Any

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, say, say_json, table
from hepafed.common.errors import UsageError


@click.command()
@click.option("--verify", is_flag=True, help="Check the hash chain and the stored texts.")
@click.option(
    "--show",
    metavar="ENTRY",
    default="",
    help="Print a stored message: its number here, or 8 or more digits of its SHA-256.",
)
@click.option("--since", default="", help="Show entries from this time (UTC), e.g. 2026-11-26.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def ledger(ctx: click.Context, verify: bool, show: str, since: str, as_json: bool) -> None:
    """Show what left this site, and the text of each message.

    The text of messages is stored. For updates and counts the ledger stores only size and hash.

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
        say(f"{count} entries checked: nothing changed. {kept} message texts match what was sent.")
        if torn:
            say(f"{torn} half-written lines (crash) were removed. Their data was not sent.")
        return
    if show:
        say_json(book.show(show))
        return
    entries = [{"entry": n, **e} for n, e in enumerate(book.entries(), 1) if e["at"] >= since]
    if as_json:
        say_json(json.dumps(entries))
        return
    columns = ("entry", "at", "kind", "run", "bytes", "sha256", "text")
    table(columns, [_row(e) for e in entries])
    say(
        "The content of updates and counts is not stored. "
        f"The text of messages is in {home / 'sent'}."
    )
    say("next: client ledger --show ENTRY")


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(entry["entry"]),
        entry["at"][:19],
        entry["kind"],
        entry["run"],
        str(entry["bytes"]),
        entry["sha256"][:12],
        "kept" if entry.get("kept") else "hash only",
    )


@click.command()
@click.option("--confirm", nargs=2, metavar="SITE FINGERPRINT", help="Confirm an identity.")
@click.option("--roster", type=click.Path(path_type=Path), help="Confirm the identities in a file.")
@click.option("--forget", metavar="SITE", help="Delete a pinned identity.")
@click.option(
    "--new-group",
    is_flag=True,
    help="Delete the memory of earlier validations (sites, form, lesions). "
    "Lowers protection; see the site guide.",
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
    """Show and confirm the other sites' identities, whose keys masked sums use.

    \b
    Example:
      client peers
      client peers --roster federation.roster
      client peers --confirm hospital-b SHA256:dDqJdr2NQ78Pu4Tr66ALSilKnYGse/chSFbVn3+QyoI
    """
    from datetime import UTC, datetime

    from hepafed.client.release import (
        LesionHistory,
        Peers,
        SumHistory,
        own_fingerprint,
        read_roster,
    )
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
                "the roster has another fingerprint for this site than its own key",
                "it is not this federation's roster, or somebody changed it",
            )
        book.confirm(listed, now)
    if forget is not None:
        book.forget(forget)
    if new_group:
        SumHistory(home).new_group()
        LesionHistory(home).forget()
        say("From now on answers may use other sites or lesions.")
        say("Compared with earlier answers they may reveal one site's or a few patients' data.")
    found = [write_record(p) for _, p in sorted(book.all().items())]
    if as_json:
        say_json(json.dumps({"site": site, "fingerprint": own, "peers": found}))
        return
    say(f"{site} (this site): {own}")
    columns = ("site", "fingerprint", "trust", "since")
    table(columns, [tuple(p[c] for c in columns) for p in found])
