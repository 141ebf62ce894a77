"""How often the 95 % intervals of an AUC hold its true value, simulated; prints the table.

python benchmarks/coverage.py [--quick] [--replicates 10000] [--data clustered]

Binormal scores. `independent`: n patients, one score each. `clustered`: n patients of
1 + Poisson(2) lesions; a lesion is of its patient's class in 85 of 100; scores within a patient
correlate at 0.5.
The true value is the expectation of the AUC given the truths of each replicate: pairs within a
patient are easier than pairs between patients when scores correlate.

Columns: `delong` is the plain interval that the report prints as auc.low and auc.high, `logit` the
one on the logit scale (auc.logit), `clustered` Obuchowski's (auc.clustered). Where a replicate
has no interval (one class only) it counts as missed. Each setting has its own seed, so that its
figures do not depend on which others were run.
"""

import argparse
import itertools
import json
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hepafed.common.statistics import clustered_auc, delong_auc
from scipy.stats import norm

AUCS = (0.7, 0.8, 0.9, 0.95, 0.98)
SIZES = (60, 200, 1000, 3000)
PREVALENCES = (0.5, 0.25)
CORRELATION = 0.5
SAME_CLASS = 0.85
LOW, HIGH = 0.93, 0.97


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    data: str
    prevalence: float
    auc: float
    """Of a positive and a negative that are independent."""
    n: int

    @cached_property
    def shift(self) -> float:
        """How far positives lie above negatives, in standard deviations."""
        return math.sqrt(2) * float(norm.ppf(self.auc))

    @cached_property
    def within(self) -> float:
        """AUC of a positive and a negative of one patient, whose scores correlate."""
        return float(norm.cdf(self.shift / math.sqrt(2 * (1 - CORRELATION))))

    @property
    def seed(self) -> list[int]:
        """What its random numbers start from."""
        shares = round(1000 * self.prevalence), round(1000 * self.auc)
        return [6, int(self.data == "clustered"), *shares, self.n]


@dataclass
class Hits:
    """Replicates in which each interval held the truth."""

    delong: int = 0
    logit: int = 0
    clustered: int = 0
    clustered_logit: int = 0


def holds(ends: tuple[float, float] | None, truth: float) -> bool:
    """Return whether an interval holds the truth."""
    return ends is not None and ends[0] <= truth <= ends[1]


def simulate(setting: Setting, replicates: int) -> list[float]:
    """Give the share of replicates in which each interval of `Hits` held the truth."""
    rng, hits = np.random.default_rng(setting.seed), Hits()
    one = independent if setting.data == "independent" else clustered
    for _ in range(replicates):
        one(rng, setting, hits)
    return [held / replicates for held in vars(hits).values()]


def independent(rng: np.random.Generator, setting: Setting, hits: Hits) -> None:
    """Simulate one replicate of independent scores."""
    truth = rng.random(setting.n) < setting.prevalence
    scores = rng.normal(size=setting.n) + setting.shift * truth
    found = delong_auc(scores[truth], scores[~truth])
    if found is not None:
        hits.delong += holds(found.interval, setting.auc)
        hits.logit += holds(found.adjusted, setting.auc)


def clustered(rng: np.random.Generator, setting: Setting, hits: Hits) -> None:
    """Simulate one replicate of lesions in patients."""
    n, prevalence = setting.n, setting.prevalence
    patient = np.repeat(np.arange(n), 1 + rng.poisson(2, n))
    main = (rng.random(n) < prevalence)[patient]
    own = rng.random(len(patient)) < SAME_CLASS
    truth = np.where(own, main, rng.random(len(patient)) < prevalence)
    scores = (
        math.sqrt(CORRELATION) * rng.normal(size=n)[patient]
        + math.sqrt(1 - CORRELATION) * rng.normal(size=len(patient))
        + setting.shift * truth
    )
    found = clustered_auc(scores, truth, patient)
    if found is None:
        return
    plain, better = found
    m, k = np.bincount(patient, truth, n), np.bincount(patient, ~truth, n)
    share = float(m @ k) / float(m.sum() * k.sum())  # of pairs within a patient
    target = (1 - share) * setting.auc + share * setting.within
    hits.delong += holds(plain.interval, target)
    hits.logit += holds(plain.adjusted, target)
    if better is not None and better.low is not None and better.high is not None:
        hits.clustered += holds((better.low, better.high), target)
        hits.clustered_logit += holds(better.adjusted, target)


def main() -> None:
    """Run all cells, print the table and the closing line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="5,000 replicates, n = 60 alone")
    parser.add_argument("--replicates", type=int, default=10_000)
    parser.add_argument("--data", choices=["independent", "clustered"], help="only this half")
    asked = parser.parse_args()
    replicates = 5000 if asked.quick else asked.replicates
    sizes = [n for n in SIZES if not asked.quick or n == SIZES[0]]
    print(
        f"{replicates} replicates; standard error of a coverage near 0.95: "
        f"{100 * math.sqrt(0.95 * 0.05 / replicates):.2f} %\n"
    )
    print("| data | positives | AUC | n | delong | logit | clustered | clustered, logit |")
    print("|---|---|---|---|---|---|---|---|")
    fit: list[float] = []
    halves = [d for d in ("independent", "clustered") if asked.data in (None, d)]
    for setting in itertools.starmap(Setting, itertools.product(halves, PREVALENCES, AUCS, sizes)):
        shares = simulate(setting, replicates)
        shown = [f"{100 * s:.1f}" for s in shares]
        if setting.data == "independent":
            shown[2:] = ["", ""]
        head = f"{setting.data} | {setting.prevalence:.2f} | {setting.auc} | {setting.n}"
        print(f"| {head} | {' | '.join(shown)} |", flush=True)
        # the interval that is offered for it: on the logit scale
        fit.append(shares[1] if setting.data == "independent" else shares[3])
    inside = sum(LOW <= s <= HIGH for s in fit) / len(fit)
    print(
        json.dumps(
            {
                "benchmark": "coverage",
                "ours": inside,
                "theirs": 1.0,
                "unit": "share of settings in which the interval on the logit scale covers 93-97 %",
                "ratio": inside,
                "target": 1.0,
                "met": inside >= 1.0,
            }
        )
    )


if __name__ == "__main__":
    main()
