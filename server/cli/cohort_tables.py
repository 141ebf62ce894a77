"""The tables of `server cohort`: what the sites' cohorts look like, side by side."""

from collections.abc import Iterator, Mapping
from typing import Any

from hepafed.common.contract import COHORT_TABLES


def survey_tables(
    found: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Yield (columns, rows) of each table of a survey's answers; a withheld count is `–`."""
    sites = found["sites"]
    yield (
        ("site", "patients", "lesions", "minimum"),
        [
            (s, str(v["patients"]), str(v["lesions"]), str(v["minimum_count"]))
            for s, v in sites.items()
        ],
    )
    for name, words in COHORT_TABLES.items():
        shown = [w for w in words if any(w in v[name] for v in sites.values())]
        yield (
            (name.removeprefix("by_").replace("_", " "), *shown),
            [(s, *(_count(v[name].get(w, 0)) for w in shown)) for s, v in sites.items()],
        )
    yield (
        ("spacing", "sequence", "between slices, mm", "in the plane, mm"),
        [
            (s, x["sequence"], _three(x["between_slices"]), _three(x["in_plane"]))
            for s, v in sites.items()
            for x in v["spacing"]
        ],
    )


def _three(values: list[float]) -> str:
    return " · ".join(map(str, values))


def _count(value: int | None) -> str:
    return "–" if value is None else str(value)
