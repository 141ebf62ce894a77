"""Count and name the cases that an inner join lost: of two models, or of a reader and the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hepafed.common.contract import PairSummary
from hepafed.common.contract.messages import SiteSummary
from hepafed.server.formats import LostCases, ReaderRow
from hepafed.server.pooling.evidence import task_of

LEAST_SHARE = 0.95
"""Share of the report's cases, of either class, below which a comparison has no verdict."""


@dataclass(frozen=True)
class Lost:
    """What a comparison lost of the report's cases."""

    summaries: Mapping[str, SiteSummary]
    pairs: Mapping[str, PairSummary]
    gone: Mapping[str, str]

    def rows(self, site: str | None, p: PairSummary) -> tuple[LostCases, ...]:
        """Name the sites of one scope that have fewer cases in the comparison."""
        made = []
        for name in self._names(site):
            of, n = sum(self._whole(name, p)), sum(self._had(name, pooled=site is None))
            if n < of:
                reason = self.gone.get(name, "") if site is None else ""
                reason = reason or ("" if n else "no case that every model scored")
                made.append(LostCases(site=name, n=n, of=of, reason=reason))
        return tuple(made)

    def of(self, site: str | None, p: PairSummary) -> int | None:
        """Return the report's cases of one scope; None where they are not known."""
        names = self._names(site)
        return sum(sum(self._whole(s, p)) for s in names) if names else None

    def share(self, site: str | None, p: PairSummary) -> float:
        """Return the smaller share of positives and negatives that are in the comparison."""
        names = self._names(site)
        had = [self._had(s, pooled=site is None) for s in names]
        whole = [self._whole(s, p) for s in names]
        parts = [(sum(h[k] for h in had), sum(w[k] for w in whole)) for k in (0, 1)]
        return min((n / of for n, of in parts if of), default=1.0)

    def _names(self, site: str | None) -> list[str]:
        return [s for s in self.summaries if site in (None, s)]

    def _whole(self, site: str, p: PairSummary) -> tuple[int, int]:
        found = task_of(self.summaries[site], p.unit, p.task)
        return (0, 0) if found is None else (found.positives, found.negatives)

    def _had(self, site: str, *, pooled: bool) -> tuple[int, int]:
        p = self.pairs.get(site)
        if p is None or (pooled and site in self.gone):
            return 0, 0
        return p.positives, p.negatives


def too_few(share: float) -> str:
    """Say why a comparison of this share of the report's cases has no verdict; "" where it may."""
    if share >= LEAST_SHARE:
        return ""
    return (
        f"only {100 * share:.0f} % of the report's cases of one class are compared; a verdict "
        f"needs {100 * LEAST_SHARE:.0f} %"
    )


def readers_judged(rows: Sequence[ReaderRow], counts: tuple[int, int]) -> list[ReaderRow]:
    """Return readers' rows with the report's patients (`counts`, malignant and benign) beside.

    A reader who judged fewer than `LEAST_SHARE` of either has no verdict.
    """
    made = []
    for row in rows:
        r = replace(row, of=sum(counts), of_positives=counts[0])
        held, why = r.non_inferiority, reader_too_few(r)
        if held is not None and why:
            held = replace(held, sensitivity=False, specificity=False, why=why)
        made.append(replace(r, non_inferiority=held))
    return made


def reader_too_few(r: ReaderRow) -> str:
    """Say why a reader's row has no verdict; "" where it may, or the patients are not known."""
    if r.of is None or r.of_positives is None:
        return ""
    parts = ((r.positives, r.of_positives), (r.n - r.positives, r.of - r.of_positives))
    return too_few(min((n / of for n, of in parts if of), default=1.0))
