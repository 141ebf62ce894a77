"""A look is an earlier validation of the same model and split at a common site."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.contract import Endpoint, Evaluation
from hepafed.common.contract.plan import Plan
from hepafed.server.formats import EarlierLook, JudgedEvaluation, Looks
from hepafed.server.runs.store import Run
from hepafed.server.runs.stores import Stores
from hepafed.server.validation.looks import answered_validations, looks, standing

PLAN = Plan(name="t2", protocol="t2")


def run(name: str, day: int, **values: Any) -> Run:  # noqa: ANN401
    return Run(
        id=name,
        kind="validate",
        plan=PLAN,
        created=f"2026-01-{day:02d}T00:00:00+00:00",
        **{"model": "m", **values},
    )


def test_a_comparison_with_a_model_is_a_look_with_it() -> None:
    earlier = run("first", 1, model="t2-dwi", against=("m",))
    seen = looks(run("second", 2), ["external-1"], [(earlier, frozenset({"external-1"}))])
    assert seen.number == 2


def test_a_look_is_an_earlier_validation_of_the_same_model_and_split_at_a_common_site() -> None:
    third = run("c", 3)
    others = [
        (run("a", 1), frozenset(("x", "y"))),
        (run("b", 2, status="failed"), frozenset("x")),
        (run("other-model", 2, model="n"), frozenset("x")),
        (run("other-split", 2, split="test"), frozenset("x")),
        (run("other-site", 2), frozenset("z")),
        (run("nobody-answered", 2), frozenset()),
        (run("later", 4), frozenset("x")),
        (third, frozenset("x")),
    ]
    made = looks(third, ["x", "y"], others)
    assert made.number == 3
    assert [(e.run, e.sites) for e in made.earlier] == [("a", ("x", "y")), ("b", ("x",))]


X = frozenset("x")


def test_the_first_look_has_none_before_it() -> None:
    made = looks(run("a", 1), ["x"], [])
    assert (made.number, made.earlier) == (1, ())


def test_only_validations_are_looks() -> None:
    others = [(replace(run("b", 1), kind=kind), X) for kind in ("train", "cohort", "validate")]
    assert looks(run("c", 2), ["x"], others).number == 2


def test_of_runs_of_one_moment_those_before_in_the_order_of_ids_are_earlier() -> None:
    others = [(run(name, 2), X) for name in ("a", "c")]
    assert [e.run for e in looks(run("b", 2), ["x"], others).earlier] == ["a"]


def test_a_look_says_when_by_which_of_these_sites_and_under_which_promise() -> None:
    earlier = run("a", 1, evaluation="ab" * 32)
    (look,) = looks(run("b", 2), ["z", "y", "x"], [(earlier, frozenset("zxw"))]).earlier
    assert (look.run, look.created) == ("a", "2026-01-01T00:00:00Z")
    assert (look.sites, look.evaluation) == (("x", "z"), "ab" * 32)


def test_validations_are_kept_with_the_sites_that_replied_oldest_first(tmp_path: Path) -> None:
    runs = Stores(tmp_path).runs
    made = [runs.create(kind, PLAN, model="m") for kind in ("validate", "train", "validate")]
    for r in made:
        runs.event(r.id, "asked", site="nobody")
        runs.event(r.id, "missing", site="gone")
    runs.event(made[0].id, "reply", site="b")
    runs.event(made[0].id, "reply", site="a")
    runs.event(made[1].id, "reply", site="c")
    wanted = {made[0].id: frozenset("ab"), made[2].id: frozenset()}
    assert {r.id: sites for r, sites in answered_validations(runs)} == wanted


def judged(sha256: str) -> JudgedEvaluation:
    promised = Evaluation(model="c" * 64, cohorts=("x",), endpoints=(Endpoint(primary=True),))
    return JudgedEvaluation(
        sha256=sha256, registered="2026-02-01T00:00:00+00:00", promised=promised, absent=(),
        endpoints=(),
    )  # fmt: skip


A, B = "a" * 64, "b" * 64


def seen(*digests: str) -> Looks:
    earlier = tuple(
        EarlierLook(run=f"r{n}", created=f"2026-01-0{n}T00:00:00Z", sites=("x",), evaluation=d)
        for n, d in enumerate(digests, 1)
    )
    return Looks(number=len(earlier) + 1, earlier=earlier)


@pytest.mark.parametrize(
    ("looks_before", "why"),
    [
        (seen(), ""),
        (seen(""), "registered after look 1 (2026-01-01)"),
        (seen("", B), "registered after look 2 (2026-01-02)"),
        (seen(A, ""), "registered after look 2 (2026-01-02)"),
        (seen(A), "a repeat, look 1 (2026-01-01) had the same plan"),
    ],
)
def test_a_plan_is_exploratory_after_any_look_and_the_report_says_why(
    looks_before: Looks, why: str
) -> None:
    assert standing(judged(A), looks_before).exploratory == why
