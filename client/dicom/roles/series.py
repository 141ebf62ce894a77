"""From the slices of one examination to its volumes, each with its sequence; no file is read."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
from hepafed.client.dicom.encoding import FileOutcome, Header
from hepafed.client.dicom.roles.overrides import NO_OVERRIDES, Overrides
from hepafed.client.dicom.roles.phases import placed
from hepafed.client.dicom.roles.rule import UNKNOWN, StackFacts, certainty_of, decide, has_words
from hepafed.client.dicom.roles.sequences import OF_DIFFUSION, REPEATED, SERIES_RULES
from hepafed.client.dicom.roles.stack_facts import facts_of
from hepafed.client.dicom.roles.words import T2_WORDS, b_in_words, doubts_of
from hepafed.client.dicom.volumes import (
    SINGLE,
    Grouped,
    Refusal,
    Stack,
    Volume,
    combined_directions,
    is_of_diffusion,
    is_repeated,
    stacks_of,
)

MOST_VOXELS = 1 << 27
"""Voxels of one volume: half a gigabyte as float32."""
FEWEST_SCATTERED = 4
"""Files, each a series by itself, that look like one series torn apart by a de-identifier."""
OTHERS = (OF_DIFFUSION, REPEATED)
"""Rules of a stack among others; they are no part of the tables."""
BY_TIMING = ("t2", "t2-fat-saturated")
"""Rules that name a T2 by its echo and repetition time."""
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
    lost: list[tuple[Volume, StackFacts]] = []
    for members in series.values():
        if not members[0].series:
            outcomes += [
                FileOutcome(h.name, "refused", "the series identifier is missing") for h in members
            ]
            continue
        made, refused = stacks_of(members)
        outcomes += _refusals(members, refused, overrides)
        lost += _lost(members, refused, overrides)
        for volume, fact in _roles(members, made, overrides):
            volumes.append(volume)
            facts.append(fact)
    outcomes += _scattered(unique, {o.path for o in outcomes if o.reason == SINGLE})
    numbers = {h.series_number for h in unique if h.series_number is not None}
    volumes = [_without_diffusion(v, volumes) for v in volumes]
    volumes, remarks = placed(volumes, facts, lost, numbers, overrides)
    kept = _of_use(volumes, outcomes, overrides)
    combined = list(combined_directions(kept, outcomes))
    outcomes += [FileOutcome(n, "taken", v.remark) for v in combined for n in v.names]
    return Grouped(combined, _strongest(outcomes), tuple(remarks))


def _roles(
    members: Sequence[Header], made: Sequence[Stack], overrides: Overrides
) -> Iterator[tuple[Volume, StackFacts]]:
    """Name the sequence of each stack of one series by itself, and what speaks against it."""
    named_b = b_in_words(members[0].description) if len(made) == 1 else None
    for stack in made:
        fact = replace(facts_of(stack.headers[0], members), between_slices=stack.spacing[0])
        rule = decide(fact, (*overrides.rules, *SERIES_RULES))
        own = rule in overrides.rules
        volume = Volume(stack, rule.sequence, rule.name)
        doubts = () if own else tuple(doubts_of(fact, rule.sequence))
        if rule.sequence == "dwi" and volume.b_value is None:
            volume = replace(volume, stated_b=named_b)
            doubts += () if named_b is not None else ("its b-value is not known",)
        yield replace(volume, doubts=doubts, certainty=certainty_of(rule, doubts)), fact


def _without_diffusion(v: Volume, volumes: Sequence[Volume]) -> Volume:
    """Set aside what only its timing calls T2, and its grid an image of the diffusion series."""
    if v.sequence != "t2" or v.rule not in BY_TIMING:
        return v
    if is_of_diffusion(v, volumes):
        return replace(v, sequence=OF_DIFFUSION.sequence, rule=OF_DIFFUSION.name)
    named = has_words(StackFacts(description=v.headers[0].description), T2_WORDS)
    if is_repeated(v, volumes, named=named):
        return replace(v, sequence=REPEATED.sequence, rule=REPEATED.name)
    return v


def _lost(
    members: Sequence[Header], refused: Sequence[Refusal], overrides: Overrides
) -> Iterator[tuple[Volume, StackFacts]]:
    """Yield what would have been T1 stacks: refused, they still have their place in the dynamic."""
    for group, _ in refused:
        fact = facts_of(group[0], members)
        rule = decide(fact, (*overrides.rules, *SERIES_RULES))
        if rule.sequence == "t1" and len(group) > 1:
            yield Volume(Stack(tuple(group), np.eye(4), (1.0, 1.0, 1.0)), "t1", rule.name), fact


def _unique(headers: Sequence[Header], outcomes: list[FileOutcome]) -> Iterator[Header]:
    """Yield each slice once: of several copies the one whose file's name comes first.

    A copy says the same of itself; instances that only share an identifier, as a de-identifier
    may make them, are no copies.
    """
    seen: dict[tuple[object, ...], str] = {}
    for h in sorted(headers, key=lambda h: (h.name, h.frame)):
        if not h.instance:
            outcomes.append(FileOutcome(h.name, "refused", "the instance identifier is missing"))
        elif seen.setdefault(_content(h), h.name) != h.name:
            outcomes.append(FileOutcome(h.name, "set-aside", "the same instance twice"))
        else:
            yield h


def _content(h: Header) -> tuple[object, ...]:
    """Return what makes two slices copies of one."""
    where = (h.series, h.instance, h.frame, h.number, h.position, h.orientation)
    return (*where, h.echo_time, h.b_value, h.temporal, h.acquired, h.image_type)


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


def _of_use(
    volumes: list[Volume], outcomes: list[FileOutcome], overrides: Overrides
) -> list[Volume]:
    reasons = {r.name: r.why for r in (*overrides.rules, *SERIES_RULES, *OTHERS)}
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


def _strongest(outcomes: list[FileOutcome]) -> dict[str, FileOutcome]:
    """Choose one outcome for each file: taken if one of its frames is."""
    chosen: dict[str, FileOutcome] = {}
    for o in outcomes:
        known = chosen.get(o.path)
        if known is None or WEIGHT[o.outcome] > WEIGHT[known.outcome]:
            chosen[o.path] = o
    return chosen
