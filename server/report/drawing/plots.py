"""All figures of the page, from the numbers of the report."""

from dataclasses import replace

from hepafed.server.formats import Report
from hepafed.server.report.drawing.calibration import calibration_plot
from hepafed.server.report.drawing.curves import class_roc_plot, pr_plot, roc_plot
from hepafed.server.report.drawing.decision import decision_plot
from hepafed.server.report.drawing.plot import Plot
from hepafed.server.report.drawing.site_aucs import forest_plot

NOISE = "counts with noise do not give it"


def plots(report: Report) -> dict[str, Plot]:
    """Return every figure of the page by its id, in the order of their numbers.

    A table of benign and malignant has no figure by class of lesion.
    """
    made = (
        roc_plot(report),
        *([class_roc_plot(report)] if report.classes is None else []),
        forest_plot(report),
        pr_plot(report),
        calibration_plot(report),
        decision_plot(report),
    )
    if report.noise is not None:
        made = tuple(p if p.svg is not None else replace(p, reason=NOISE) for p in made)
    return {p.id: p for p in made}
