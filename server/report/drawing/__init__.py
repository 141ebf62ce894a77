"""The report's figures as SVG."""

from hepafed.server.report.drawing.plots import figures

__all__ = [
    "figures",
]
