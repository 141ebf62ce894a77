"""Score tables of sites, released and pooled as a coordinator does."""

from typing import Any

import numpy as np
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.records import write_record
from hepafed.common.statistics.additive import add
from hepafed.common.statistics.placement_sums import add_products, curves_of, products_of
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of
from hepafed.server import pooling
from hepafed.server.formats import ModelPart, OperatingPoint, Provenance
from hepafed.server.pooling import Group

MODEL = ModelPart(
    id="m",
    protocol="t2",
    sha256="",
    operating_point=OperatingPoint(threshold=0.4, rule="", chosen_on=""),
)

READERS = ("reader_a", "reader_b")

THRESHOLD = 0.4


def table(
    site: str, seed: int, lesions: int, decimals: int, scale: float, classes: int
) -> ScoreTable:
    rng = np.random.default_rng(seed)
    raw = np.round(rng.normal(size=(lesions, 3)), decimals) * scale
    # a reader calls a patient: the same call stands at each of the patient's lesions
    calls = {
        r: np.repeat(rng.integers(-1, 2, lesions), 2)[:lesions].astype(np.int8) for r in READERS
    }
    return ScoreTable(
        site=np.full(lesions, site),
        patient=np.array([f"p{i // 2}" for i in range(lesions)]),
        lesion=np.array([f"l{i}" for i in range(lesions)]),
        truth=rng.integers(0, classes, lesions),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers=calls,
    )


def joined(tables: list[ScoreTable]) -> ScoreTable:
    fields = ("site", "patient", "lesion", "truth", "log_probs")
    return ScoreTable(
        **{f: np.concatenate([getattr(t, f) for t in tables]) for f in fields},
        readers={r: np.concatenate([t.readers[r] for t in tables]) for r in READERS},
    )


def pool(*args: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Pool, and give the report as report.json holds it."""
    return write_record(pooling.pool(*args, **more))


def summary(t: ScoreTable, minimum: int = 1) -> SiteSummary:
    return summarise(t, run="r", model="m", weights="", threshold=THRESHOLD, minimum_count=minimum)


def federated(tables: list[ScoreTable], forms: list[str], minimum: int):  # noqa: ANN201
    """Release, pool and report, as a coordinator would; a `masked` site is seen in a sum alone."""
    summaries = {str(t.site[0]): summary(t, minimum) for t in tables}
    sums = {str(t.site[0]): additive_of(t, THRESHOLD, READERS) for t in tables}
    of_form = {f: [s for s, x in zip(sums, forms, strict=True) if x == f] for f in set(forms)}
    groups = [Group((s,), sums[s], "plain") for s in of_form.get("plain", [])]
    if masked := of_form.get("masked"):
        groups.append(Group(tuple(masked), add([sums[s] for s in masked])))
    curves = curves_of(add(list(sums.values())), 1)
    products = add_products([products_of([t], [curves]) for t in tables])
    return pool(summaries, MODEL, Provenance(), groups=groups, products=products)
