"""How often intervals of lesion rates and of kappa hold their true value, simulated.

Each patient has 1 to 5 lesions. A lesion is of its patient's class in 7 of 10, else of a class
drawn anew. A patient's share of right calls is drawn from a beta distribution, so that two calls of
one patient correlate at `correlation`; a wrong call is of either other class. The true values are
those of the population: what is expected of one lesion.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from hepafed.common.statistics import (
    call_intervals,
    clustered_kappa,
    clustered_mcnemar,
    kappa,
    patient_products,
    rate,
    right_interval,
)
from numpy.typing import NDArray

Counts = NDArray[np.int64]
CLASSES = (0.45, 0.3, 0.25)
"""Shares of the three classes."""
SAME_CLASS = 0.7
MOST_LESIONS = 5
LOOKED_AT = 1
"""The class whose one-versus-rest rates are looked at."""
SIZES = (40, 60, 200, 1000)
RIGHT = (0.6, 0.8, 0.9)
CORRELATIONS = (0.1, 0.3, 0.5)
NAMES = (
    "sensitivity",
    "sensitivity, Wilson",
    "ppv",
    "ppv, Wilson",
    "accuracy",
    "accuracy, Wilson",
    "kappa",
    "kappa, plain",
)
"""The intervals that are looked at: those that are printed, and those that ignore clusters."""


@dataclass(frozen=True)
class RateSetting:
    """One cohort that is simulated many times."""

    n: int
    """Patients."""
    right: float
    """Expected share of right calls."""
    correlation: float
    """Correlation of two right calls of one patient."""

    @property
    def seed(self) -> list[int]:
        """What its random numbers start from."""
        return [15, self.n, round(100 * self.right), round(100 * self.correlation)]

    def truths(self) -> dict[str, float]:
        """Return the true value of each figure."""
        wrong = (1 - self.right) / 2
        table = np.array(
            [
                [p * (self.right if i == j else wrong) for j in range(3)]
                for i, p in enumerate(CLASSES)
            ]
        )
        k, chance = LOOKED_AT, float(table.sum(1) @ table.sum(0))
        return {
            "sensitivity": self.right,
            "ppv": float(table[k, k] / table[:, k].sum()),
            "accuracy": self.right,
            "kappa": (self.right - chance) / (1 - chance),
        }


def rate_settings(sizes: tuple[int, ...] = SIZES) -> list[RateSetting]:
    """Return every setting of the table."""
    return list(itertools.starmap(RateSetting, itertools.product(sizes, RIGHT, CORRELATIONS)))


def rate_coverage(setting: RateSetting, replicates: int) -> dict[str, float]:
    """Return the share of replicates in which each interval of `NAMES` held the true value.

    A replicate without an interval counts as missed.
    """
    rng, truths = np.random.default_rng(setting.seed), setting.truths()
    hits = dict.fromkeys(NAMES, 0)
    for _ in range(replicates):
        patient, truth, call = cohort(rng, setting)
        for name, ends in intervals(patient, setting.n, truth, call).items():
            true = truths[name.split(",")[0]]
            hits[name] += ends is not None and ends[0] <= true <= ends[1]
    return {name: held / replicates for name, held in hits.items()}


def cohort(rng: np.random.Generator, setting: RateSetting) -> tuple[Counts, Counts, Counts]:
    """Return patient, true class and called class of each lesion of one cohort."""
    n, r = setting.n, setting.correlation
    patient = np.repeat(np.arange(n), rng.integers(1, MOST_LESIONS + 1, n))
    lesions = len(patient)
    main, own = rng.choice(3, n, p=CLASSES)[patient], rng.choice(3, lesions, p=CLASSES)
    truth = np.where(rng.random(lesions) < SAME_CLASS, main, own)
    return patient, truth, calls(rng, setting.right, r, patient, truth)


def calls(
    rng: np.random.Generator, right: float, correlation: float, patient: Counts, truth: Counts
) -> Counts:
    """Return one model's call of each lesion."""
    spread = (1 - correlation) / correlation
    share = rng.beta(right * spread, (1 - right) * spread, int(patient.max()) + 1)[patient]
    wrong = (truth + rng.integers(1, 3, len(truth))) % 3
    made: Counts = np.where(rng.random(len(truth)) < share, truth, wrong)
    return made


def intervals(
    patient: Counts, patients: int, truth: Counts, call: Counts
) -> dict[str, tuple[float, float] | None]:
    """Return the ends of each interval of `NAMES`."""
    cell = 3 * truth + call
    table = np.bincount(cell, minlength=9).reshape(3, 3)
    products = patient_products(patient, patients, cell, 9)
    kind = 2 * (truth == LOOKED_AT) + (call == LOOKED_AT)
    called = np.bincount(kind, minlength=4).reshape(2, 2)
    found = call_intervals(called, patient_products(patient, patients, kind, 4))
    whole, agreement = right_interval(table, products), clustered_kappa(table, products)
    plain = kappa(table)
    hit, (_, false), (missed, _) = int(called[1, 1]), called[0], called[1]
    alone = {
        "sensitivity": rate(hit, hit + int(missed)),
        "ppv": rate(hit, hit + int(false)),
        "accuracy": rate(int(np.trace(table)), int(table.sum())),
        "kappa": plain,
    }
    clustered = {
        "sensitivity": found.get("sensitivity"),
        "ppv": found.get("ppv"),
        "accuracy": whole,
        "kappa": agreement,
    }
    made: dict[str, tuple[float, float] | None] = {}
    for name, its in clustered.items():
        made[name] = None if its is None else (its.low, its.high)
        other = alone[name]
        ends = None if other is None or other.low is None or other.high is None else other
        word = f"{name}, {'plain' if name == 'kappa' else 'Wilson'}"
        made[word] = None if ends is None else (ends.low or 0.0, ends.high or 0.0)
    return made


def falsely_different(setting: RateSetting, replicates: int, level: float = 0.05) -> float:
    """Return how often two models that are right alike are found to differ on lesions."""
    rng, found = np.random.default_rng(setting.seed), 0
    for _ in range(replicates):
        patient, truth, first = cohort(rng, setting)
        second = calls(rng, setting.right, setting.correlation, patient, truth)
        gained = (first == truth).astype(np.int64) - (second == truth)
        d = np.bincount(patient, gained, setting.n)
        p = clustered_mcnemar(int(d.sum()), int(d @ d), int(np.count_nonzero(d)))
        found += p is not None and p < level
    return found / replicates
