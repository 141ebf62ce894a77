"""The verdicts on what was promised before a validation."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from hepafed.common.contract import Endpoint, Evaluation
from hepafed.server.formats import (
    AucEstimate,
    ComparisonRow,
    IntervalEstimate,
    JudgedEndpoint,
    JudgedEvaluation,
    RateEstimate,
    Report,
    ResultRow,
    covering,
)
from hepafed.server.pooling import reader_too_few
from hepafed.server.runs import Run
from hepafed.server.validation.preregistration import READER


def judged(
    evaluation: Evaluation, run: Run, report: Report, absent: Iterable[str]
) -> JudgedEvaluation:
    """Return what the report says of the evaluation: digest, time, endpoints with verdicts.

    `absent` names the sites that gave no figures.
    """
    return JudgedEvaluation(
        sha256=run.evaluation,
        registered=run.created,
        promised=evaluation,
        absent=tuple(sorted(set(absent) & set(evaluation.cohorts))),
        endpoints=tuple(_verdict(e, report) for e in evaluation.endpoints),
    )


def _verdict(endpoint: Endpoint, report: Report) -> JudgedEndpoint:
    made, undecided = _figure(endpoint, report)
    if endpoint.margin is not None:
        return _non_inferior(made, endpoint, endpoint.margin, report)
    if made.value is None:
        return made
    if endpoint.at_least is None:
        return replace(made, verdict="reported", why="no goal was stated")
    if made.low is None or made.high is None or made.low == made.high or undecided:
        return replace(made, why=undecided or made.why or "there is no interval")
    # a pooled AUC may be off by its bound: the goal has to hold even then
    if made.low - made.bound >= endpoint.at_least:
        return replace(made, verdict="met", why="the whole interval is at or above the goal")
    if made.high + made.bound < endpoint.at_least:
        return replace(made, verdict="missed", why="the whole interval is below the goal")
    inside = made.low < endpoint.at_least <= made.high
    why = "the interval includes the goal" if inside else "the bound of pooling leaves it open"
    return replace(made, verdict="not shown", why=why)


def _figure(endpoint: Endpoint, report: Report) -> tuple[JudgedEndpoint, str]:
    """Find the pooled figure with the interval that is printed, and why it decides nothing."""
    made = JudgedEndpoint(
        **asdict(endpoint),
        value=None,
        low=None,
        high=None,
        bound=0.0,
        why="the report has no such figure",
        verdict="not judged",
    )
    wanted = ("pooled", endpoint.unit, endpoint.task)
    for r in report.results:
        if (r.scope, r.unit, r.task) == wanted:
            found = _named(r, endpoint.figure)
            if found is None:
                return made, ""
            if not isinstance(found, AucEstimate):
                its = found.clustered or found
                rate = replace(made, value=found.value, low=its.low, high=its.high)
                return replace(rate, why=found.reason or its.reason), ""
            chosen = covering(found)
            found_auc = replace(
                made,
                value=found.value,
                low=chosen.low if chosen.decides else None,
                high=chosen.high if chosen.decides else None,
                bound=found.binning_error,
                why=found.reason,
            )
            return found_auc, "" if chosen.decides else chosen.warning
    return made, ""


def _named(row: ResultRow, figure: str) -> AucEstimate | RateEstimate | None:
    """Return the figure of a row that an endpoint can name."""
    found: dict[str, AucEstimate | RateEstimate | None] = {
        "auc": row.auc,
        "sensitivity": row.sensitivity,
        "specificity": row.specificity,
        "ppv": row.ppv,
        "npv": row.npv,
        "accuracy": row.accuracy,
    }
    return found[figure]


def _non_inferior(
    made: JudgedEndpoint, endpoint: Endpoint, margin: float, report: Report
) -> JudgedEndpoint:
    """Judge model − comparator: shown when the lower end of its interval is above −margin."""
    found = _difference(endpoint, report)
    if found is None:
        why = f"no comparison with {endpoint.against} was released"
        return replace(made, verdict="not judged", why=why)
    difference = found.figure
    made = replace(
        made,
        difference=difference.value,
        difference_low=difference.low,
        difference_high=difference.high,
    )
    if found.undecided:
        return replace(made, verdict="not judged", why=found.undecided)
    if difference.low is None or difference.low == difference.high:
        return replace(made, verdict="not judged", why=difference.reason or "no interval")
    # the bins may have moved the difference by the bound: it has to hold even then
    if difference.low - found.bound > -margin:
        return replace(made, verdict="non-inferior", why="the interval is above −margin")
    return replace(made, verdict="not shown", why="the interval reaches below −margin")


@dataclass(frozen=True)
class _Difference:
    """Model − comparator with the interval that is printed."""

    figure: IntervalEstimate
    bound: float = 0.0
    undecided: str = ""
    """Why it decides nothing."""


def _difference(endpoint: Endpoint, report: Report) -> _Difference | None:
    """Find model − reader of a rate, or model − other model of an AUC.

    None: no such comparison was released.
    """
    name = endpoint.against.removeprefix(READER)
    if (endpoint.unit, endpoint.task) == ("patient", "malignant_vs_benign"):
        for r in report.readers:
            if r.reader.removeprefix(READER) == name:
                rates = {
                    "sensitivity": r.sensitivity_difference,
                    "specificity": r.specificity_difference,
                }
                found = rates.get(endpoint.figure)
                return None if found is None else _Difference(found, 0.0, reader_too_few(r))
    own = report.model.id
    others = report.provenance.compared_models or ()
    against = {m.sha256: m.id for m in others}.get(endpoint.against, endpoint.against)
    wanted = ("pooled", endpoint.unit, endpoint.task)
    for c in report.comparisons:
        if (c.scope, c.unit, c.task) != wanted or endpoint.figure != "auc":
            continue
        if {c.first, c.second} != {against, own}:
            continue
        why = c.non_inferiority.why if c.non_inferiority else ""
        if c.covering is not None and not c.covering.decides:
            why = why or c.covering.warning
        shown = _printed(c)
        return _Difference(shown if c.second == own else _turned(shown), c.binning_error, why)
    return None


def _printed(c: ComparisonRow) -> IntervalEstimate:
    """Return second − first with the interval that is printed."""
    if c.covering is None:
        return c.difference
    return replace(c.difference, low=c.covering.low, high=c.covering.high)


def _turned(d: IntervalEstimate) -> IntervalEstimate:
    """Return a difference the other way round."""
    value, low, high = (None if v is None else -v for v in (d.value, d.high, d.low))
    return replace(d, value=value, low=low, high=high)
