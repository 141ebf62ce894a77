"""The verbs of what a person at the site allows: pending, allow, withdraw, permissions."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, say, say_block, say_json
from hepafed.common.errors import UsageError

if TYPE_CHECKING:
    from hepafed.client.permissions import (
        OpenWait,
        Permission,
        PermissionBook,
        WaitBook,
        Waiting,
    )

SILENT = timedelta(minutes=2)
"""A question that waits comes every 10 s; after so long without one the run asks no more."""
DAYS = 365
"""How long a permission holds if no date is given."""


def _book(home: Path) -> "PermissionBook":
    from hepafed.client.permissions import PermissionBook
    from hepafed.client.release import Ledger
    from hepafed.common.contract import SiteConfig, read_toml

    read_toml(SiteConfig, home / "site.toml", "run client join first")
    return PermissionBook(home, Ledger(home))


def _waits(home: Path) -> "WaitBook":
    from hepafed.client.permissions import WaitBook
    from hepafed.client.release import Ledger

    return WaitBook(home, Ledger(home))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def pending(ctx: click.Context, as_json: bool) -> None:
    """Show the plans and models that were asked for and that nobody here has allowed.

    \b
    Example:
      client pending
      client allow --study liver-mri
    """
    from hepafed.common.records import write_record

    now, home = datetime.now(UTC), home_of(ctx)
    book = _book(home)
    waits = _waits(home).end_expired(now)
    book.no_longer_waiting({k for w in waits for k in w.keys})
    waiting = book.state().waiting
    if as_json:
        say_json(json.dumps([write_record(w) for w in waiting]))
        return
    for w in waiting:
        say_block(
            f"{w.kind} {w.digest}",
            f"study {w.study}, asked by {w.requester} (run {w.run})",
            _how_often([x for x in waits if w.key in x.keys], now),
            w.words,
            w.why,
            f"It would be refused though you allow it: {w.refused}" if w.refused else "",
        )
    if not waiting:
        say("Nothing waits for a person at this site.")
        return
    say("next: client allow DIGEST, or client allow --study NAME for all of a study")


@click.command()
@click.argument("digest", default="")
@click.option("--study", default="", help="Allow all plans and models of this study.")
@click.option("--everything", is_flag=True, help="Allow whatever the coordinator asks.")
@click.option("--requester", default="", help="Only if this person asks (as in pending).")
@click.option("--purpose", default="", help="What for: a line for the records.")
@click.option("--until", default="", help="Last day (UTC), e.g. 2027-06-30. [default: a year]")
@click.option("--rounds", type=click.IntRange(1, 10**6), help="Most rounds of training.")
@click.option("--models", type=click.IntRange(1, 10**4), help="Most models that are scored.")
@click.option("--bytes", "size", type=click.IntRange(1, 10**15), help="Most bytes that leave.")
@click.pass_context
@command
def allow(
    ctx: click.Context,
    digest: str,
    study: str,
    everything: bool,
    requester: str,
    purpose: str,
    until: str,
    rounds: int | None,
    models: int | None,
    size: int | None,
) -> None:
    """Allow a plan or a model that waits, or a whole study. Without it this site answers neither.

    A plan that is allowed by its digest is trained once: its rounds are counted.

    \b
    Example:
      client allow --study liver-mri --purpose "ethics vote 17-3" --until 2027-06-30
      client allow 3f9a2c41 --rounds 11
    """
    from secrets import token_hex

    from hepafed.client.permissions import EVERY_STUDY, Permission

    if sum((bool(digest), bool(study), everything)) != 1:
        raise UsageError(
            "name one of: a digest, --study NAME, --everything", "client pending shows what waits"
        )
    if study:
        _check_word("--study", study)
    if len(purpose) > 200 or len(requester) > 40 or not (purpose + requester).isprintable():
        raise UsageError("--purpose or --requester is too long or cannot be printed", "one line")
    now = datetime.now(UTC)
    book = _book(home_of(ctx))
    found = _waiting(book.state().waiting, digest) if digest else None
    permission = Permission(
        id=f"p-{token_hex(4)}",
        study=EVERY_STUDY if everything else study,
        digest=found.digest if found else "",
        requester=requester,
        purpose=purpose,
        given=now.isoformat(timespec="seconds"),
        until=_end(until, now).isoformat(timespec="seconds"),
        rounds=rounds or (found.rounds if found else 0),
        models=models or 0,
        bytes=size or 0,
    )
    book.add(permission)
    what = f"{found.kind} {found.digest}" if found else f"the study {study}"
    say(f"allowed {'whatever the coordinator asks' if everything else what}: {permission.id}")
    say(f"until {permission.until[:10]}. What is asked is also held to site.toml.")
    if everything:
        say("warning: this site then answers every plan and model without another look.")
    say(f"next: client permissions; to take it back: client withdraw {permission.id}")


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_context
@command
def withdraw(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Take permissions back, by id, digest or study: from the next request on they cover nothing.

    \b
    Example:
      client withdraw p-5d0c9a1e
      client withdraw liver-mri
    """
    book, now = _book(home_of(ctx)), datetime.now(UTC)
    for name in book.withdraw(names, now):
        say(f"withdrawn: {name}")
    standing = [
        p
        for p in book.state().permissions
        if not p.withdrawn and now <= datetime.fromisoformat(p.until)
    ]
    if not standing:
        say("Nothing is allowed at this site now.")
    for p in standing:
        say(f"still allowed: {_allowed(p)} ({p.id}, until {p.until[:10]})")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def permissions(ctx: click.Context, as_json: bool) -> None:
    """Show what was allowed at this site, until when, and what was used of it.

    \b
    Example:
      client permissions
    """
    from hepafed.common.records import write_record

    now, held = datetime.now(UTC), _book(home_of(ctx)).state().permissions
    if as_json:
        say_json(json.dumps([write_record(p) for p in held]))
        return
    for p in held:
        ended = "expired on" if now > datetime.fromisoformat(p.until) else "stands until"
        state = f"withdrawn on {p.withdrawn[:10]}" if p.withdrawn else f"{ended} {p.until[:10]}"
        used = (
            f"rounds {_of(len(p.used_rounds), p.rounds)}",
            f"models {_of(len(p.used_models), p.models, one=bool(p.digest))}",
            f"bytes {_of(p.used_bytes, p.bytes)}",
        )
        say_block(
            f"{p.id}  {state}  {_allowed(p)}",
            f"for {p.requester or 'anybody'} who asks; purpose: {p.purpose or 'not stated'}",
            f"used: {'; '.join(used)}",
        )
    if not held:
        say("Nothing was ever allowed at this site.")
        say("next: client pending, or client allow --study NAME")


def _of(used: int, most: int, *, one: bool = False) -> str:
    """Return how much is used of a limit; `one`: without a limit of its own it is 1."""
    most = most or int(one)
    return f"{used} of {most}" if most else f"{used} (no limit)"


def _allowed(permission: "Permission") -> str:
    """Return what a permission is of, a plan or model by its first digits."""
    from hepafed.client.permissions import EVERY_STUDY
    from hepafed.client.release import SHORTEST

    if permission.study == EVERY_STUDY:
        return "every study"
    if permission.study:
        return f"the study {permission.study}"
    return f"the plan or model {permission.digest[:SHORTEST]}"


def _how_often(waits: "list[OpenWait]", now: datetime) -> str:
    """Return since when a thing waits, and whether it is still asked for; "" if not known."""
    if not waits:
        return ""
    last = max(datetime.fromisoformat(w.last) for w in waits)
    times = sum(w.times for w in waits)
    words = f"first asked {min(w.since for w in waits)[:16]}, last {last.isoformat()[:16]} (UTC), "
    words += f"{times} times" if times > 1 else "once"
    if now - last > SILENT:
        minutes = int((now - last).total_seconds() // 60)
        words += f"; not asked again for {minutes} minutes: the run has ended, was stopped, or "
        words += "asks again in a later round"
    return words.replace("T", " ")


def _check_word(option: str, name: str) -> None:
    from hepafed.common.contract import is_word

    if not is_word(name):
        raise UsageError(f"{option}: {name[:60]!r} is not 1 to 40 letters, digits or '-'", "")


def _waiting(waiting: "tuple[Waiting, ...]", digest: str) -> "Waiting":
    from hepafed.client.release import SHORTEST

    found = [w for w in waiting if len(digest) >= SHORTEST and w.digest.startswith(digest.lower())]
    if len({w.digest for w in found}) != 1:
        raise UsageError(
            f"{digest[:70]} is not {SHORTEST} or more digits of one thing that waits",
            "client pending lists it; before a study asks: client allow --study NAME",
        )
    return found[0]


def _end(until: str, now: datetime) -> datetime:
    if not until:
        return now + timedelta(days=DAYS)
    try:
        day = date.fromisoformat(until)
    except ValueError as e:
        raise UsageError(f"--until: {until[:40]!r} is not a day", "e.g. 2027-06-30") from e
    end = datetime.combine(day, time(23, 59, 59), UTC)
    if end < now:
        raise UsageError(f"--until: {until} is in the past", "e.g. 2027-06-30")
    return end
