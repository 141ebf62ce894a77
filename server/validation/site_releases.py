"""Everything that the sites of a validation released, in whichever form."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from hepafed.common.contract import CLASS_KEYS, NoiseNeed
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure import Counts, banded_figure, readings_alone
from hepafed.common.disclosure.noise import variance_of
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import TASK_ORDER, Additive, sections
from hepafed.server.formats import FormRow
from hepafed.server.masked_sums import Bands, MaskedSum, check_cases
from hepafed.server.pooling import Group, NoisySum, check_noisy


@dataclass
class SiteReleases:
    """Summaries and fine counts, and who gave none."""

    summaries: dict[str, SiteSummary] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    """Fine counts: of one site that released them plain, or the masked sum of several."""
    missing: dict[str, str] = field(default_factory=dict)
    """Sites that are not in the report, with the reason."""
    notes: dict[str, str] = field(default_factory=dict)
    """Sites whose score counts came in another form than policy prefers, or not at all."""
    noisy: NoisySum | None = None
    """The sum of the counts with noise, where all sites add noise."""
    left_out: tuple[tuple[str, ...], ...] = ()
    """Readers, and pairs of readers, of whom the masked sum has no table (`readings_alone`)."""
    minimum_counts: dict[str, int] = field(default_factory=dict)
    """The smallest cell of each site of `noisy`."""

    def forms(self) -> tuple[FormRow, ...]:
        """Return for each site in which form its score counts came, and why in no better one."""
        grouped = {s: g for g in self.groups for s in g.sites}
        made = []
        for site, summary in sorted(self.summaries.items()):
            group = grouped.get(site)
            form = "withheld" if summary.form == "masked" and group is None else summary.form
            made.append(
                FormRow(
                    site=site,
                    form=form,
                    sum_over=group.sites if group and form == "masked" else (),
                    minimum_count=summary.minimum_count,
                    reason=self.notes.get(site, ""),
                )
            )
        return tuple(made)

    def add_plain(self, site: str, summary: SiteSummary, counts: Counts) -> None:
        """Take in the plain counts of a site; PayloadError when its summary says otherwise."""
        sums = _with_readers(Additive.from_vector(counts), summary)
        _check_sums(sums, [summary], site)
        self.groups.append(Group((site,), sums, "plain"))

    def add_masked(self, summed: MaskedSum, readers: tuple[str, ...]) -> None:
        """Take in an opened sum; `notes` says of its sites why, where it cannot be used."""
        if summed.total is None:
            return
        gone = [s for s in summed.sites if s not in self.summaries]
        try:
            if gone:
                raise PayloadError(f"the sum includes {', '.join(gone)}, whose figures are missing")
            signed = [summed.totals.get(s, ()) for s in summed.sites]
            self.left_out = readings_alone(signed, readers)
            kept = [r for r in readers if (r,) not in self.left_out]
            sums = Additive.from_vector(summed.total, readers).of_readers(kept)
            members = [self.summaries[s] for s in summed.sites]
            _check_sums(sums, members, ", ".join(summed.sites))
        except PayloadError as e:
            self.notes |= dict.fromkeys(summed.sites, e.message)
            return
        self.groups.append(Group(summed.sites, sums))
        for site, bands in summed.bands.items():
            try:
                self.summaries[site] = _with_bands(self.summaries[site], bands)
            except PayloadError as e:
                self.notes[site] = e.message

    def remarks(self) -> list[str]:
        """Return what the report says of readers who are not in it."""
        return [
            f"No table of {' and '.join(names)}: in the masked sum it would be that of one site."
            for names in self.left_out
        ]

    def add_noisy(self, summed: MaskedSum, needs: Mapping[str, NoiseNeed]) -> None:
        """Take in an opened sum of counts with noise; `missing` says of its sites why not."""
        if summed.total is None:
            return
        sites = summed.sites
        made = NoisySum(
            sites=sites,
            vector=summed.total.view(np.int64),
            variance=len(sites) * float(variance_of(summed.noise)),
            needs={s: needs[s] for s in sites},
        )
        try:
            check_noisy(made)
        except PayloadError as e:
            self.missing |= dict.fromkeys(sites, e.message)
            return
        self.noisy = made
        self.minimum_counts = {s: self.summaries[s].minimum_count for s in sites}


def _with_bands(summary: SiteSummary, bands: Bands) -> SiteSummary:
    """Put in the AUCs whose bands the site released beside the sum; PayloadError: impossible."""
    if len(bands) != len(summary.tasks):
        raise PayloadError("the site released bands of other AUCs than were asked for")
    return replace(
        summary,
        tasks=tuple(
            replace(t, auc=banded_figure(b, t.positives, t.negatives)) if b is not None else t
            for t, b in zip(summary.tasks, bands, strict=True)
        ),
    )


def _check_sums(sums: Additive, summaries: list[SiteSummary], what: str) -> None:
    """Hold fine counts to the totals that the same sites released beside them."""
    check_cases(sums, _cases(summaries), what)
    told = (sum(s.patients for s in summaries), sum(s.lesions for s in summaries))
    if tuple(sums.size.tolist()) != told:
        raise PayloadError(f"the sums of {what} are not over the announced patients")


def _cases(summaries: list[SiteSummary]) -> list[int]:
    """Return the announced patients (benign, malignant) and lesions by class, over sites."""
    whole = [t for s in summaries for t in s.tasks if (t.unit, t.task) == TASK_ORDER[0]]
    lesions = [sum(s.by_class.get(k, 0) for s in summaries) for k in CLASS_KEYS]
    return [sum(t.negatives for t in whole), sum(t.positives for t in whole), *lesions]


def _with_readers(sums: Additive, summary: SiteSummary) -> Additive:
    """Put in the readers' counts of the summary: plain counts have none."""
    calls, pairs = (summary.sections.get(n) for n in ("reader_calls", "reader_pairs"))
    if not summary.readers or calls is None or pairs is None:
        return sums
    shapes = sections(len(summary.readers))
    return replace(
        sums,
        readers=summary.readers,
        reader_calls=np.array(calls, np.int64).reshape(shapes["reader_calls"]),
        reader_pairs=np.array(pairs, np.int64).reshape(shapes["reader_pairs"]),
    )
