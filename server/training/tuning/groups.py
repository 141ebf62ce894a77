"""Among which sites a round's tuning counts are summed.

The sums of a cohort stay with one group of sites (docs/decisions/0013). Each site says with which
group its own were opened; those that say nothing were in none.
"""

from collections.abc import Mapping

from hepafed.common.contract import TuningFigures
from hepafed.common.disclosure import FEWEST_SITES

RESET = "client peers --new-group at each of these sites lets them sum with others"


def group_of(figures: Mapping[str, TuningFigures]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the sites to sum over, in order, and why each other site that masks is not one.

    A group that was opened before is summed again only whole; sites that were in no sum make a new
    one. Of several possible groups the one of most sites is taken, then one on which all of its
    sites agree, then that of most lesions: one site that lies about its group divides no others.
    """
    masked = {s: f for s, f in sorted(figures.items()) if f.form == "masked"}
    able = {s: f for s, f in masked.items() if f.lesions}
    new = tuple(s for s, f in able.items() if not f.group)
    found = [g for g in {f.group for f in able.values() if f.group} if _possible(g, able)]
    if len(new) >= FEWEST_SITES:
        found.append(new)
    chosen = max(found, key=lambda g: _rank(g, able), default=())
    return chosen, {s: _why(s, f, chosen, able) for s, f in masked.items() if s not in chosen}


def _possible(group: tuple[str, ...], able: Mapping[str, TuningFigures]) -> bool:
    """Tell whether a group is there, and no site of it was summed with another one."""
    return all(s in able and able[s].group in ((), group) for s in group)


def _rank(group: tuple[str, ...], able: Mapping[str, TuningFigures]) -> tuple[int, bool, int]:
    agreed = len({able[s].group for s in group}) == 1
    return len(group), agreed, sum(able[s].lesions for s in group)


def _why(
    site: str, own: TuningFigures, chosen: tuple[str, ...], able: Mapping[str, TuningFigures]
) -> str:
    """Return why a site that masks is not in the round's sum."""
    if site not in able:
        return f"no tuning counts: {own.reason or 'no tuning patient'}"
    absent = [s for s in own.group if s not in able]
    if absent:
        return (
            f"its tuning counts are summed only with {', '.join(own.group)}, and "
            f"{', '.join(absent)} gave none in this round; {RESET}"
        )
    if not chosen:
        return "no other site sums its tuning counts under masks with this one"
    return f"its tuning counts are outside of the masked sum of {', '.join(chosen)}; {RESET}"
