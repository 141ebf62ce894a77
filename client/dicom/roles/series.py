"""From the slices of one examination to its volumes, each with its sequence; no file is read."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from hepafed.client.dicom.encoding import FileOutcome, Header
from hepafed.client.dicom.roles.overrides import NO_OVERRIDES, Overrides
from hepafed.client.dicom.roles.rule import UNKNOWN, Rule, StackFacts, decide
from hepafed.client.dicom.roles.sequences import PHASE_RULES, SERIES_RULES
from hepafed.client.dicom.roles.stack_facts import dynamic_facts, facts_of
from hepafed.client.dicom.volumes import SINGLE, Grouped, Refusal, Volume, stacks_of

MOST_VOXELS = 1 << 27
"""Voxels of one volume: half a gigabyte as float32."""
FEWEST_SCATTERED = 4
"""Files, each a series by itself, that look like one series torn apart by a de-identifier."""
WEIGHT = {"taken": 2, "refused": 1, "set-aside": 0}
"""Which outcome a file of several frames gets: the highest of its frames."""


def volumes_of(headers: Sequence[Header], overrides: Overrides = NO_OVERRIDES) -> Grouped:
    """Group the slices of one examination into volumes and name their sequences.

    Every file's outcome is in the result. Diffusion directions of one b-value become one volume:
    the scanner's own trace image where there is one, else their geometric mean.
    """
    outcomes: list[FileOutcome] = []
    unique = list(_unique(headers, outcomes))
    series: dict[str, list[Header]] = defaultdict(list)
    for h in unique:
        series[h.series].append(h)
    volumes: list[Volume] = []
    facts: list[StackFacts] = []
    for members in series.values():
        if not members[0].series:
            outcomes += [
                FileOutcome(h.name, "refused", "the series identifier is missing") for h in members
            ]
            continue
        made, refused = stacks_of(members)
        outcomes += _refusals(members, refused, overrides)
        for stack in made:
            fact = facts_of(stack.headers[0], members)
            rule = decide(fact, (*overrides.rules, *SERIES_RULES))
            volumes.append(Volume(stack, rule.sequence, rule.name))
            facts.append(fact)
    outcomes += _scattered(unique, {o.path for o in outcomes if o.reason == SINGLE})
    volumes = _phases(volumes, facts, overrides)
    kept = _of_use(volumes, outcomes, overrides)
    combined = list(_directions(kept, outcomes))
    outcomes += [FileOutcome(n, "taken", v.remark) for v in combined for n in v.names]
    return Grouped(combined, _strongest(outcomes))


def _unique(headers: Sequence[Header], outcomes: list[FileOutcome]) -> Iterator[Header]:
    """Yield each instance once: of several copies the one whose file's name comes first."""
    seen: dict[tuple[str, int], str] = {}
    for h in sorted(headers, key=lambda h: (h.name, h.frame)):
        if not h.instance:
            outcomes.append(FileOutcome(h.name, "refused", "the instance identifier is missing"))
        elif seen.setdefault((h.instance, h.frame), h.name) != h.name:
            outcomes.append(FileOutcome(h.name, "set-aside", "the same instance twice"))
        else:
            yield h


def _refusals(
    series: Sequence[Header], refused: list[Refusal], overrides: Overrides
) -> Iterator[FileOutcome]:
    """Yield the outcomes of what made no stack; a series of no use is set aside before refused."""
    for group, error in refused:
        kind, reason = getattr(error, "outcome", "refused"), error.message
        rule = decide(facts_of(group[0], series), (*overrides.rules, *SERIES_RULES))
        if not rule.sequence and rule is not UNKNOWN:
            kind, reason = "set-aside", rule.why
        for h in group:
            yield FileOutcome(h.name, kind, reason)


def _scattered(headers: Sequence[Header], single: Collection[str]) -> Iterator[FileOutcome]:
    """Yield outcomes of the `single` files of one protocol, each of a series of its own."""
    protocols: dict[tuple[object, ...], list[Header]] = defaultdict(list)
    for h in headers:
        if h.name in single:
            protocols[(h.description, h.orientation, h.rows, h.columns)].append(h)
    for members in protocols.values():
        if len(members) >= FEWEST_SCATTERED:
            reason = "every file has a series identifier of its own (SeriesInstanceUID)"
            for h in members:
                yield FileOutcome(h.name, "refused", reason)


def _phases(volumes: list[Volume], facts: list[StackFacts], overrides: Overrides) -> list[Volume]:
    """Place the T1 stacks of the examination in its dynamic."""
    own = {r.name for r in overrides.rules}
    places = [k for k, v in enumerate(volumes) if v.sequence == "t1" and v.rule not in own]
    found = dynamic_facts([volumes[k] for k in places], [facts[k] for k in places])
    named = list(volumes)
    for k, fact in zip(places, found, strict=True):
        rule = decide(fact, PHASE_RULES)
        if rule.sequence:
            named[k] = volumes[k].named(rule.sequence, rule.name)
    return named


def _of_use(
    volumes: list[Volume], outcomes: list[FileOutcome], overrides: Overrides
) -> list[Volume]:
    reasons = {r.name: r.why for r in (*overrides.rules, *SERIES_RULES)}
    kept = []
    for v in volumes:
        if not v.sequence:
            kind, reason = "set-aside", reasons.get(v.rule, UNKNOWN.why)
        elif int(np.prod(v.shape)) > MOST_VOXELS:
            kind, reason = "refused", "the volume is too large"
        else:
            kept.append(v)
            continue
        outcomes += [FileOutcome(n, kind, reason) for n in v.names]
    return kept


def _directions(volumes: list[Volume], outcomes: list[FileOutcome]) -> Iterator[Volume]:
    """Combine the diffusion directions of one b-value; set them aside beside a trace image."""
    traces = {_trace_key(v) for v in volumes if v.sequence == "dwi" and _is_trace(v)}
    groups: dict[tuple[object, ...], list[Volume]] = defaultdict(list)
    for v in volumes:
        if v.sequence != "dwi" or not v.b_value or _is_trace(v):
            yield v
        elif _trace_key(v) in traces:
            outcomes += [
                FileOutcome(n, "set-aside", "a diffusion direction; the trace image is there")
                for n in v.names
            ]
        else:
            groups[(v.series_uid, *_trace_key(v), v.headers[0].echo_time)].append(v)
    for parts in groups.values():
        if len(parts) == 1:
            yield parts[0]
        else:
            first = parts[0]
            yield Volume(first.stack, "dwi", first.rule, tuple(parts))


def _is_trace(v: Volume) -> bool:
    h = v.headers[0]
    return bool(h.b_value) and (h.isotropic or bool({"TRACEW", "TRACE"} & set(h.image_type)))


def _trace_key(v: Volume) -> tuple[object, ...]:
    """Return what a trace image shares with the directions that it was made of."""
    return (round(v.b_value or 0), v.shape, tuple(np.round(v.affine, 1).ravel()))


def _strongest(outcomes: list[FileOutcome]) -> dict[str, FileOutcome]:
    """Choose one outcome for each file: taken if one of its frames is."""
    chosen: dict[str, FileOutcome] = {}
    for o in outcomes:
        known = chosen.get(o.path)
        if known is None or WEIGHT[o.outcome] > WEIGHT[known.outcome]:
            chosen[o.path] = o
    return chosen


def explain(
    headers: Sequence[Header],
    series_uid: str,
    overrides: Overrides = NO_OVERRIDES,
    grouped: Grouped | None = None,
) -> list[str]:
    """Say, rule by rule, how the sequence of one series of an examination was decided.

    One line a rule up to the one that decided: its name and the tests that did not hold. The
    lines hold no value of the files. `grouped` is what `volumes_of` gave, where it is known.
    """
    grouped = grouped or volumes_of(headers, overrides)
    lines: list[str] = []
    members = [h for h in headers if h.series == series_uid]
    made, refused = stacks_of(members)
    lines += [f"not a volume: {len(group)} slices: {error.message}" for group, error in refused]
    volumes = {v.headers[0]: v for w in grouped.volumes for v in w.stacks}
    rules = (*overrides.rules, *SERIES_RULES)
    for stack in made:
        fact = facts_of(stack.headers[0], members)
        lines.append(f"a volume of {len(stack.headers)} slices:")
        lines += _trail(fact, rules)
        volume = volumes.get(stack.headers[0])
        rule = next((r for r in PHASE_RULES if volume and r.name == volume.rule), None)
        if rule is not None:
            lines.append(f"  {rule.name}: applies, {rule.sequence}: {rule.why}")
    return lines


def _trail(fact: StackFacts, rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        failing = rule.failing(fact)
        if not failing:
            yield f"  {rule.name}: applies, {rule.sequence or 'set aside'}: {rule.why}"
            return
        yield f"  {rule.name}: no ({failing[0]})"
    yield "  no rule applies: set aside"
