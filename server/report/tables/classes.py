"""The tables of three classes of lesions at once."""

from hepafed.common.contract import CLASS_KEYS
from hepafed.server.formats import Report
from hepafed.server.report.tables.cohorts import CLASS_WORDS
from hepafed.server.report.tables.results import RATES
from hepafed.server.report.tables.rounding import auc_places, percent
from hepafed.server.report.tables.table import Table, estimate
from hepafed.server.report.tables.words import FIGURE_WORDS, NONE, place

Matrix = tuple[tuple[int, ...], ...]


def confusion(report: Report) -> Table:
    """Tabulate lesions by true class and called class, pooled and by site, with row shares."""
    pooled = [("Pooled", m.confusion, "") for m in report.multiclass if m.scope == "pooled"]
    rows: list[tuple[object, ...]] = []
    for site, table, reason in [*pooled, *((c.site, c.counts, c.reason) for c in report.confusion)]:
        if not table:
            rows.append((site, (NONE, reason), NONE, NONE, NONE, NONE))
            continue
        for name, counts in zip(CLASS_WORDS, table, strict=True):
            total = sum(counts)
            cells = ((n, percent(n / total, total) if total else "") for n in counts)
            rows.append((site, name, *cells, total))
    head = ("Site", "Truth", *(f"Called {w}" for w in CLASS_WORDS), "All")
    caption = "Lesions: true class against the most probable class"
    note = "Below each count: its share of the lesions of that true class."
    return Table("confusion", caption, head, tuple(rows), note, span=2)


def by_largest(report: Report) -> Table:
    """Tabulate the rates of each class, called by the largest probability and at 0.5, pooled."""
    found = next((m.confusion for m in report.multiclass if m.scope == "pooled"), None)
    if not found:
        return Table("class-rates", "Lesions: rates of each class", (), ())
    at_half = {r.task: r for r in report.results if (r.unit, r.scope) == ("lesion", "pooled")}
    rows: list[tuple[object, ...]] = []
    for i, (key, name) in enumerate(zip(CLASS_KEYS, CLASS_WORDS, strict=True)):
        shown = [_share(n, of) for n, of in counts_of(found, i)]
        rows.append((name.capitalize(), "Largest probability", *shown))
        if (r := at_half.get(f"{key}_vs_rest")) is not None and r.sensitivity is not None:
            rates = (r.sensitivity, r.specificity, r.ppv, r.npv, r.accuracy)
            rows.append((name.capitalize(), "Probability at least 0.5", *map(estimate, rates)))
    heads = (FIGURE_WORDS[k][0].upper() + FIGURE_WORDS[k][1:] for k in RATES)
    note = (
        "Largest probability: each lesion is called one class, the most probable one. Probability "
        "at least 0.5: each class is asked for by itself, so a lesion can be called no class. The "
        "first kind has no interval: its counts do not say which lesions share a patient. Below "
        "the rates of the second: the 95 % interval and the counts."
    )
    caption = "Lesions: rates of each class, pooled"
    return Table("class-rates", caption, ("Class", "Called by", *heads), tuple(rows), note, span=2)


def counts_of(table: Matrix, i: int) -> list[tuple[int, int]]:
    """Return (count, of how many) of each rate of `RATES` for class `i` against the rest."""
    hits, all_ = table[i][i], sum(map(sum, table))
    true, called = sum(table[i]), sum(row[i] for row in table)
    neither = all_ - true - called + hits
    return [
        (hits, true),
        (neither, all_ - true),
        (hits, called),
        (neither, all_ - called),
        (hits + neither, all_),
    ]


def _share(count: int, of: int) -> tuple[str, str]:
    return (percent(count / of, of), f"{count}/{of}") if of else (NONE, "no such lesion")


def multiclass(report: Report) -> Table:
    """Tabulate the three-class figures of lesions."""
    places = auc_places(report)
    rows = [
        (
            place(m),
            m.n,
            estimate(m.macro, places),
            estimate(m.hand_till, places),
            estimate(m.accuracy),
            estimate(m.kappa),
            estimate(m.balanced_accuracy),
            estimate(m.f1_macro),
            estimate(m.mcc),
        )
        for m in report.multiclass
    ]
    head = ("Where", "n", "Macro AUC", "Hand–Till", "Accuracy", "Kappa", "Bal. acc.", "F1", "MCC")
    note = (
        "Accuracy, kappa, F1 and MCC use the most probable class of each lesion; the AUCs use the "
        "probabilities. F1 is the mean over the classes. Hand–Till: mean AUC over the pairs of "
        "classes. Kappa: agreement beyond chance. MCC: Matthews' correlation (for both, 1 is "
        "perfect and 0 is chance). Below a figure: its 95 % interval, which accounts for several "
        "lesions in one patient."
    )
    return Table("multiclass", "Lesions, three classes", head, tuple(rows), note)
