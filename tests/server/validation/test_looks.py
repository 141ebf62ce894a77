"""A look is an earlier validation of the same model and split at a common site."""

from typing import Any

from hepafed.common.contract.plan import Plan
from hepafed.server.runs.store import Run
from hepafed.server.validation.looks import looks

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
