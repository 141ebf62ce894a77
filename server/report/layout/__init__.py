"""How the page is set: which sections it has no figures for, and which words stay on one line."""

from hepafed.server.report.layout.absent import absent_sections
from hepafed.server.report.layout.no_break import no_breaks

__all__ = ["absent_sections", "no_breaks"]
