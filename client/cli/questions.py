"""The verb of what was asked about the site's cohorts: questions."""

import json

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, say, say_json, table


@click.command()
@click.option(
    "--reviewed",
    is_flag=True,
    help="Note that you looked at what was refused, and at a history that was lost or changed. "
    "See the site guide.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def questions(ctx: click.Context, reviewed: bool, as_json: bool) -> None:
    """Show which models this site was asked about, and how many it may still answer this year.

    \b
    Example:
      client questions
      client questions --reviewed
    """
    from datetime import UTC, datetime

    from hepafed.client.release import Ledger, QuestionHistory, asked_models
    from hepafed.common.contract import SiteConfig, read_toml

    home = home_of(ctx)
    config = read_toml(SiteConfig, home / "site.toml", "run client join first")
    book, now = QuestionHistory(home, Ledger(home)), datetime.now(UTC)
    if reviewed:
        book.review()
    cohorts = asked_models(book.past(), now)
    if as_json:
        values = {"models_a_year": config.models_a_year, "cohorts": [c.values() for c in cohorts]}
        say_json(json.dumps(values))
        return
    rows = [(c.split, m.weights[:12], m.at[:19], m.outcome) for c in cohorts for m in c.models]
    table(("cohort", "model", "asked", "outcome"), rows)
    for c in cohorts:
        used = f"{c.this_year} of {config.models_a_year} models within a year"
        say(f"{c.split}: {used}; {c.waiting} wait for a person to look at them.")
    if any(c.waiting for c in cohorts):
        say("Such a model may be made to learn of one patient. Ask who made it, and what for.")
        say("next: client questions --reviewed")
