"""A report from score tables, through the same summaries, sums and pooling as a federation's."""

import hashlib
from collections.abc import Mapping
from importlib import metadata
from itertools import combinations
from typing import Any

import numpy as np
from hepafed.common.additive import Additive, add
from hepafed.common.clusters import Products, add_products, curves_of, products_of
from hepafed.common.messages import SiteSummary
from hepafed.common.paired import common_rows, crossed_calls
from hepafed.common.scores import ScoreTable, rows_of
from hepafed.common.summaries import summarise
from hepafed.common.sums import additive_of
from hepafed.server.pooling import Comparison, Group, Questions, pool

EXACT = 1
"""Cases in each cell of a placement curve: the table is here, nothing needs hiding."""


def report_from_scores(
    table: ScoreTable,
    threshold: float,
    *,
    against: Mapping[str, ScoreTable] | None = None,
    name: str = "scores",
    questions: Questions | None = None,
) -> dict[str, Any]:
    """Make the report of a score table; each of its sites is summarised by itself, finely.

    `against` holds tables of other models on the same cohort, by name; every pair of models,
    `name` for the first, is compared on the lesions that both have scored.

    Raises
    ------
    DataError
        Two tables share no lesion, or disagree on the truth of one.
    """
    readers = tuple(sorted(table.readers))
    parts = _by_site(table)
    sums = {s: additive_of(p, threshold, readers) for s, p in parts.items()}
    summaries = {s: _summary(p, threshold, sums[s]) for s, p in parts.items()}
    digest = hashlib.sha256(np.ascontiguousarray(table.log_probs).tobytes()).hexdigest()
    point = {"threshold": threshold, "rule": "given", "chosen_on": "the command line"}
    model = {"id": name, "protocol": "", "sha256": "", "operating_point": point}
    software = {p: metadata.version(p) for p in ("hepafed", "numpy", "scipy")}
    models = {name: table, **(against or {})}
    return pool(
        summaries,
        model,
        {"scores_sha256": digest, "software": software},
        groups=[Group((s,), v, "plain") for s, v in sums.items()],
        exact=_summary(table, threshold, add(list(sums.values()))),
        comparisons=[
            compare(a, models[a], b, models[b], threshold) for a, b in combinations(models, 2)
        ],
        questions=questions,
        notes=_notes(table),
    )


def compare(first: str, a: ScoreTable, second: str, b: ScoreTable, threshold: float) -> Comparison:
    """Compare two models on the lesions that both tables hold, site by site, in two steps."""
    a, b = common_rows(a, b)
    sites = list(zip(_by_site(a).values(), _by_site(b).values(), strict=True))
    sums = [(additive_of(x, threshold), additive_of(y, threshold)) for x, y in sites]
    pooled: tuple[Additive, Additive] = (add([s[0] for s in sums]), add([s[1] for s in sums]))
    curves = [curves_of(p, EXACT) for p in pooled]
    products: list[Products] = [products_of([x, y], curves) for x, y in sites]
    calls = np.sum([crossed_calls(x, y, (threshold, threshold)) for x, y in sites], axis=0)
    return Comparison(first, second, pooled, calls, add_products(products))


def _by_site(table: ScoreTable) -> dict[str, ScoreTable]:
    return {s: rows_of(table, table.site == s) for s in sorted(set(table.site.tolist()))}


def _summary(part: ScoreTable, threshold: float, sums: Additive) -> SiteSummary:
    return summarise(
        part, run="scores", model="scores", weights="", threshold=threshold,
        minimum_count=1, sums=sums,
    )  # fmt: skip


def _notes(table: ScoreTable) -> list[str]:
    """Say what a reader of the report should know of the table."""
    homes: dict[str, set[str]] = {}
    for patient, site in zip(table.patient.tolist(), table.site.tolist(), strict=True):
        homes.setdefault(patient, set()).add(site)
    several = sum(len(s) > 1 for s in homes.values())
    if not several:
        return []
    return [f"{several} patient ids occur at more than one site; each site's is its own patient."]
