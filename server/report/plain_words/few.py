"""First page: so few patients of a class that they decide nothing."""

from hepafed.server.formats import Report
from hepafed.server.report.facts import counted, pooled
from hepafed.server.report.tables import VERY_FEW, class_sizes, very_few

TOUCHED = {
    "malignant": "sensitivity, AUC, calibration and decision curve",
    "benign": "specificity, AUC, calibration and decision curve",
}
"""What rests on the patients of a class."""


def decides_nothing(report: Report) -> str:
    """Speak where a class has fewer than `VERY_FEW` patients, and say what can be chance."""
    row = pooled(report)
    if row is None or not very_few(report):
        return ""
    about = "about " if report.noise is not None else ""
    sizes = class_sizes(report)
    if sum(sizes.values()) < 2 * VERY_FEW:
        each = ", ".join(f"{n:,} {name}" for name, n in sizes.items())
        verb = "decides" if row.n == 1 else "decide"
        said = f"{about}{counted(row.n, 'patient')} ({each}) {verb} nothing. Every figure of this "
        return _sentence(f"{said}report can be chance.")
    parts = []
    for name, n in sizes.items():
        if n >= VERY_FEW:
            continue
        if n <= 0:
            parts.append(f"No patient is {name}. This test says nothing of {TOUCHED[name]}.")
            continue
        verb = "decides" if n == 1 else "decide"
        whom = counted(n, f"{name} patient")
        said = f"{about}{whom} {verb} nothing: {TOUCHED[name]} can be chance."
        parts.append(_sentence(said))
    return " ".join(parts)


def risks_undecided(report: Report) -> str:
    """Speak where so few patients cannot tell of risks and net benefit."""
    if not very_few(report):
        return ""
    return (
        "So few patients of a class cannot show whether predicted risks can be believed, or where "
        "acting on the model helps."
    )


def _sentence(said: str) -> str:
    return said[0].upper() + said[1:]
