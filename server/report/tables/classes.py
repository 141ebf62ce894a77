"""The tables of three classes of lesions at once."""

from hepafed.server.formats import Report
from hepafed.server.report.tables.results import CLASS_WORDS
from hepafed.server.report.tables.table import Table, estimate
from hepafed.server.report.tables.words import NONE, place


def confusion(report: Report) -> Table:
    """Tabulate lesions by true class and called class, pooled and by site."""
    pooled = [("Pooled", m.confusion, "") for m in report.multiclass if m.scope == "pooled"]
    rows: list[tuple[object, ...]] = []
    for site, table, reason in [*pooled, *((c.site, c.counts, c.reason) for c in report.confusion)]:
        if not table:
            rows.append((site, (NONE, reason), NONE, NONE, NONE))
            continue
        for name, counts in zip(CLASS_WORDS, table, strict=True):
            rows.append((site, name, *counts))
    head = ("Site", "Truth", *(f"Called {w}" for w in CLASS_WORDS))
    caption = "Lesions: true class against the most probable class"
    return Table("confusion", caption, head, tuple(rows), span=2)


def multiclass(report: Report) -> Table:
    """Tabulate the three-class figures of lesions."""
    rows = [
        (
            place(m),
            m.n,
            estimate(m.macro),
            estimate(m.hand_till),
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
        "perfect and 0 is chance). The intervals account for several lesions in one patient."
    )
    return Table("multiclass", "Lesions, three classes", head, tuple(rows), note)
