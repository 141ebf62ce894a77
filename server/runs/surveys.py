"""What the coordinator knows of the sites' cohorts: the answers of earlier surveys."""

from typing import Any

from hepafed.common.errors import HepaFedError
from hepafed.common.json_file import unsealed
from hepafed.server.runs.store import Runs

SURVEY_FILE = "cohort.json"
"""In the folder of a survey's run: the answers by site."""


def train_patients(runs: Runs) -> dict[str, int]:
    """Return the patients of each site's training split, as the newest survey says.

    A site is missing that never answered or keeps this number back; damaged answers are left out.
    """
    found: dict[str, int] = {}
    for run in runs.all():
        if run.kind != "cohort":
            continue
        try:
            values: dict[str, Any] = unsealed((runs.folder(run.id) / SURVEY_FILE).read_bytes())
            sites = {s: said["by_split"].get("train") for s, said in values["sites"].items()}
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
            HepaFedError,
        ):
            continue
        found |= {s: n for s, n in sites.items() if isinstance(n, int) and n >= 0}
    return found
