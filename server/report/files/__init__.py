"""The report's other files: figures, tables for LaTeX and Word, the citation, and the check."""

from hepafed.server.report.files.checksums import Signed, digest, write_folder
from hepafed.server.report.files.citation import citation_cff
from hepafed.server.report.files.figures import DPI, figure_files, pictures_of
from hepafed.server.report.files.latex import latex_files
from hepafed.server.report.files.verify import Verified, verify_folder
from hepafed.server.report.files.word import word_document

__all__ = [
    "DPI",
    "Signed",
    "Verified",
    "citation_cff",
    "digest",
    "figure_files",
    "latex_files",
    "pictures_of",
    "verify_folder",
    "word_document",
    "write_folder",
]
