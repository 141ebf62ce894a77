"""The verb of what was asked about the site's cohorts: questions."""

import json
import math

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, say, say_block, say_json


@click.command()
@click.option(
    "--reviewed",
    is_flag=True,
    help="Note that you looked at what was refused, and at a history or privacy budget that was "
    "lost or changed. See the site guide.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def questions(ctx: click.Context, reviewed: bool, as_json: bool) -> None:
    """Show which models this site was asked about, and how many it may still answer this year.

    With [privacy] in site.toml also what answers with noise told, and what is left.

    \b
    Example:
      client questions
      client questions --reviewed
    """
    from datetime import UTC, datetime

    from hepafed.client.release import (
        SHORTEST,
        Ledger,
        PrivacyBook,
        QuestionHistory,
        asked_models,
        askers_of,
        budgets,
    )
    from hepafed.common.contract import SiteConfig, read_toml

    home = home_of(ctx)
    config = read_toml(SiteConfig, home / "site.toml", "run client join first")
    ledger = Ledger(home)
    book, budget, now = QuestionHistory(home, ledger), PrivacyBook(home, ledger), datetime.now(UTC)
    if reviewed:
        book.review()
        budget.accept()
    spent = budgets(budget.spent(), config.privacy)
    cohorts = asked_models(book.past(), now, askers_of(home, ledger))
    if as_json:
        values = {
            "models_a_year": config.models_a_year,
            "cohorts": [c.values() for c in cohorts],
            "privacy": [b.values() for b in spent],
        }
        say_json(json.dumps(values))
        return
    for c in cohorts:
        for m in c.models:
            at, model = m.at[:16].replace("T", " "), m.weights[:SHORTEST]
            asked = "; ".join(f"{a.requester}, study {a.study or 'not recorded'}" for a in m.askers)
            say_block(
                f"{c.split}  model {model}  {at} (UTC)",
                f"{m.outcome}; asked by {asked or 'somebody whose question is not kept'}",
            )
    for c in cohorts:
        used = f"{c.this_year} of {config.models_a_year} models within a year"
        say(f"{c.split}: {used}; {c.waiting} wait for a person to look at them.")
    for b in spent:
        of = f"{b.lifetime_epsilon:g}" if b.lifetime_epsilon else "no budget: [privacy] is not set"
        say(
            f"{b.split}: {b.answers} answers with noise told epsilon {b.told:.2f} of {of} "
            f"(delta {b.delta:g})."
        )
        if b.answers:
            say(
                "They change the odds that one patient is in the cohort by a factor of at most "
                f"{math.exp(b.told):.3g} (e^epsilon), apart from delta."
            )
    if any(c.waiting for c in cohorts):
        say("Such a model may be made to learn of one patient. Ask who made it, and what for.")
        say("next: client questions --reviewed")
