"""How often the intervals that a report prints hold the true value, simulated; prints the tables.

python benchmarks/coverage.py [--quick] [--replicates 4000] [--part macro]

Parts (their cohorts: parts/coverage_settings.py):

- `independent`: binormal scores, one a patient. `clustered`: lesions of patients, correlation 0.5.
- `unequal`: as `independent`, but positives spread 1.5 or 2 times as far as negatives.
- `macro`: means of AUCs over three classes of lesions, macro and Hand and Till's.
- `margin`: a model that is worse by exactly the margin; how often it is "not inferior".
- `sites`: the mean AUC of 2 to 10 sites that differ by τ on the logit scale, and a further site.

Columns: `plain` is the coverage of the interval of before (DeLong's, Obuchowski's, DerSimonian and
Laird's), `printed` that of the interval that is printed, drawn and judged. `too high`: it begins
above the true value, so a goal equal to the truth would be "met" (of a margin: "not inferior" is
shown). Where a replicate has no interval it counts as missed in `plain`, and in `printed` it is
left out: nothing is printed or judged then (`none`). Each setting has its own seed, so that its
figures do not depend on which others were run.

A setting fits where `printed` is 93 to 97 % and `too high` at most 3.5 %. More than 97 % also fits
where the report itself warns: few cases at a high AUC, or few sites. With unequal spreads every
setting with that remark fits: the remark says what happens then.
"""

import argparse
import itertools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from hepafed.server.pooling.caution import few_lost
from parts.coverage_settings import (
    Ends,
    Replicate,
    Setting,
    clustered,
    independent,
    margin,
    sites,
    three_classes,
)

LOW, HIGH, MOST = 0.93, 0.97, 0.035
AUCS = (0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
PREVALENCES = (0.5, 0.25, 0.15)
SIZES = (40, 60, 100, 200, 1000)
FEW_SITES = 5
"""Sites up to which the report warns that the interval of their mean is wide."""


@dataclass
class Shares:
    """What a setting came to."""

    plain: float
    printed: float
    high: float
    """How often the printed interval begins above the truth (of a margin: ends below it)."""
    none: float
    replicates: int


def holds(ends: Ends, truth: float) -> bool:
    """Return whether an interval holds the truth."""
    return ends is not None and ends[0] <= truth <= ends[1]


def shares(found: list[Replicate], side: int = 0) -> Shares:
    """Count; `side` is the end that a verdict hangs on: 0 the lower, 1 the upper."""
    printed = [(r.covering, r.truth) for r in found if r.covering is not None]
    wrong = [e[0] > t if side == 0 else e[1] < t for e, t in printed]
    return Shares(
        plain=sum(holds(r.plain, r.truth) for r in found) / len(found),
        printed=sum(holds(*p) for p in printed) / max(len(printed), 1),
        high=sum(wrong) / len(found),
        none=1 - len(printed) / len(found),
        replicates=len(found),
    )


def simulated(
    one: Callable[[np.random.Generator, Setting], Replicate], setting: Setting, replicates: int
) -> list[Replicate]:
    """Draw the replicates of a setting."""
    rng = np.random.default_rng(setting.seed)
    return [one(rng, setting) for _ in range(replicates)]


def fits(made: Shares, *, small: bool, warned: bool) -> bool:
    """Return whether a setting is as promised; of `small` cohorts no verdict is promised.

    A coverage may be above 97 % by one standard error of the simulation.
    """
    error = math.sqrt(HIGH * (1 - HIGH) / made.replicates)
    wide = made.printed <= HIGH + error or warned
    return made.printed >= LOW and wide and (small or made.high <= MOST)


def line(name: str, made: Shares, *, fit: bool) -> bool:
    """Print a row of a table and return whether it fits."""
    plain, printed, high, none = (
        f"{100 * s:.1f}" for s in (made.plain, made.printed, made.high, made.none)
    )
    mark = "" if fit else "no"
    print(f"| {name} | {plain} | {printed} | {high} | {none} | {mark} |", flush=True)
    return fit


def aucs(part: str, sizes: list[int], replicates: int) -> Iterator[bool]:
    """Simulate AUCs of independent patients or of clustered lesions."""
    one = independent if part == "independent" else clustered
    for prevalence, auc, n in itertools.product(PREVALENCES, AUCS, sizes):
        setting = Setting(part, n, prevalence, auc)
        if n * min(prevalence, 1 - prevalence) < 8:
            continue
        made = shares(simulated(one, setting, replicates))
        fit = fits(made, small=n < 60, warned=setting.cautious)
        yield line(f"{part}, {prevalence:.0%}, AUC {auc}, n {n}", made, fit=fit)


def unequal(sizes: list[int], replicates: int) -> Iterator[bool]:
    """Simulate positives whose scores spread 1.5 or 2 times as far as those of negatives."""
    for more, prevalence, auc, n in itertools.product((0.5, 1.0), (0.5, 0.15), AUCS[1:], sizes):
        setting = Setting("unequal", n, prevalence, auc, more)
        if n * min(prevalence, 1 - prevalence) < 8:
            continue
        made = shares(simulated(independent, setting, replicates))
        fit = setting.cautious or fits(made, small=n < 60, warned=False)
        yield line(f"spread × {1 + more}, {prevalence:.0%}, AUC {auc}, n {n}", made, fit=fit)


def macros(sizes: list[int], replicates: int) -> Iterator[bool]:
    """Simulate means over classes; their true value is the mean of the replicates."""
    for prevalence, auc, n in itertools.product((0.5, 0.25), (0.7, 0.85, 0.95, 0.98), sizes):
        setting = Setting("macro", n, prevalence, auc)
        rng = np.random.default_rng(setting.seed)
        drawn = [three_classes(rng, setting) for _ in range(max(replicates // 2, 200))]
        for name in ("macro", "hand_till"):
            found = [d[name] for d in drawn if name in d]
            truth = float(np.mean([r.truth for r in found]))
            made = shares([Replicate(truth, r.plain, r.covering) for r in found])
            rarest = int(n * prevalence / 2)
            few = few_lost(truth, (rarest, n - rarest))
            fit = fits(made, small=n < 60, warned=few)
            words = f"{name}, rarest {prevalence / 2:.0%}, AUC {truth:.3f}, n {n}"
            yield line(words, made, fit=fit)


def margins(sizes: list[int], replicates: int) -> Iterator[bool]:
    """Simulate models that are worse by exactly the margin."""
    pairs = ((0.80, 0.05), (0.85, 0.05), (0.90, 0.05), (0.85, 0.10), (0.94, 0.05))
    for prevalence, (auc, gap), n in itertools.product(PREVALENCES, pairs, sizes):
        setting = Setting("margin", n, prevalence, auc, gap)
        if n * prevalence < 8:
            continue
        made = shares(simulated(margin, setting, replicates), side=1)
        fit = fits(made, small=False, warned=setting.cautious)
        words = f"margin {gap}, {prevalence:.0%}, AUC {auc} and {auc + gap:.2f}, n {n}"
        yield line(words, made, fit=fit)


def between(counts: list[int], replicates: int) -> Iterator[bool]:
    """Simulate sites that differ by τ."""
    for auc, tau, k in itertools.product((0.8, 0.9), (0.0, 0.25, 0.5), counts):
        setting = Setting("sites", k, 0.4, auc, tau)
        rng = np.random.default_rng(setting.seed)
        drawn = [d for _ in range(replicates) if (d := sites(rng, setting)) is not None]
        made = shares([mean for mean, _ in drawn])
        fit = fits(made, small=False, warned=k <= FEW_SITES or tau == 0)
        yield line(f"{k} sites, τ {tau}, AUC {auc}", made, fit=fit)
        if k >= 3:
            made = shares([further for _, further in drawn])
            words = f"{k} sites, τ {tau}, AUC {auc}, a further site"
            line(words, made, fit=made.printed >= LOW)


def main() -> None:
    """Run all parts, print the tables and the closing line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="500 replicates, n = 60 alone")
    parser.add_argument("--replicates", type=int, default=4000)
    parts = ("independent", "unequal", "clustered", "macro", "margin", "sites")
    parser.add_argument("--part", choices=parts, help="only this one")
    asked = parser.parse_args()
    replicates = 500 if asked.quick else asked.replicates
    sizes = [60] if asked.quick else list(SIZES)
    counts = [3] if asked.quick else [2, 3, 5, 10]
    print(
        f"{replicates} replicates; standard error of a coverage near 0.95: "
        f"{100 * math.sqrt(0.95 * 0.05 / replicates):.2f} %\n"
    )
    print("| setting | plain | printed | too high | none | |")
    print("|---|---|---|---|---|---|")
    runs = {
        "independent": lambda: aucs("independent", sizes, replicates),
        "unequal": lambda: unequal([n for n in sizes if n >= 60], replicates),
        "clustered": lambda: aucs("clustered", sizes, replicates),
        "macro": lambda: macros([n for n in sizes if n <= 200], replicates),
        "margin": lambda: margins([n for n in sizes if 60 <= n <= 200], replicates),
        "sites": lambda: between(counts, replicates),
    }
    found = [fit for name, run in runs.items() if asked.part in (None, name) for fit in run()]
    inside = sum(found) / len(found)
    unit = "share of settings in which the printed interval covers 93-97 % (more with a warning)"
    print(
        json.dumps(
            {
                "benchmark": "coverage",
                "ours": inside,
                "theirs": 1.0,
                "unit": f"{unit} and a false verdict is at most 3.5 %",
                "ratio": inside,
                "target": 1.0,
                "met": inside >= 1.0,
            }
        )
    )


if __name__ == "__main__":
    main()
