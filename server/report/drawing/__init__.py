"""The report's figures as SVG."""

from hepafed.server.report.drawing.plot import Plot
from hepafed.server.report.drawing.plots import plots

__all__ = [
    "Plot",
    "plots",
]
