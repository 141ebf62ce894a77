"""The verbs of what leaves a site: ledger, peers."""

import json
from pathlib import Path
from typing import Any

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, say, say_json, table
from hepafed.common.errors import UsageError


@click.command()
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
    table(columns, [_row(e) for e in entries])
    say(f"updates and counts are not kept; the texts of messages are, in {home / 'sent'}")
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
