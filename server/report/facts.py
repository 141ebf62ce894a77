"""The facts that a report's sentences state: each is read from the report in one place."""

from collections.abc import Sequence

from hepafed.server.formats import Report, ResultRow
from hepafed.server.report.tables import endpoints, is_headline

PICTURES = "key-images"


def counted(n: int, singular: str, plural: str = "") -> str:
    """Write a number with its noun: `1 site`, `2 sites`, `1,642 images`."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def listed(names: Sequence[str]) -> str:
    """Write names as a list: `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def is_federated(report: Report) -> bool:
    """Return whether a run of a federation made the figures, not a table of scores."""
    return bool(report.provenance.run)


def plan_of(report: Report) -> dict[str, object]:
    """Return the plan that the model was trained by; empty where the report has none."""
    card = report.model.card
    return (card.plan if card is not None else None) or report.provenance.plan or {}


def is_synthetic(report: Report) -> bool:
    """Return whether the plan says that the data are made up."""
    return plan_of(report).get("synthetic") is True


def fills_missing(report: Report) -> bool:
    """Return whether the plan fills a missing sequence with zeros."""
    data = plan_of(report).get("data")
    return isinstance(data, dict) and data.get("missing") == "zero"


def pooled(report: Report) -> ResultRow | None:
    """Return the pooled row of the question that the page opens with."""
    return next((r for r in report.results if r.scope == "pooled" and is_headline(r)), None)


def sources(report: Report) -> frozenset[str] | None:
    """Return where the lesions of all sites come from; None where a site does not state it."""
    stated = [s.origin.sources if s.origin is not None else () for s in report.sites]
    return frozenset(x for parts in stated for x in parts) if all(stated) else None


def silent_sites(report: Report) -> list[str]:
    """Return the sites that do not state where their lesions come from."""
    return [s.site for s in report.sites if s.origin is None or not s.origin.sources]


def sites_from(report: Report, source: str) -> list[str]:
    """Return the sites of which some lesions come from a source."""
    return [s.site for s in report.sites if s.origin is not None and source in s.origin.sources]


def only_pictures(report: Report) -> bool:
    """Return whether every site states that its cases are exported key images, and nothing else."""
    return sources(report) == frozenset({PICTURES})


def shares_left_out(report: Report) -> bool:
    """Return whether every site states what it left out (counts may be withheld)."""
    return all(s.origin is not None and s.origin.left_out is not None for s in report.sites)


def unit_words(report: Report) -> tuple[str, str]:
    """Return the noun of what a lesion task counts: one, and several."""
    if only_pictures(report):
        return "image", "images"
    if sites_from(report, PICTURES):
        return "lesion or image", "lesions or images"
    return "lesion", "lesions"


def only_site(report: Report) -> str:
    """Return the name of the site of a report of one site; "" where there are more, or none."""
    return report.sites[0].site if len(report.sites) == 1 else ""


def patients(report: Report) -> int:
    """Return the number of patients of all sites."""
    return report.patients


def patients_words(report: Report) -> str:
    """Write the number of patients of all sites; with noise it is an estimate, and says so."""
    about = "about " if report.noise is not None else ""
    return about + counted(report.patients, "patient")


def lesions(report: Report) -> int:
    """Return the number of lesions (images) of all sites."""
    return report.lesions


def exploratory(report: Report) -> str:
    """Return why registered verdicts are exploratory; "" where they are not, or there are none."""
    return endpoints.exploratory(report)


def tuning_patients(report: Report) -> tuple[int, int] | None:
    """Return on how many malignant and benign patients the threshold was chosen, or None."""
    point = report.model.operating_point
    if point.positives is not None and point.negatives is not None:
        return point.positives, point.negatives
    card = report.model.card
    if card is None or card.tuning_scores is None:
        return None
    return sum(card.tuning_scores.positives), sum(card.tuning_scores.negatives)


def is_placeholder(report: Report) -> bool:
    """Return whether the threshold was not chosen on any data."""
    return "placeholder" in report.model.operating_point.rule


def sites_without_subgroups(report: Report) -> list[str]:
    """Return the sites that refused or withheld figures of a subgroup."""
    found = {s.site for s in report.suppressed if s.variable or s.what.startswith("subgroup")}
    return sorted(found)


def asked_for_subgroups(report: Report) -> bool:
    """Return whether figures by subgroup were asked for, as far as the report knows."""
    promised = report.evaluation.promised.subgroups if report.evaluation else ()
    return bool(promised or report.subgroups or sites_without_subgroups(report))
