"""A plan's file: every error in it at once, each with the nearest word that is known."""

import dataclasses
import tomllib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hepafed.common.contract.near_words import nearest
from hepafed.common.contract.plan import Plan, plan_from
from hepafed.common.errors import PlanError
from hepafed.common.records import read_record

T = TypeVar("T")
_NEEDED = {"name": "plan", "protocol": "t2"}
"""In place of keys that every plan states, while the other keys are looked at."""
_ELSEWHERE = {"sites": "a plan names no sites: every enrolled training site is asked"}
"""Keys that people look for in a plan."""


@dataclass(frozen=True)
class PlanProblem:
    """One thing that is wrong in a plan."""

    key: str
    """Dotted, as the file has it."""
    text: str
    hint: str = ""
    """What to write instead, where that is known."""


def read_plan(path: Path) -> Plan:
    """Return the plan of a file, checked; `model.weights` is as the file states it.

    Raises
    ------
    PlanError
        The file cannot be read, is not TOML, or keys or values are wrong (all of them are named).
    """
    plan, problems = plan_problems(read_values(path))
    if problems:
        hint = problems[0].hint if len(problems) == 1 else ""
        raise PlanError("\n".join(p.text for p in problems), hint)
    return plan


def read_values(path: Path) -> dict[str, Any]:
    """Return the values of a plan's file, not yet checked; PlanError where it is no TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as e:
        raise PlanError(
            f"cannot read the plan {path}: {e.strerror}", "name an existing TOML file"
        ) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise PlanError(f"{path} is not TOML: {e}", "see docs/coordinator-guide.md, 'Plans'") from e


def from_its_folder(plan: Plan, file: Path) -> Plan:
    """Return a plan whose file of weights is named by its full path, from the plan file's folder.

    `~` is the home of the person who names it.
    """
    if not plan.model.weights:
        return plan
    named = Path(plan.model.weights).expanduser()
    return dataclasses.replace(
        plan, model=dataclasses.replace(plan.model, weights=str(file.absolute().parent / named))
    )


def plan_problems(values: Mapping[str, Any]) -> tuple[Plan, list[PlanProblem]]:
    """Return every problem of a plan's values, and the plan with the defaults in their place."""
    kept, problems = _kept(Plan, values, "")
    problems += [PlanProblem(k, f"missing key {k}") for k in _NEEDED if k not in values]
    whole = {**_NEEDED, **kept}
    try:
        return plan_from(whole), problems
    except PlanError as e:  # values that are right alone and wrong together
        table, _, leaf = (key := e.message.partition(":")[0]).rpartition(".")
        kept.get(table, {}).pop(leaf, None)
        try:
            plan = plan_from({**_NEEDED, **kept})
        except PlanError:
            plan = plan_from(_NEEDED)
        return plan, [*problems, PlanProblem(key, e.message, e.own_hint)]


def _kept(
    cls: type, values: Mapping[str, Any], table: str
) -> tuple[dict[str, Any], list[PlanProblem]]:
    """Return the values of a table that are right, each looked at alone, and the problems."""
    hints = typing.get_type_hints(cls)
    known = {f.name for f in dataclasses.fields(cls)}
    needed = {} if table else _NEEDED
    kept: dict[str, Any] = {}
    problems: list[PlanProblem] = []
    for key, value in values.items():
        name = f"{table}{key}"
        if key not in known:
            problems.append(PlanProblem(name, _unknown(name, sorted(known))))
        elif dataclasses.is_dataclass(hints[key]) and isinstance(value, Mapping):
            inner, more = _kept(typing.cast("type", hints[key]), value, f"{name}.")
            kept[key], problems = inner, [*problems, *more]
        else:
            try:
                read_record(cls, {**needed, key: value}, PlanError, table.rstrip("."))
                kept[key] = value
            except PlanError as e:
                problems.append(PlanProblem(name, e.message, e.own_hint))
    return kept, problems


def _unknown(name: str, known: list[str]) -> str:
    shown, leaf = name[:60], name.rpartition(".")[2]
    if leaf in _ELSEWHERE:
        return f"unknown key {shown}: {_ELSEWHERE[leaf]}"
    keys = dict(_keys(Plan, ""))
    own = [k for k in keys if k.rpartition(".")[0] == name.rpartition(".")[0]]
    near = nearest(leaf, [keys[k] for k in own]) or nearest(leaf, keys.values())
    if not near:
        return f"unknown key {shown}; known: {', '.join(known)}"
    same = [k for k in own if keys[k] == near]
    dotted = same[0] if same else next(k for k in keys if keys[k] == near)
    table = dotted.rpartition(".")[0]
    where = "" if same or not table else f", in the table [{table}]"
    where = where if same or table else ", above the first [table]"
    return f"unknown key {shown}; did you mean {dotted}{where}?"


def _keys(cls: type, table: str) -> Iterable[tuple[str, str]]:
    """Yield each key of a plan, dotted, and its last word."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _keys(typing.cast("type", hints[field.name]), f"{table}{field.name}.")
        yield f"{table}{field.name}", field.name
