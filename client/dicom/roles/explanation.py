"""Say, rule by rule, how the sequence of a series was decided."""

from collections.abc import Iterator, Sequence

from hepafed.client.dicom.encoding import Header
from hepafed.client.dicom.roles.overrides import NO_OVERRIDES, Overrides
from hepafed.client.dicom.roles.phases import PHASE_RULES
from hepafed.client.dicom.roles.rule import Rule, StackFacts
from hepafed.client.dicom.roles.sequences import SERIES_RULES
from hepafed.client.dicom.roles.series import volumes_of
from hepafed.client.dicom.roles.stack_facts import facts_of
from hepafed.client.dicom.volumes import Grouped, stacks_of


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
        if volume:
            lines.append(f"  certainty: {volume.certainty:.2f}")
            lines += [f"  against: {doubt}" for doubt in volume.doubts]
            if volume.sequence == "t1":
                lines += [f"  phase not told: {remark}" for remark in grouped.remarks]
    return lines


def _trail(fact: StackFacts, rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        failing = rule.failing(fact)
        if not failing:
            yield f"  {rule.name}: applies, {rule.sequence or 'set aside'}: {rule.why}"
            return
        yield f"  {rule.name}: no ({failing[0]})"
    yield "  no rule applies: set aside"
