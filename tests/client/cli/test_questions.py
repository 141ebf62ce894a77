"""`client questions` shows what was asked of each cohort, and notes that a person has looked."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hepafed.client.cli.main import main
from hepafed.client.release.noise.book import NoisyAnswer, PrivacyBook
from hepafed.common.contract.config import SiteConfig, write_toml
from hepafed.common.contract.privacy import PrivacyConfig
from hepafed.common.errors import RefusedError

Site = Any  # of tests/client/release/releasing.py


@pytest.fixture
def site(pair: list[Site]) -> Site:
    made = pair[0]
    config = SiteConfig(site="a", role="validate", address="localhost:1", models_a_year=7)
    write_toml(config, made.home / "site.toml")
    return made


def ask(site: Site, *options: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(site.home), "questions", *options])


def test_models_outcomes_and_what_is_left_are_shown(site: Site) -> None:
    with pytest.raises(RefusedError):
        site.score(run="validate-2", weights="b" * 64)
    shown = ask(site)
    assert shown.exit_code == 0
    assert "external: 2 of 7 models within a year; 1 wait for a person" in shown.output
    assert "next: client questions --reviewed" in shown.output
    (cohort,) = json.loads(ask(site, "--json").output)["cohorts"]
    assert [(m["weights"][0], m["outcome"]) for m in cohort["models"]] == [
        ("a", "answered"),
        ("b", "refused"),
    ]
    assert (cohort["this_year"], cohort["waiting"]) == (2, 1)


def test_what_a_person_has_looked_at_waits_no_more(site: Site) -> None:
    with pytest.raises(RefusedError):
        site.score(run="validate-2", weights="b" * 64)
    shown = ask(site, "--reviewed")
    assert "0 wait for a person" in shown.output
    assert "next:" not in shown.output


def test_nothing_asked_is_said(site: Site) -> None:
    for name in ("questions.json", "ledger.jsonl"):
        (site.home / name).unlink()
    shown = ask(site)
    assert (shown.exit_code, json.loads(ask(site, "--json").output)["cohorts"]) == (0, [])


def test_a_changed_memory_is_named_and_taken_by_a_person(site: Site) -> None:
    (site.home / "questions.json").unlink()
    refused = ask(site)
    assert refused.exit_code == 2
    assert "questions.json is not the file" in refused.output
    assert ask(site, "--reviewed").exit_code == 0
    assert ask(site).exit_code == 0
    site.score()
    assert [e["kind"] for e in site.ledger.entries()] == ["key", *["questions"] * 3]


def test_what_answers_with_noise_told_is_shown_and_a_lost_budget_is_taken(site: Site) -> None:
    policy = PrivacyConfig(epsilon=1.0, lifetime_epsilon=4.0)
    config = SiteConfig(site="a", role="validate", address="localhost:1", privacy=policy)
    write_toml(config, site.home / "site.toml")
    assert "answers with noise" not in ask(site).output
    for n, split in enumerate(("test", "external", "external")):
        answer = NoisyAnswer(
            exchange=f"{n:032x}", run="r", split=split, weights="a" * 64, at="2026-01-01", rho=0.03
        )
        PrivacyBook(site.home, site.ledger).spend(policy, answer)
    shown = ask(site).output
    assert "external: 2 answers with noise told epsilon 1.45 of 4 (delta 1e-05)." in shown
    assert "test: 1 answers with noise told epsilon 0.99 of 4 (delta 1e-05)." in shown
    found = json.loads(ask(site, "--json").output)["privacy"]
    assert [(c["split"], c["answers"]) for c in found] == [("external", 2), ("test", 1)]
    write_toml(
        SiteConfig(site="a", role="validate", address="localhost:1"), site.home / "site.toml"
    )
    assert "of no budget: [privacy] is not set" in ask(site).output
    (site.home / "privacy.json").unlink()
    refused = ask(site)
    assert refused.exit_code == 2
    assert "privacy.json is not the file" in refused.output
    assert ask(site, "--reviewed").exit_code == 0
    assert "answers with noise" not in ask(site).output
