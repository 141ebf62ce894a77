"""How often the 95 % intervals of an AUC hold its true value, simulated; prints the table.

python benchmarks/coverage.py [--quick] [--replicates 2000] [--data clustered]

Binormal scores. `independent`: n patients, one score each. `clustered`: n patients of
1 + Poisson(2) lesions; a lesion is of its patient's class in 85 of 100; scores within a patient
correlate at 0.5.
The true value is the expectation of the AUC given the truths of each replicate: pairs within a
patient are easier than pairs between patients when scores correlate.

Columns: `delong` is the plain interval that the report prints as auc.low and auc.high, `logit` the
one on the logit scale (auc.logit), `clustered` Obuchowski's (auc.clustered). Where a replicate
has no interval (one class only) it counts as missed.
"""

import argparse
import json
import math
from dataclasses import dataclass

import numpy as np
from hepafed.common.auc import delong_auc
from hepafed.common.obuchowski import clustered_auc
from scipy.stats import norm

AUCS = (0.7, 0.8, 0.9, 0.95, 0.98)
SIZES = (60, 200, 1000, 3000)
PREVALENCES = (0.5, 0.25)
CORRELATION = 0.5
SAME_CLASS = 0.85
LOW, HIGH = 0.93, 0.97


@dataclass
class Hits:
    """Replicates in which each interval held the truth."""

    delong: int = 0
    logit: int = 0
    clustered: int = 0
    clustered_logit: int = 0


def holds(ends: tuple[float, float] | None, truth: float) -> bool:
    """Say whether an interval holds the truth."""
    return ends is not None and ends[0] <= truth <= ends[1]


def independent(
    rng: np.random.Generator, auc: float, n: int, prevalence: float, hits: Hits
) -> None:
    """Simulate one replicate of independent scores."""
    shift = math.sqrt(2) * float(norm.ppf(auc))
    truth = rng.random(n) < prevalence
    scores = rng.normal(size=n) + shift * truth
    found = delong_auc(scores[truth], scores[~truth])
    if found is not None:
        hits.delong += holds(found.interval, auc)
        hits.logit += holds(found.adjusted, auc)


def clustered(rng: np.random.Generator, auc: float, n: int, prevalence: float, hits: Hits) -> None:
    """Simulate one replicate of lesions in patients."""
    shift = math.sqrt(2) * float(norm.ppf(auc))
    patient = np.repeat(np.arange(n), 1 + rng.poisson(2, n))
    main = (rng.random(n) < prevalence)[patient]
    own = rng.random(len(patient)) < SAME_CLASS
    truth = np.where(own, main, rng.random(len(patient)) < prevalence)
    scores = (
        math.sqrt(CORRELATION) * rng.normal(size=n)[patient]
        + math.sqrt(1 - CORRELATION) * rng.normal(size=len(patient))
        + shift * truth
    )
    found = clustered_auc(scores, truth, patient)
    if found is None:
        return
    plain, better = found
    m, k = np.bincount(patient, truth, n), np.bincount(patient, ~truth, n)
    within = float(m @ k) / float(m.sum() * k.sum())
    easy = float(norm.cdf(shift / math.sqrt(2 * (1 - CORRELATION))))
    target = (1 - within) * auc + within * easy
    hits.delong += holds(plain.interval, target)
    hits.logit += holds(plain.adjusted, target)
    if better is not None and better.low is not None and better.high is not None:
        hits.clustered += holds((better.low, better.high), target)
        hits.clustered_logit += holds(better.adjusted, target)


def main() -> None:
    """Run all cells, print the table and the closing line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 replicates, n up to 200")
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--data", choices=["independent", "clustered"], help="only this half")
    asked = parser.parse_args()
    replicates = 200 if asked.quick else asked.replicates
    sizes = [n for n in SIZES if not asked.quick or n <= 200]
    rng = np.random.default_rng(6)
    print(f"{replicates} replicates; standard error of a coverage near 0.95: "
          f"{100 * math.sqrt(0.95 * 0.05 / replicates):.1f} %\n")  # fmt: skip
    print("| data | positives | AUC | n | delong | logit | clustered | clustered, logit |")
    print("|---|---|---|---|---|---|---|---|")
    fit: list[float] = []
    for name, simulate in (("independent", independent), ("clustered", clustered)):
        if asked.data not in (None, name):
            continue
        for prevalence in PREVALENCES:
            for auc in AUCS:
                for n in sizes:
                    hits = Hits()
                    for _ in range(replicates):
                        simulate(rng, auc, n, prevalence, hits)
                    shares = [h / replicates for h in vars(hits).values()]
                    shown = [f"{100 * s:.1f}" for s in shares]
                    if name == "independent":
                        shown[2:] = ["", ""]
                    print(f"| {name} | {prevalence:.2f} | {auc} | {n} | {' | '.join(shown)} |",
                          flush=True)  # fmt: skip
                    # the interval that is offered for it: on the logit scale
                    fit.append(shares[1] if name == "independent" else shares[3])
    inside = sum(LOW <= s <= HIGH for s in fit) / len(fit)
    print(json.dumps({
        "benchmark": "coverage", "ours": inside, "theirs": 1.0,
        "unit": "share of settings in which the interval on the logit scale covers 93-97 %",
        "ratio": inside, "target": 1.0, "met": inside >= 1.0,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
