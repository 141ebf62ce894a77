"""A report from a score table, through the same summaries and pooling as a federation's."""

import hashlib
from importlib import metadata
from typing import Any

import numpy as np
from hepafed.common.scores import ScoreTable, rows_of
from hepafed.common.summaries import summarise
from hepafed.server.pooling import pool


def report_from_scores(table: ScoreTable, threshold: float) -> dict[str, Any]:
    """Make the report of a score table; each of its sites is summarised by itself, finely."""
    summaries = {}
    for site in sorted(set(table.site.tolist())):
        part = rows_of(table, table.site == site)
        summaries[site] = summarise(
            part, run="scores", model="scores", weights="", threshold=threshold, minimum_count=1
        )
    digest = hashlib.sha256(np.ascontiguousarray(table.log_probs).tobytes()).hexdigest()
    point = {"threshold": threshold, "rule": "given", "chosen_on": "the command line"}
    model = {"id": "scores", "protocol": "", "sha256": "", "operating_point": point}
    software = {p: metadata.version(p) for p in ("hepafed", "numpy", "scipy")}
    return pool(summaries, model, {"scores_sha256": digest, "software": software})
