"""Name the phase of each T1 stack of an examination that has one."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from hepafed.client.dicom.roles.overrides import Overrides
from hepafed.client.dicom.roles.phases.dynamic import PHASES, Dynamic
from hepafed.client.dicom.roles.phases.rules import PHASE_RULES
from hepafed.client.dicom.roles.rule import StackFacts, certainty_of, decide
from hepafed.client.dicom.volumes import Volume


def placed(
    volumes: Sequence[Volume],
    facts: Sequence[StackFacts],
    lost: Sequence[tuple[Volume, StackFacts]],
    numbers: Collection[float],
    overrides: Overrides,
) -> tuple[list[Volume], list[str]]:
    """Name the phase of each T1 stack that has one; also return what decides nothing, and why.

    `lost` are T1 stacks that were refused: they take part, so that the next phase does not move
    up into their place. `numbers` are the series numbers of the examination.
    """
    own = {r.name for r in overrides.rules}
    places = [k for k, v in enumerate(volumes) if v.sequence == "t1" and v.rule not in own]
    if not places:
        return list(volumes), []
    stacks = [*((volumes[k], facts[k]) for k in places), *lost]
    dynamic = Dynamic([v for v, _ in stacks], [f for _, f in stacks], numbers)
    found = dynamic.placed()
    rules = [decide(f, PHASE_RULES) for f in found]
    along = [PHASES.index(rules[k].sequence) for k in dynamic.order or () if rules[k].sequence]
    if along != sorted(along):
        dynamic.remarks.append("the phases found are not in the order of acquisition")
        rules = []
    named = list(volumes)
    for k, fact, rule in zip(places, found, rules, strict=False):
        if rule.sequence:
            phase = replace(volumes[k], sequence=rule.sequence, rule=rule.name)
            certainty = min(certainty_of(rule, phase.doubts), phase.certainty)
            named[k] = replace(phase, certainty=certainty, after_injection=fact.after_injection)
    return named, dynamic.remarks
