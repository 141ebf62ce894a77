"""The verbs of what leaves a site: ledger, peers."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, say, say_block, say_json, table
from hepafed.common.errors import UsageError

if TYPE_CHECKING:
    from hepafed.client.release import Proof

ENTRY = "{:>5}  {:<16}  {:<4}  {:<20}  {:>9}  {:<8}  {}"
"""A line of 80 columns at most: number, time, way, kind, bytes, SHA-256, whether it is kept."""


@click.command()
@click.option(
    "--verify", is_flag=True, help="Check chain, signatures, countersignatures and stored texts."
)
@click.option(
    "--show",
    metavar="ENTRY",
    default="",
    help="Print a stored message: its number here, or 8 or more digits of its SHA-256.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    help="Check the ledger, and write it as a page for a data protection officer.",
)
@click.option(
    "--acknowledge-gap",
    metavar="REASON",
    default="",
    help="Go on although entries are missing, for example after a restored backup. "
    "The reason is sent to the coordinator.",
)
@click.option("--since", default="", help="Show entries from this time (UTC), e.g. 2026-11-26.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def ledger(
    ctx: click.Context,
    verify: bool,
    show: str,
    html: Path | None,
    acknowledge_gap: str,
    since: str,
    as_json: bool,
) -> None:
    """Show what left this site and what came in, and the text of each message.

    The text of messages is stored. For weights, updates and counts the ledger stores only size
    and hash.

    \b
    Example:
      client ledger --show 12
      client ledger --verify
      client ledger --html ledger.html
    """
    from hepafed.client.release import Ledger, write_page

    home = home_of(ctx)
    if not (home / "ledger.jsonl").exists():
        raise UsageError(f"there is no ledger in {home}", "check --home; client join begins one")
    try:
        datetime.fromisoformat(since or "2026-01-01")
    except ValueError as e:
        raise UsageError(f"--since: {since[:40]!r} is not a date", "such as 2026-11-26") from e
    book = Ledger(home)
    if acknowledge_gap:
        for gap in book.acknowledge_gap(acknowledge_gap):
            say(f"The ledger goes on without entry {gap.entry} and what belonged to it.")
        say("The coordinator sees the reason with the next message.")
        return
    if html is not None:
        proof = book.verify()
        write_page(html, _site_of(home), book.entries(), proof)
        say(f"wrote {html}: {proof.entries} entries")
        return
    if verify:
        _say_proof(book.verify())
        return
    if show:
        say_json(book.show(show))
        return
    entries = [{"entry": n, **e} for n, e in enumerate(book.entries(), 1) if e["at"] >= since]
    if as_json:
        say_json(json.dumps(entries))
        return
    say(ENTRY.format("entry", "time (UTC)", "way", "kind", "bytes", "sha256", "kept"))
    for entry in entries:
        say_block(*_lines(entry))
    say("way: out = left this site, in = came in, here = done here.")
    say("kept: text = the message is stored; hash = only its size and SHA-256 are.")
    say(f"The texts are in {home / 'sent'} and {home / 'received'}.")
    say("next: client ledger --show ENTRY")


def _site_of(home: Path) -> str:
    from hepafed.client.release import own_fingerprint
    from hepafed.common.errors import ConfigError

    try:
        return own_fingerprint(home)[0]
    except ConfigError:  # it has left the federation
        return "this site"


def _say_proof(proof: "Proof") -> None:
    """Say what was proved, by which key, and what was not."""
    say(
        f"{proof.entries} entries checked: nothing changed. "
        f"{proof.texts} message texts match what was sent or received."
    )
    for part in proof.signed:
        say(
            f"Entries {part.first} to {part.last} are signed by this site's key {part.fingerprint}."
        )
    if proof.old:
        say(
            f"Entries 1 to {proof.old} are of release 0.1.0 and were not signed when they were "
            "written: a change before that cannot be excluded."
        )
    seen = proof.countersigned
    if seen is None:
        say("The coordinator has not countersigned any entry: a cut at the end may go unnoticed.")
    else:
        signed = " and signed that" if proof.is_authority_known else ""
        say(f"The coordinator has seen the ledger up to entry {seen.entry} ({seen.at}){signed}.")
    for gap in proof.gaps:
        say(f"A gap was acknowledged: entry {gap.entry} is missing. Reason: {gap.reason}")
    if proof.torn + bool(proof.half):
        say(
            f"{proof.torn + bool(proof.half)} half-written lines after a crash. "
            "Their data was not sent."
        )


def _lines(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return an entry's line, and below it who asked, for which study, and what was allowed."""
    from hepafed.client.release import SHORTEST, said_of

    line = ENTRY.format(
        str(entry["entry"]),
        entry["at"][:16].replace("T", " "),
        entry.get("direction", "out"),
        entry["kind"],
        str(entry["bytes"]),
        entry["sha256"][:SHORTEST],
        "text" if entry.get("kept") else "hash",
    )
    asked = (
        ("asked by", entry.get("requester", "")),
        ("study", entry.get("study", "")),
        ("run", entry["run"]),
        ("permission", entry.get("permission", "")),
    )
    facts = ", ".join(f"{name} {value}" for name, value in asked if value)
    special = any(entry.get(k) for k in ("changes", "times", "gaps"))
    return line.rstrip(), facts, said_of(entry) if special else ""


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
