"""The table of how each site's cohort came about, and the words for sources and reasons."""

from hepafed.server.formats import Report, SiteRow
from hepafed.server.report.tables.table import Table

SOURCE_WORDS = {
    "dicom": "DICOM volumes",
    "lld-mmri": "volumes of the LLD-MMRI layout",
    "key-images": "exported key images",
}
LEFT_OUT_WORDS = {
    "unreadable": "no sequence could be read",
    "excluded": "excluded by the site",
    "no_sequence": "a sequence of the protocol is missing",
}
NOT_STATED = "not stated"


def origins(report: Report) -> Table:
    """Tabulate what each site states: sources, and patients and lesions that were not scored."""
    rows = []
    if any(s.origin is not None for s in report.sites):
        rows = [
            (s.site, _source(s), *(_left_out(s, reason) for reason in LEFT_OUT_WORDS))
            for s in report.sites
        ]
    head = ("Site", "Source", *(f"Left out: {w}" for w in LEFT_OUT_WORDS.values()))
    note = (
        "Left out: labelled lesions that were not scored; in brackets, patients of whom no lesion "
        "was scored. Small counts are withheld, and a site need not share them."
    )
    return Table("origins", "How each cohort came about", head, tuple(rows), note)


def _source(site: SiteRow) -> str:
    found = site.origin.sources if site.origin is not None else ()
    return "; ".join(SOURCE_WORDS[s] for s in found) or NOT_STATED


def _left_out(site: SiteRow, reason: str) -> str:
    for part in (site.origin.left_out if site.origin is not None else None) or ():
        if part.reason == reason:
            if part.lesions is None or part.patients is None:
                return "withheld"
            return f"{part.lesions:,} ({part.patients:,})"
    return NOT_STATED
