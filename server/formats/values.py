"""The kinds of value in a report, with the limits that its JSON Schema states."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from hepafed.common.contract import TASKS


@dataclass(frozen=True, eq=False)  # compared by identity: a type's annotation has to be hashable
class Limits:
    """What JSON Schema says of a value beside its type."""

    keywords: Mapping[str, object]


Probability = Annotated[float, Limits({"minimum": 0, "maximum": 1})]
Count = Annotated[int, Limits({"minimum": 0})]
NotNegative = Annotated[float, Limits({"minimum": 0})]
Benefit = Annotated[float, Limits({"maximum": 1})]
Level = Annotated[float, Limits({"const": 0.95})]
Name = Annotated[str, Limits({"minLength": 1})]
Digest = Annotated[str, Limits({"pattern": "^[0-9a-f]{64}$"})]
MaybeDigest = Annotated[str, Limits({"pattern": "^([0-9a-f]{64})?$"})]

Scope = Annotated[str, Limits({"enum": ["pooled", "site", "site-mean"]})]
PooledOrSite = Annotated[str, Limits({"enum": ["pooled", "site"]})]
Unit = Annotated[str, Limits({"enum": list(TASKS)})]
Task = Annotated[str, Limits({"enum": [t for tasks in TASKS.values() for t in tasks] + ["macro"]})]
TrueClass = Annotated[str, Limits({"enum": ["positives", "negatives"]})]
Form = Annotated[str, Limits({"enum": ["masked", "noisy", "cells", "plain", "withheld"]})]
Variable = Annotated[str, Limits({"pattern": "^[a-z][a-z0-9_]{0,39}$"})]
LevelName = Annotated[str, Limits({"pattern": "^[A-Za-z0-9 .<>=+-]{1,20}$"})]
Verdict = Annotated[
    str,
    Limits({"enum": ["met", "missed", "not shown", "reported", "non-inferior", "not judged"]}),
]

Point = Annotated[tuple[Probability, ...], Limits({"minItems": 2, "maxItems": 2})]
Counts = tuple[tuple[Count, ...], ...]

REASON_WHERE_NULL: Mapping[str, object] = {
    "if": {"properties": {"value": {"type": "null"}}, "required": ["value"]},
    "then": {"required": ["reason"], "properties": {"reason": {"minLength": 1}}},
}
"""A figure without a value has a reason."""

SITE_WHERE_OF_ONE: Mapping[str, object] = {
    "if": {"properties": {"scope": {"const": "site"}}},
    "then": {"properties": {"site": {"type": "string"}}},
    "else": {"properties": {"site": {"type": "null"}}},
}
"""A row of the scope `site` names its site, another row names none."""
