"""Cohorts that benchmarks/coverage.py simulates, and the intervals that the product gives them."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hepafed.common.disclosure import difference_ends
from hepafed.common.statistics import (
    FIGURES,
    Auc,
    Estimate,
    Sizes,
    clustered_auc,
    delong_auc,
    estimates,
    logistic,
)
from hepafed.server.pooling.caution import few_lost
from hepafed.server.pooling.heterogeneity import combined
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

Floats = NDArray[np.float64]
Ends = tuple[float, float] | None
CORRELATION = 0.5
SAME_CLASS = 0.85
Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Replicate:
    """A true value, the interval of before, and the one that is printed and judged."""

    truth: float
    plain: Ends
    covering: Ends


@dataclass(frozen=True)
class Setting:
    """One row of a table."""

    data: str
    n: int
    """Patients; of random effects, sites."""
    prevalence: float = 0.5
    auc: float = 0.9
    """Of a positive and a negative that are independent."""
    more: float = 0.0
    """Of a margin, how much better the other model is; of random effects, τ on the logit scale.

    Of unequal variances, how much larger the standard deviation of positives is than 1.
    """

    @cached_property
    def shift(self) -> float:
        """How far positives lie above negatives, in standard deviations."""
        return math.sqrt(2) * float(norm.ppf(self.auc))

    @cached_property
    def within(self) -> float:
        """AUC of a positive and a negative of one patient, whose scores correlate."""
        return float(norm.cdf(self.shift / math.sqrt(2 * (1 - CORRELATION))))

    @property
    def cautious(self) -> bool:
        """Whether the report warns that the interval is wider than need be."""
        smaller = int(self.n * min(self.prevalence, 1 - self.prevalence))
        higher = self.auc if self.data == "unequal" else self.auc + self.more
        return few_lost(higher, (smaller, self.n - smaller))

    @property
    def seed(self) -> list[int]:
        """What its random numbers start from."""
        shares = [round(1000 * x) for x in (self.prevalence, self.auc, self.more)]
        return [15, sum(map(ord, self.data)), *shares, self.n]


def independent(rng: np.random.Generator, setting: Setting) -> Replicate:
    """Simulate one score for each patient, binormal; `more` is how much wider positives spread."""
    truth = rng.random(setting.n) < setting.prevalence
    wide = 1 + setting.more
    shift = setting.shift * math.sqrt((1 + wide * wide) / 2)
    scores = rng.normal(size=setting.n) * np.where(truth, wide, 1.0) + shift * truth
    found = delong_auc(scores[truth], scores[~truth])
    if found is None:
        return Replicate(setting.auc, None, None)
    return Replicate(setting.auc, found.interval, found.adjusted)


def lesions(
    rng: np.random.Generator, setting: Setting
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Give scores, truths and patients of 1 + Poisson(2) lesions each."""
    n, prevalence = setting.n, setting.prevalence
    patient = np.repeat(np.arange(n), 1 + rng.poisson(2, n))
    main = (rng.random(n) < prevalence)[patient]
    own = rng.random(len(patient)) < SAME_CLASS
    truth = np.where(own, main, rng.random(len(patient)) < prevalence)
    noise = math.sqrt(CORRELATION) * rng.normal(size=n)[patient] + math.sqrt(
        1 - CORRELATION
    ) * rng.normal(size=len(patient))
    return noise + setting.shift * truth, truth, patient


def clustered(rng: np.random.Generator, setting: Setting) -> Replicate:
    """Simulate lesions in patients.

    The true value is the expectation given the truths: pairs within a patient are easier than
    pairs between patients when scores correlate.
    """
    scores, truth, patient = lesions(rng, setting)
    m, k = (np.bincount(patient, t, setting.n) for t in (truth, ~truth))
    pairs = float(m.sum() * k.sum())
    share = float(m @ k) / pairs if pairs else 0.0
    target = (1 - share) * setting.auc + share * setting.within
    found = clustered_auc(scores, truth, patient)
    if found is None or found[1] is None:
        return Replicate(target, None, None)
    better = found[1]
    return Replicate(target, (better.low or 0.0, better.high or 0.0), better.adjusted)


def margin(rng: np.random.Generator, setting: Setting) -> Replicate:
    """Simulate two models of the same patients; the second is better by exactly the margin."""
    n, root = setting.n, math.sqrt(CORRELATION)
    truth = rng.random(n) < setting.prevalence
    common, other = rng.normal(size=n), math.sqrt(1 - CORRELATION)
    shifts = (setting.shift, math.sqrt(2) * float(norm.ppf(setting.auc + setting.more)))
    models = [root * common + other * rng.normal(size=n) + s * truth for s in shifts]
    aucs = [delong_auc(s[truth], s[~truth]) for s in models]
    a, b = aucs
    if a is None or b is None or a.se is None or b.se is None:
        return Replicate(setting.more, None, None)
    covariance = _covariance(models, truth)
    variance = a.se**2 + b.se**2 - 2 * covariance
    if variance < 1e-12:
        return Replicate(setting.more, None, None)
    half, gain = Z * math.sqrt(variance), b.value - a.value
    both = a.se * b.se
    ends = difference_ends(_estimate(a), _estimate(b), covariance / both if both else 0.0)
    return Replicate(setting.more, (gain - half, gain + half), ends)


def _estimate(auc: Auc) -> Estimate:
    return Estimate(auc.value, se=auc.se, adjusted=auc.adjusted)


def _covariance(models: list[Floats], truth: NDArray[np.bool_]) -> float:
    wins = [(s[truth][:, None] > s[~truth][None, :]).astype(float) for s in models]
    m, k = wins[0].shape
    rows, columns = np.cov([w.mean(1) for w in wins]), np.cov([w.mean(0) for w in wins])
    return float(rows[0, 1] / m + columns[0, 1] / k)


def three_classes(rng: np.random.Generator, setting: Setting) -> dict[str, Replicate]:
    """Simulate lesions of three classes; give the means over classes, without their true value."""
    n = setting.n
    patient = np.repeat(np.arange(n), 1 + rng.poisson(2, n))
    shares = [0.5, 0.5 - setting.prevalence / 2, setting.prevalence / 2]
    main = rng.choice(3, n, p=shares)[patient]
    own = rng.random(len(patient)) < SAME_CLASS
    truth = np.where(own, main, rng.choice(3, len(patient), p=shares))
    noise = math.sqrt(CORRELATION) * rng.normal(size=(n, 3))[patient] + math.sqrt(
        1 - CORRELATION
    ) * rng.normal(size=(len(patient), 3))
    logits = noise + setting.shift * np.eye(3)[truth]
    return _means(logits, truth, patient, n)


def _means(
    logits: Floats, truth: NDArray[np.int64], patient: NDArray[np.int64], n: int
) -> dict[str, Replicate]:
    values: list[Auc | None] = []
    p, q = np.zeros((2, len(FIGURES), n))
    counts = []
    for i, (unit, name) in enumerate(FIGURES):
        here, scores, positive = _figure(unit, name, logits, truth)
        auc = delong_auc(scores[positive], scores[~positive])
        values.append(auc)
        if auc is not None:
            low, high = np.sort(scores[~positive]), np.sort(scores[positive])
            above = np.searchsorted(low, scores[positive]) / len(low) - auc.value
            below = 1 - np.searchsorted(high, scores[~positive]) / len(high) - auc.value
            p[i] = np.bincount(patient[here][positive], above, n)
            q[i] = np.bincount(patient[here][~positive], below, n)
        with_p, with_q = (len(np.unique(patient[here][x])) for x in (positive, ~positive))
        counts.append((int(positive.sum()), int((~positive).sum()), with_p, with_q, n))
    crossed = np.stack([p @ p.T, q @ q.T, p @ q.T], axis=2)
    fourth = np.stack([(p**a * q ** (4 - a)).sum(1) for a in (4, 3, 2, 1, 0)], axis=1)
    _, means = estimates(values, crossed, fourth, Sizes(*np.array(counts, np.int64).T))
    return {
        name: Replicate(e.value, None if e.low is None else (e.low, e.high or 1.0), e.adjusted)
        for name, e in means.items()
        if e is not None
    }


def _figure(
    unit: str, name: str, logits: Floats, truth: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], Floats, NDArray[np.bool_]]:
    """Give the lesions of a figure, their scores and truths; the patients' figure is not needed."""
    classes = ("benign", "primary_malignant", "metastatic")
    of = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    if unit == "patient":
        return np.ones(len(truth), bool), -of[:, 0], truth > 0
    first, other = name.split("_vs_")
    a = classes.index(first)
    here = np.ones(len(truth), bool)
    if other != "rest":
        here = (truth == a) | (truth == classes.index(other))
    odds = of[:, a] - np.log1p(-np.exp(np.minimum(of[:, a], -1e-15)))
    return here, odds[here], truth[here] == a


def sites(rng: np.random.Generator, setting: Setting) -> tuple[Replicate, Replicate] | None:
    """Simulate sites of 40 to 240 patients; give the mean and the place of a further site.

    None where fewer than two have an AUC that can be pooled. True AUCs are normal on the logit.
    """
    centre = math.log(setting.auc / (1 - setting.auc))
    points = []
    for size in rng.integers(40, 241, setting.n):
        auc = logistic(centre + setting.more * rng.normal())
        truth = rng.random(size) < setting.prevalence
        scores = rng.normal(size=size) + math.sqrt(2) * norm.ppf(auc) * truth
        found = delong_auc(scores[truth], scores[~truth])
        if found is not None and found.se and 0 < found.value < 1:
            inner = found.value * (1 - found.value)
            logit = math.log(found.value / (1 - found.value))
            points.append((logit, (found.se / inner) ** 2))
    whole = combined(points)
    if whole is None:
        return None
    further = centre + setting.more * rng.normal()
    half = Z * whole.se
    mean = Replicate(centre, (whole.mean - half, whole.mean + half), whole.ends)
    if len(points) < 3:
        return mean, Replicate(further, None, None)
    wide = student.ppf(0.975, len(points) - 2) * math.sqrt(whole.tau2 + whole.se**2)
    return mean, Replicate(further, None, (whole.mean - wide, whole.mean + wide))
