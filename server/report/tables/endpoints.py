"""The table of the endpoints that were named beforehand."""

from hepafed.server.formats import IntervalEstimate, JudgedEndpoint, Report, why_exploratory
from hepafed.server.report.tables.table import Table
from hepafed.server.report.tables.words import FIGURE_WORDS, NONE, figure, task


def endpoints(report: Report) -> Table:
    """Tabulate what was promised and what came of it."""
    promised = report.evaluation.endpoints if report.evaluation else ()
    late = exploratory(report)
    rows = [
        (
            f"{task(e)}, {FIGURE_WORDS[e.figure]}",
            "primary" if e.primary else "secondary",
            _goal(e),
            _found(e),
            (f"{e.verdict} (exploratory)" if late else e.verdict, e.why),
        )
        for e in promised
    ]
    return Table(
        "endpoints",
        "Registered endpoints",
        ("Endpoint", "Kind", "Goal", "Found", "Verdict"),
        tuple(rows),
    )


def primary(report: Report) -> list[tuple[str, str, str, str, str]]:
    """Return endpoint, goal, what was found, verdict and why, of each primary endpoint."""
    promised = report.evaluation.endpoints if report.evaluation else ()
    return [
        (
            f"{FIGURE_WORDS[e.figure]} ({task(e)})",
            _goal(e),
            _found(e).replace(" (", " (95 % CI "),
            e.verdict,
            e.why,
        )
        for e in promised
        if e.primary
    ]


def exploratory(report: Report) -> str:
    """Return why registered verdicts are exploratory; "" where they are not, or there are none."""
    if not report.evaluation:
        return ""
    return report.evaluation.exploratory or why_exploratory(report.evaluation.sha256, report.look)


def _goal(e: JudgedEndpoint) -> str:
    if e.margin is not None:
        return f"not inferior to {e.against}, margin {e.margin:g}"
    return NONE if e.at_least is None else f"at least {e.at_least:g}"


def _found(e: JudgedEndpoint) -> str:
    if not isinstance(e.difference, float):
        return figure(e)
    low = e.difference_low if isinstance(e.difference_low, float) else None
    high = e.difference_high if isinstance(e.difference_high, float) else None
    return f"difference {figure(IntervalEstimate(value=e.difference, low=low, high=high))}"
