"""The rows of `comparisons`: two models on the same cases."""

from dataclasses import dataclass

from hepafed.common.records import optional
from hepafed.server.formats.estimates import BriefAuc, CoveringInterval, IntervalEstimate
from hepafed.server.formats.values import Count, PooledOrSite, Probability, Task, Unit


@dataclass(frozen=True, kw_only=True)
class NonInferiority:
    """Whether the first model is not inferior to the second by a margin stated beforehand."""

    margin: Probability
    """How much lower the first model's AUC may be."""
    holds: bool
    """Whether the second's gain, its interval and the bound of the bins, is below the margin."""
    why: str = optional("")
    """Why no verdict was given (then `holds` is false); empty where one was."""


@dataclass(frozen=True, kw_only=True)
class LostCases:
    """Cases of a site that are in the report and not in the comparison."""

    site: str
    """The site."""
    n: Count
    """Its cases in the comparison."""
    of: Count
    """Its cases in the report."""
    reason: str = optional("")
    """Why the site is not in it; empty where some of its cases are."""


@dataclass(frozen=True, kw_only=True)
class McNemarResult:
    """Which of two models' calls are right, each at its own operating point."""

    first_right_second_wrong: Count | None
    """Cases that only the first model calls right; null where they are withheld."""
    first_wrong_second_right: Count | None
    """Cases that only the second model calls right; null where they are withheld."""
    p: Probability | None
    """P value of the test of `method`."""
    p_holm: Probability | None
    """The same, adjusted after Holm (1979) over the pairs of models."""
    reason: str = optional("")
    """Why there are no counts, or no test."""
    method: str = optional("exact")
    """`exact` (McNemar's, of patients), or `clustered`: of lesions, over patients."""


@dataclass(frozen=True, kw_only=True)
class ComparisonRow:
    """Two models on the cases of one scope, unit and task that every compared model scored."""

    scope: PooledOrSite
    """Scope: whose cases are counted."""
    site: str | None
    """The site, where the scope is `site`."""
    first: str
    """Id of the first model."""
    second: str
    """Id of the second model."""
    unit: Unit
    """Unit that is counted: `patient` or `lesion`."""
    task: Task
    """Question that the row answers."""
    n: Count
    """Number of cases."""
    positives: Count
    """Number of positives."""
    auc_first: BriefAuc
    """AUC of the first model."""
    auc_second: BriefAuc
    """AUC of the second model."""
    difference: IntervalEstimate
    """AUC of second − first, with the interval of the paired DeLong method.

    The page prints the opposite, first − second: there a plus is in favour of the first model.
    """
    binning_error: Probability
    """How far the released bins can have moved the difference at most."""
    method: str
    """How the difference was made, in words."""
    p: Probability | None
    """P value of the paired DeLong test."""
    p_holm: Probability | None
    """The same, adjusted after Holm (1979) over the pairs of models."""
    non_inferiority: NonInferiority | None
    """The verdict, where a margin was stated."""
    reason: str = optional("")
    """Why there is no difference, no interval or no test."""
    mcnemar: McNemarResult
    """The calls of both models."""
    covering: CoveringInterval | None = optional(None)
    """The interval of the difference that is printed and judged; absent where there is none."""
    of: Count | None = optional(None)
    """Cases of the report that the comparison could have had."""
    lost: tuple[LostCases, ...] | None = optional(None)
    """Sites of which cases are missing in the comparison."""
    sites: tuple[str, ...] | None = optional(None)
    """Sites in the pooled comparison; of pooled rows alone."""
    absent: tuple[str, ...] | None = optional(None)
    """Sites of the report that are not in the comparison; of pooled rows alone."""
