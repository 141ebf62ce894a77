"""A cohort's budget: refused when it is used up, and never forgotten."""

import json
from pathlib import Path

import pytest
from hepafed.client.release.ledger import Ledger
from hepafed.client.release.noise.accounting import epsilon_of
from hepafed.client.release.noise.book import DELTA, NoisyAnswer, PrivacyBook, budgets, told
from hepafed.common.certificates import make_node_key
from hepafed.common.contract.privacy import PrivacyConfig
from hepafed.common.errors import ConfigError, RefusedError

RHO = 0.03


def answer(number: int, split: str = "external", rho: float = RHO) -> NoisyAnswer:
    return NoisyAnswer(
        exchange=f"{number:032x}", run=f"validate-{number}", split=split, weights="a" * 64,
        at="2026-01-02T03:04:05+00:00", rho=rho,
    )  # fmt: skip


def policy(answers: int, *, less: float = 0.0) -> PrivacyConfig:
    """Give a policy whose lifetime is just enough for so many answers."""
    lifetime = epsilon_of([RHO] * answers, 1e-5)
    return PrivacyConfig(epsilon=0.5, lifetime_epsilon=lifetime - less)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_node_key(tmp_path / "keys" / "node.key")
    return tmp_path


def book(home: Path) -> PrivacyBook:
    return PrivacyBook(home, Ledger(home))


def test_a_budget_for_three_answers_gives_three_and_refuses_the_fourth_by_name(home: Path) -> None:
    for n in (1, 2, 3):
        book(home).check(policy(3), "external", RHO)
        book(home).spend(policy(3), answer(n))
    for call in (
        lambda: book(home).check(policy(3), "external", RHO),
        lambda: book(home).spend(policy(3), answer(4)),
    ):
        with pytest.raises(RefusedError, match="budget of this cohort is used up: 3 answers") as e:
            call()
        assert "lifetime_epsilon" in e.value.hint
    assert len(book(home).spent().answers) == 3


def test_a_budget_a_little_too_small_for_three_answers_gives_two(home: Path) -> None:
    almost = policy(3, less=0.001)
    book(home).spend(almost, answer(1))
    book(home).spend(almost, answer(2))
    with pytest.raises(RefusedError, match="2 answers"):
        book(home).spend(almost, answer(3))


def test_small_answers_fit_where_a_large_one_does_not(home: Path) -> None:
    book(home).spend(policy(2), answer(1))
    with pytest.raises(RefusedError):
        book(home).check(policy(2), "external", 2 * RHO)
    book(home).check(policy(2), "external", RHO / 2)


def test_the_same_attempt_is_counted_once_also_when_nothing_is_left(home: Path) -> None:
    for _ in range(3):
        book(home).spend(policy(1), answer(1))
    assert [a.exchange for a in book(home).spent().answers] == [answer(1).exchange]


def test_each_cohort_has_a_budget_of_its_own(home: Path) -> None:
    book(home).spend(policy(1), answer(1, "external"))
    book(home).spend(policy(1), answer(2, "test"))
    assert told(book(home).spent(), "test", 1e-5) == pytest.approx(epsilon_of([RHO], 1e-5))
    assert told(book(home).spent(), "other", 1e-5) == 0


def test_an_older_copy_is_refused_and_nothing_more_is_answered(home: Path) -> None:
    book(home).spend(policy(3), answer(1))
    old = (home / "privacy.json").read_bytes()
    book(home).spend(policy(3), answer(2))
    (home / "privacy.json").write_bytes(old)
    for call in (
        lambda: book(home).check(policy(3), "external", RHO),
        lambda: book(home).spend(policy(3), answer(3)),
    ):
        with pytest.raises(ConfigError, match="older copy") as e:
            call()
        assert "client questions --reviewed" in e.value.hint


def test_a_deleted_or_changed_file_is_refused(home: Path) -> None:
    book(home).spend(policy(3), answer(1))
    path = home / "privacy.json"
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(ConfigError, match="deleted"):
        book(home).spent()
    values = json.loads(kept)
    values["answers"][0]["rho"] = 1e-9
    path.write_text(json.dumps(values))
    with pytest.raises(ConfigError, match="changed"):
        book(home).spent()
    path.write_text(kept.decode()[:-9])
    with pytest.raises(ConfigError, match=r"privacy\.json is damaged"):
        book(home).spent()
    path.write_bytes(kept)
    assert len(book(home).spent().answers) == 1


def test_a_crash_before_the_ledger_knows_forgets_nothing(home: Path) -> None:
    book(home).spend(policy(3), answer(1))
    ledger = (home / "ledger.jsonl").read_bytes(), (home / "ledger.head").read_bytes()
    book(home).spend(policy(3), answer(2))
    (home / "ledger.jsonl").write_bytes(ledger[0])
    (home / "ledger.head").write_bytes(ledger[1])
    assert len(book(home).spent().answers) == 2
    book(home).spend(policy(3), answer(2))
    book(home).spend(policy(3), answer(3))
    assert len(book(home).spent().answers) == 3


def test_a_person_can_take_a_lost_file_as_it_is(home: Path) -> None:
    book(home).spend(policy(1), answer(1))
    (home / "privacy.json").unlink()
    book(home).accept()
    assert book(home).spent().answers == ()
    book(home).spend(policy(1), answer(2))


def test_where_nothing_was_answered_there_is_no_file_and_no_entry(home: Path) -> None:
    assert book(home).spent().answers == ()
    book(home).accept()
    assert not (home / "privacy.json").exists()
    assert [e for e in Ledger(home).entries() if e["kind"] == "privacy"] == []


def test_a_person_sees_the_budget_of_each_cohort(home: Path) -> None:
    for number, split in ((1, "external"), (2, "test"), (3, "external")):
        book(home).spend(policy(3), answer(number, split))
    spent = book(home).spent()
    first, second = budgets(spent, policy(3))
    assert (first.split, first.answers, second.split, second.answers) == ("external", 2, "test", 1)
    assert first.told == pytest.approx(epsilon_of([RHO, RHO], 1e-5))
    assert second.told == pytest.approx(epsilon_of([RHO], 1e-5))
    assert first.lifetime_epsilon == policy(3).lifetime_epsilon
    without = budgets(spent, None)[0]
    assert (without.lifetime_epsilon, without.delta, without.told) == (0.0, DELTA, first.told)
