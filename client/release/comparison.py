"""What a site says of several models over the same lesions: paired figures and paired counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from hepafed.common.contract import SiteConfig
from hepafed.common.contract.messages import CompareRequest, SiteComparison
from hepafed.common.disclosure import Paired, common_rows, own_pairs, paired_of
from hepafed.common.errors import RefusedError
from hepafed.common.statistics import ScoreTable


@dataclass(frozen=True)
class ComparedTables:
    """The lesions that every model could score, and what is counted over them."""

    weights: tuple[str, ...]
    """Digest of each model's weights."""
    thresholds: tuple[float, ...]
    """Operating point of each model."""
    tables: tuple[ScoreTable, ...]
    """Scores of each model, over the same lesions in the same order."""
    paired: Paired
    whole: bool
    """Whether every model scored these lesions and no others."""
    least: int
    """Fewest patients that a figure may be of."""


def pair_tables(
    policy: SiteConfig, request: CompareRequest, tables: Sequence[ScoreTable]
) -> ComparedTables:
    """Pair the scores of the models, in the order of the request.

    Raises
    ------
    RefusedError
        Too few patients have lesions that every model could score.
    """
    common = common_rows(list(tables))
    thresholds = tuple(m.threshold for m in request.models)
    paired = paired_of(common, thresholds)
    least = 1 if policy.release == "plain" else policy.minimum_count
    if int(paired.sums[0].size[0]) < least:
        raise RefusedError("fewer patients were scored by every model than the minimum count")
    return ComparedTables(
        weights=tuple(m.weights for m in request.models),
        thresholds=thresholds,
        tables=tuple(common),
        paired=paired,
        whole=all(len(t.truth) == len(common[0].truth) for t in tables),
        least=least,
    )


def make_comparison(
    policy: SiteConfig, run: str, compared: ComparedTables, form: str
) -> SiteComparison:
    """Return the paired figures of a comparison; the paired counts follow in their form.

    A site that releases masked gives none of its own: beside masked sums, of this run or another,
    they would tell whose the scores are.
    """
    patients, lesions = (int(n) for n in compared.paired.sums[0].size)
    return SiteComparison(
        run=run,
        weights=compared.weights,
        patients=patients,
        lesions=lesions,
        minimum_count=policy.minimum_count,
        pairs=own_pairs(
            list(compared.tables),
            compared.paired,
            compared.least,
            pooled_only=policy.release == "masked" and policy.site_auc != "exact",
            calls=policy.release != "masked",
        ),
        form=form,
    )
