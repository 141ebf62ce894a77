"""A report from a score table, through the same summaries and pooling as a federation's."""

import hashlib
from dataclasses import replace
from importlib import metadata
from typing import Any

import numpy as np
from hepafed.common.scores import ScoreTable, summarise
from hepafed.server.pooling import pool


def report_from_scores(table: ScoreTable, threshold: float) -> dict[str, Any]:
    """Make the report of a score table; each of its sites is summarised by itself, finely."""
    summaries = {}
    for site in sorted(set(table.site.tolist())):
        chosen = table.site == site
        part = replace(
            table,
            site=table.site[chosen],
            patient=table.patient[chosen],
            lesion=table.lesion[chosen],
            truth=table.truth[chosen],
            log_probs=table.log_probs[chosen],
            readers={k: v[chosen] for k, v in table.readers.items()},
        )
        summaries[site] = summarise(
            part, run="scores", model="scores", weights="", threshold=threshold, minimum_count=1
        )
    digest = hashlib.sha256(np.ascontiguousarray(table.log_probs).tobytes()).hexdigest()
    point = {"threshold": threshold, "rule": "given", "chosen_on": "the command line"}
    model = {"id": "scores", "protocol": "", "sha256": "", "operating_point": point}
    software = {p: metadata.version(p) for p in ("hepafed", "numpy", "scipy")}
    return pool(summaries, model, {"scores_sha256": digest, "software": software})
