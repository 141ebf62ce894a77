"""Operating points that are chosen from cells, simulated: what they lose, how often they are held.

Three sites whose scores are shifted against each other, a patient's logit normal with one spread in
both classes; n tuning patients a site, in cells of 5 as a site releases them. Each threshold is
judged on the whole population that the patients were drawn from, without a further sample.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from hepafed.common.contract import Figure, TaskSummary, TuningFigures
from hepafed.common.disclosure import choose_threshold
from hepafed.common.errors import RunError
from hepafed.common.statistics import BINS, Histogram, bin_logits, cells_of
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

SHIFTS = (-0.3, 0.1, 0.4)
"""Of the sites, in standard deviations of the scores."""
SPREAD = 1.5
"""Standard deviation of the logits within a class."""
MINIMUM = 5
FAR = 20.0


@dataclass(frozen=True)
class Tuning:
    """A setting: tuning patients a site, share of malignant ones, separation, rule of the plan."""

    patients: int
    prevalence: float
    auc: float
    rule: str = "youden"

    @property
    def apart(self) -> float:
        """Return how far the classes lie apart, in standard deviations."""
        return math.sqrt(2) * float(norm.ppf(self.auc))

    @property
    def seed(self) -> list[int]:
        """What its random numbers start from."""
        shares = round(1000 * self.prevalence), round(1000 * self.auc)
        return [15, self.patients, *shares, *self.rule.encode()]

    def rates(self, logit: float) -> tuple[float, float]:
        """Return sensitivity and specificity of a threshold in the population."""
        z = np.clip(logit / SPREAD, -FAR, FAR) - np.array(SHIFTS)
        caught = norm.sf(z - self.apart / 2).mean()
        return float(caught), float(norm.cdf(z + self.apart / 2).mean())

    def truth(self) -> float:
        """Return the logit that the rule would choose in the population."""
        if self.rule == "youden":
            tried = np.linspace(-4, 4, 8001)
            return float(max(tried, key=lambda t: sum(self.rates(t))))
        figure, aim = self.rule.split(" >= ")
        place = ("sensitivity", "specificity").index(figure)
        return float(brentq(lambda t: self.rates(t)[place] - float(aim), -FAR, FAR))


@dataclass
class Found:
    """What the replicates of a setting came to."""

    cells: list[tuple[float, float]] = field(default_factory=list)
    """Sensitivity and specificity of thresholds from cells."""
    scores: list[tuple[float, float]] = field(default_factory=list)
    """The same from the scores of the same patients."""
    held: list[bool] = field(default_factory=list)
    """Whether an interval from cells holds the population's threshold."""
    refused: int = 0

    @property
    def loss(self) -> float:
        """Return Youden's index that cells lose against scores, on average."""
        if not self.cells:
            return math.nan
        return float(np.sum(self.scores) - np.sum(self.cells)) / len(self.cells)


def simulate(setting: Tuning, replicates: int) -> Found:
    """Choose a threshold from cells and from scores, as often as asked."""
    rng, found, truth = np.random.default_rng(setting.seed), Found(), setting.truth()
    for _ in range(replicates):
        sites = [_site(rng, setting, s) for s in SHIFTS]
        try:
            cells = choose_threshold([_released(*s, MINIMUM) for s in sites], setting.rule)
            single = [_released(*s, 1) for s in sites]
            scores = choose_threshold(single, setting.rule, draws=0)
        except RunError:
            found.refused += 1
            continue
        found.cells.append(setting.rates(_logit(cells.threshold)))
        found.scores.append(setting.rates(_logit(scores.threshold)))
        if cells.low is not None and cells.high is not None:
            found.held.append(_logit(cells.low) <= truth <= _logit(cells.high))
    return found


def _site(
    rng: np.random.Generator, setting: Tuning, shift: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    truth = rng.random(setting.patients) < setting.prevalence
    noise = rng.normal(size=setting.patients)
    return SPREAD * (noise + setting.apart * (truth - 0.5) + shift), truth


def _released(logits: NDArray[np.float64], truth: NDArray[np.bool_], minimum: int) -> TuningFigures:
    """Make what a site releases, in cells of `minimum` scores."""
    bins = bin_logits(logits)
    p, n = (np.bincount(bins[t], minlength=BINS) for t in (truth, ~truth))
    task = TaskSummary(
        unit="patient",
        task="malignant_vs_benign",
        positives=int(p.sum()),
        negatives=int(n.sum()),
        auc=Figure(),
        true_positives=None,
        true_negatives=None,
        cells=cells_of(Histogram(p, n), minimum),
    )
    return TuningFigures(lesions=len(truth), macro_auc=None, tasks=(task,))


def _logit(probability: float) -> float:
    if probability in (0, 1):
        return math.inf if probability else -math.inf
    return math.log(probability / (1 - probability))
