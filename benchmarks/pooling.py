"""Seconds to pool 1,000,000 patients of 50 sites into the whole report, against scikit-learn.

python benchmarks/pooling.py [--quick]

Half of the sites release plain vectors, a quarter stand in one masked sum, a quarter release cells
of at least 10 cases. `ours` is the whole report: AUC, DeLong, curves, calibration, classes,
random effects, step 2's clustered intervals, for every site and pooled. `theirs` is scikit-learn's
roc_auc_score alone, on the scores of the four tasks in one place. What a site computes of its own
scores beforehand is not counted: it is done at 50 places at once. Seconds by the clock, the best of
five; on a busy machine look at the processor's as well.
"""

import argparse
import json
import time

import numpy as np
from hepafed.common.contract import TASKS
from hepafed.common.disclosure import summarise
from hepafed.common.statistics import (
    ScoreTable,
    add,
    add_products,
    additive_of,
    curves_of,
    products_of,
    task_scores,
)
from hepafed.server.formats import ModelPart, OperatingPoint, Provenance
from hepafed.server.pooling import Group, pool
from sklearn.metrics import roc_auc_score

MINIMUM = 10
TARGET = 1.0
POINT = OperatingPoint(threshold=0.5, rule="", chosen_on="")


def cohort(rng: np.random.Generator, site: int, patients: int) -> ScoreTable:
    """Make the scores of one site, 1.2 lesions a patient."""
    patient = np.concatenate([np.arange(patients), rng.integers(0, patients, patients // 5)])
    truth = rng.integers(0, 3, len(patient))
    raw = rng.normal(size=(len(patient), 3)) * 2
    raw[np.arange(len(patient)), truth] += 2
    return ScoreTable(
        site=np.full(len(patient), f"site{site:02}"),
        patient=patient.astype(np.str_),
        lesion=np.arange(len(patient)).astype(np.str_),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


def main() -> None:
    """Pool, time, and print the closing line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="20,000 patients of 50 sites")
    quick = parser.parse_args().quick
    sites, patients = 50, 400 if quick else 20_000
    rng = np.random.default_rng(7)
    tables = [cohort(rng, s, patients) for s in range(sites)]
    sums = [additive_of(t, 0.5) for t in tables]
    names = [str(t.site[0]) for t in tables]
    summaries = {
        n: summarise(
            t, run="b", model="b", weights="", threshold=0.5, minimum_count=MINIMUM, sums=s
        )
        for n, t, s in zip(names, tables, sums, strict=True)
    }
    half, quarter = sites // 2, sites // 4
    groups = [Group((names[i],), sums[i], "plain") for i in range(half)]
    groups.append(Group(tuple(names[half : half + quarter]), add(sums[half : half + quarter])))
    curves = curves_of(add(sums), MINIMUM * sites)
    products = add_products([products_of([t], [curves]) for t in tables])
    model = ModelPart(id="b", protocol="", sha256="", operating_point=POINT)

    pooling, sklearn = [], []
    together = {
        (u, k): [task_scores(t, u, k) for t in tables] for u, tasks in TASKS.items() for k in tasks
    }
    for _ in range(5):
        wall, start = time.perf_counter(), time.process_time()
        report = pool(summaries, model, Provenance(), groups=groups, products=products)
        pooling.append(time.perf_counter() - wall)
        busy = time.process_time() - start
        print(f"report: {pooling[-1]:.2f} s by the clock, {busy:.2f} s of processor")
        wall = time.perf_counter()
        exact = {
            key: roc_auc_score(
                np.concatenate([s.truth for s in all_]), np.concatenate([s.logits for s in all_])
            )
            for key, all_ in together.items()
        }
        sklearn.append(time.perf_counter() - wall)
    for r in report.results:
        if r.scope == "pooled" and r.task != "macro":
            value = r.auc.value if r.auc.value is not None else float("nan")
            off = abs(value - exact[r.unit, r.task])
            print(
                f"{r.unit} {r.task}: {r.n} cases, AUC {value:.6f}, "
                f"off by {off:.1e}, bound {r.auc.binning_error:.1e}"
            )
            if not off <= r.auc.binning_error:
                raise SystemExit("an AUC lies outside its bound")
    ours, theirs = min(pooling), min(sklearn)
    print(
        json.dumps(
            {
                "benchmark": "pooling",
                "ours": round(ours, 3),
                "theirs": round(theirs, 3),
                "unit": "s",
                "ratio": round(ours / theirs, 3),
                "target": TARGET,
                "met": ours < TARGET,
            }
        )
    )


if __name__ == "__main__":
    main()
