"""Random exports, each known by its seed and number, and the smallest export that is misread."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.client.ingest.cohorts.plan import (
    B_VALUES,
    DIFFUSIONS,
    DYNAMICS,
    EXTRAS,
    Plan,
    Slice,
    examination,
)
from tests.client.ingest.cohorts.reading import Verdict, judge
from tests.client.ingest.cohorts.troubles import (
    ALTERNATIVES,
    HARMLESS,
    JITTER,
    REMOVED,
    TROUBLES,
    TYPED,
)


@dataclass(frozen=True)
class Draw:
    """One random export."""

    seed: str
    plan: Plan
    troubles: tuple[str, ...] = ()
    """In the order in which they befall the export."""

    def slices(self) -> list[Slice]:
        """Return the slices of the export; the same draw gives the same."""
        made = examination(self.plan)
        for name in self.troubles:
            made = TROUBLES[name](made, Random(f"{self.seed} {name}"))
        return made

    def verdict(self) -> Verdict:
        """Return what the product makes of the export."""
        return judge(self.slices(), self.plan)

    def text(self) -> str:
        """Describe the export in words."""
        p = self.plan
        layout = f"{p.vendor}, dynamic: {p.dynamic}, diffusion: {p.diffusion} {p.b_values}"
        more = [*sorted(p.extras), *["Chinese"] * p.chinese, *["T2 not named"] * (not p.named)]
        return f"{layout}; {', '.join(more) or 'nothing else'}; {'; '.join(self.troubles)}"


def draw(seed: int, number: int) -> Draw:
    """Return the `number`-th export of a seed."""
    rng = Random(f"{seed}:{number}")
    vendor = rng.choice(sorted(DYNAMICS))
    plan = Plan(
        vendor=vendor,
        chinese=rng.random() < 0.4,
        dynamic=rng.choice(DYNAMICS[vendor]),
        diffusion=rng.choice(DIFFUSIONS),
        b_values=rng.choice(B_VALUES),
        extras=frozenset(x for x in EXTRAS if rng.random() < 0.4),
        named=rng.random() < 0.6,
    )
    drawn = [n for n in HARMLESS if rng.random() < 0.5]
    drawn += [n for n in JITTER if rng.random() < 0.4]
    drawn += rng.sample(sorted(REMOVED), rng.choice((0, 0, 1, 1, 2, 3)))
    drawn += rng.sample(sorted(TYPED), rng.choice((0, 0, 1, 1, 2)))
    for several in ALTERNATIVES:
        meant = [n for n in drawn if n in several]
        drawn = [n for n in drawn if n not in meant[1:]]
    order = list(TROUBLES)
    kept = sorted(set(drawn), key=order.index)
    return Draw(f"{seed}:{number}", plan, tuple(kept))


def smallest(failing: Draw, channel: str) -> Draw:
    """Return a smaller draw of which the same channel is still chosen wrongly."""
    shrunk = True
    while shrunk:
        shrunk = False
        for smaller in _smaller(failing):
            if channel in smaller.verdict().wrong:
                failing, shrunk = smaller, True
                break
    return failing


def _smaller(d: Draw) -> Iterator[Draw]:
    for name in d.troubles:
        yield replace(d, troubles=tuple(n for n in d.troubles if n != name))
    p = d.plan
    for extra in sorted(p.extras):
        yield replace(d, plan=replace(p, extras=p.extras - {extra}))
    plain = Plan(vendor=p.vendor)
    for field in ("chinese", "named", "b_values", "diffusion", "dynamic"):
        if getattr(p, field) != getattr(plain, field):
            yield replace(d, plan=replace(p, **{field: getattr(plain, field)}))
    if p.vendor != "siemens" and p.dynamic in DYNAMICS["siemens"]:
        yield replace(d, plan=replace(p, vendor="siemens"))
