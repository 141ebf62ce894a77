"""The tables of the patients: how each site's cohort came about, and what is known of it."""

from collections.abc import Iterator, Sequence

from hepafed.common.contract import CLASS_KEYS
from hepafed.server.formats import NoisePart, Report, SiteRow
from hepafed.server.report.tables.rounding import percent
from hepafed.server.report.tables.table import Table, has_lesions, is_headline
from hepafed.server.report.tables.words import NONE

CLASS_WORDS = tuple(k.replace("_", " ") for k in CLASS_KEYS)
NOT_STATED, NOT_RELEASED = "not stated", "not released"
SITES_A_TABLE = 5
"""Sites that stand beside each other in one Table 1."""
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
UNKNOWN = {
    "Images": "where the images came from",
    "Patients labelled": "how many patients were labelled",
    "Left out": "what was left out",
}
"""What a column that no site fills would say."""
Cell = object
Known = dict[str | None, int | None]
"""A count by site; None where it is withheld."""


def flow(report: Report) -> Table:
    """Tabulate by site where lesions came from, what was left out and why, what was analysed."""
    rows: list[tuple[Cell, ...]] = [
        (s.site, _sources(s), *_labelled(s), "; ".join(_left_out(s)), *_analysed(s))
        for s in report.sites
    ]
    for site, why in (report.provenance.missing_sites or {}).items():
        rows.append((site, NONE, NONE, NONE, f"no figures: {why}", 0, 0))
    head = (
        "Site",
        "Images",
        "Patients labelled",
        "Lesions labelled",
        "Left out",
        "Patients analysed",
        "Lesions analysed",
    )
    note = (
        "Labelled: with a lesion in the labels of the site. Patients left out are those of whom no "
        "lesion was analysed. The report does not know who was examined but not labelled."
    )
    kept = [
        i
        for i, h in enumerate(head)
        if (has_lesions(report) or not h.startswith("Lesions"))
        and any(row[i] not in (NOT_STATED, NONE) for row in rows)
    ]
    shown = tuple(tuple(row[i] for i in kept) for row in rows)
    ours = tuple(at for at, i in enumerate(kept) if head[i] == "Left out")
    unknown = [h for i, h in enumerate(head) if i not in kept and h in UNKNOWN]
    if not any(head[i].endswith("labelled") for i in kept):
        note = ""
    elif not has_lesions(report):
        note = "Labelled: in the table that was read."
    if report.noise is not None:
        note = "No site released a number of its patients: only counts of all sites, with noise."
    if unknown:
        gone = ", nor ".join(UNKNOWN[h] for h in unknown)
        note = f"{note} The report does not know {gone}.".strip()
    return Table(
        "flow", "Patient flow by site", tuple(head[i] for i in kept), shown, note, ours=ours
    )


def _analysed(site: SiteRow) -> tuple[Cell, Cell]:
    return (
        NOT_RELEASED if site.patients is None else site.patients,
        NOT_RELEASED if site.lesions is None else site.lesions,
    )


def left_out_total(site: SiteRow) -> tuple[int | None, int | None]:
    """Return the patients and lesions of a site that were left out; None where not stated."""
    if site.origin is None or site.origin.left_out is None:
        return None, None
    patients = [x.patients for x in site.origin.left_out]
    lesions = [x.lesions for x in site.origin.left_out]
    return _sum(patients), _sum(lesions)


def _sum(values: Sequence[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if len(known) == len(values) else None


def _labelled(site: SiteRow) -> tuple[Cell, Cell]:
    patients, lesions = left_out_total(site)
    return (
        NOT_STATED if patients is None or site.patients is None else site.patients + patients,
        NOT_STATED if lesions is None or site.lesions is None else site.lesions + lesions,
    )


def _sources(site: SiteRow) -> str:
    known = site.origin.sources if site.origin else ()
    return ", ".join(SOURCE_WORDS.get(s, s) for s in known) or NOT_STATED


def _left_out(site: SiteRow) -> Iterator[str]:
    if site.origin is None or site.origin.left_out is None:
        yield NOT_STATED
        return
    if not site.origin.left_out:
        yield "nothing"
    for x in site.origin.left_out:
        why = LEFT_OUT_WORDS.get(x.reason, x.reason.replace("_", " "))
        if x.patients is None or x.lesions is None:
            yield f"{why}: number withheld"
        else:
            yield f"{why}: {_number(x.patients, 'patient')}, {_number(x.lesions, 'lesion')}"


def _number(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def table_one(report: Report) -> tuple[Table, ...]:
    """Tabulate what sites released of their patients, five sites a table, all of them first."""
    if report.noise is not None:
        return (_with_noise(report.noise),)
    sites = report.sites
    chunks = [sites[i : i + SITES_A_TABLE] for i in range(0, len(sites), SITES_A_TABLE)]
    tables = []
    for number, chunk in enumerate(chunks, 1):
        together = number == 1 and len(sites) > 1
        groups = ([sites] if together else []) + [(s,) for s in chunk]
        head = ("Property", *(["All sites"] if together else []), *(s.site for s in chunk))
        name = "table-1" if number == 1 else f"table-1-{number}"
        part = f" (part {number} of {len(chunks)})" if len(chunks) > 1 else ""
        rows = tuple(_properties(report, groups))
        whom = "Patients and lesions" if has_lesions(report) else "Patients"
        note = (
            f"Percentages are of the {whom.lower().replace(' and ', ' or ')} of the column."
            f"{_groups_note(report)}"
        )
        tables.append(Table(name, f"Table 1. {whom} by site{part}", head, rows, note, ours=(0,)))
    return tuple(tables)


def _groups_note(report: Report) -> str:
    """Say which groups are there; nothing where there are none."""
    if not report.subgroups:
        return ""
    if not report.provenance.run:
        return " Groups are those of the table of scores."
    return " Groups are those that the sites' policies share; a small group is withheld."


def _with_noise(noise: NoisePart) -> Table:
    """Tabulate the only numbers of patients that there are: of all sites, with noise."""
    rows = tuple(
        (name, f"{n.value or 0:,.0f}", f"{n.low or 0:,.0f} to {n.high or 0:,.0f}")
        for name, n in (("Malignant patients", noise.malignant), ("Benign patients", noise.benign))
    )
    head = ("Property", "All sites, estimate", "95 % interval of the noise")
    note = "Noise was added to every count before it left its site. Lesions were not counted."
    return Table("table-1", "Table 1. Patients of all sites", head, rows, note, ours=(0,))


def _properties(report: Report, groups: Sequence[Sequence[SiteRow]]) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows: each property, then its value in every group of sites."""
    patients = [sum(s.patients or 0 for s in g) for g in groups]
    lesions = [sum(s.lesions or 0 for s in g) for g in groups]
    yield ("Patients", *patients)
    malignant = {
        r.site: r.positives for r in report.results if r.scope == "site" and is_headline(r)
    }
    yield ("Malignant patients", *_counted(groups, patients, malignant))
    if has_lesions(report):
        yield from _of_lesions(report, groups, patients, lesions)
    for variable, level in dict.fromkeys((g.variable, g.level) for g in report.subgroups):
        of_level = {
            g.site: g.n
            for g in report.subgroups
            if (g.scope, g.variable, g.level) == ("site", variable, level)
        }
        yield (
            f"{variable.replace('_', ' ').capitalize()}: {level}",
            *_counted(groups, patients, of_level),
        )


def _of_lesions(
    report: Report,
    groups: Sequence[Sequence[SiteRow]],
    patients: Sequence[int],
    lesions: Sequence[int],
) -> Iterator[tuple[Cell, ...]]:
    yield ("Lesions", *lesions)
    each = (f"{n / p:.1f}" if p else NONE for n, p in zip(lesions, patients, strict=True))
    yield ("Lesions per patient, mean", *each)
    for name, held in _by_class(report):
        yield (f"{name.capitalize()} lesions", *_counted(groups, lesions, held))


def _by_class(report: Report) -> Iterator[tuple[str, Known]]:
    """Yield the name of each class and its lesions by site; a score table may have two classes."""
    if report.classes is None:
        for key, name in zip(CLASS_KEYS, CLASS_WORDS, strict=True):
            yield name, {s.site: s.by_class.get(key) for s in report.sites}
        return
    benign: Known = {s.site: s.by_class.get("benign") for s in report.sites}
    malignant: Known = {}
    for s in report.sites:
        held = benign[s.site]
        malignant[s.site] = None if held is None or s.lesions is None else s.lesions - held
    yield "benign", benign
    yield "malignant", malignant


def _counted(
    groups: Sequence[Sequence[SiteRow]], totals: Sequence[int], held: Known
) -> Iterator[Cell]:
    """Yield count and share of each group of sites; a group with an unknown part has none."""
    for group, total in zip(groups, totals, strict=True):
        count = _sum([held.get(s.site) for s in group])
        if count is None:
            yield NOT_RELEASED
        else:
            yield (count, percent(count / total, total)) if total else count
