"""First page: what was tested, and on whom."""

import math

from hepafed.server.formats import Report
from hepafed.server.report.facts import (
    PICTURES,
    counted,
    exploratory,
    is_federated,
    is_synthetic,
    lesions,
    listed,
    patients,
    patients_words,
    pooled,
    silent_sites,
    sites_from,
    unit_words,
)
from hepafed.server.report.tables import LEFT_OUT_WORDS, SOURCE_WORDS, has_lesions, small

ROLES = {
    "external": "which took no part in training",
    "test": "which also trained the model, on other patients",
}


def made_up(report: Report) -> str:
    """Speak where the plan says that the data are made up."""
    if not is_synthetic(report):
        return ""
    return "The data of this report are made up. No figure says anything about patients."


def tested_model(report: Report) -> str:
    """Speak of a run of a federation."""
    if not is_federated(report):
        return ""
    return (
        f"The frozen model {report.model.id} was tested. It gives each patient a score for "
        "malignancy. Model and threshold did not change during the test."
    )


def tested_scores(report: Report) -> str:
    """Speak of a table of scores."""
    if is_federated(report):
        return ""
    return (
        f"The scores of the table “{report.model.id}” were analysed. HepaFed did not compute "
        "them and does not know how they were made."
    )


def on_patients(report: Report) -> str:
    """State how many patients there are, by truth where the pooled row has it."""
    row, (one, many) = pooled(report), unit_words(report)
    malignant = ""
    if row is not None and row.positives is not None and row.n == patients(report):
        malignant = f" ({row.positives:,} malignant, {row.n - row.positives:,} benign)"
    role = ROLES.get(report.provenance.split) if is_federated(report) else None
    where = counted(len(report.sites), "site") + (f", {role}" if role else "")
    units = f" with {counted(lesions(report), one, many)}" if has_lesions(report) else ""
    return f"The test used {patients_words(report)}{malignant}{units} from {where}."


def noise_added(report: Report) -> str:
    """Speak where the counts carry noise, and say how much."""
    if report.noise is None:
        return ""
    deviation = math.sqrt(report.noise.variance)
    promised = [
        f"{s.site}: ε = {s.epsilon:g}, e^ε = {math.exp(s.epsilon):.3g}, δ = {small(s.delta)}"
        for s in report.noise.sites
    ]
    return (
        f"Noise was added to every count: {deviation:.1f} patients up or down (standard "
        "deviation). The noise limits what this report tells of one patient: it changes the odds "
        "that the patient is in the data by a factor of at most e^ε. δ is the small part of the "
        f"chance for which this limit is not promised. {'; '.join(promised)}. All numbers of "
        "patients are estimates; intervals include the noise."
    )


def from_volumes(report: Report) -> str:
    """Speak of sites that state volumes as the source of their lesions."""
    said = []
    for source in ("dicom", "lld-mmri"):
        if names := sites_from(report, source):
            words = SOURCE_WORDS[source]
            said.append(f"{words[0].upper()}{words[1:]}: {listed(names)}")
    return f"Lesions were cropped from volumes. {'. '.join(said)}." if said else ""


def from_pictures(report: Report) -> str:
    """Speak of sites that state exported key images."""
    names = sites_from(report, PICTURES)
    if not names:
        return ""
    return (
        f"Exported key images, one picture for each case, came from: {listed(names)}. HepaFed did "
        "not see the examinations, and does not know which organ a picture shows."
    )


def origin_not_stated(report: Report) -> str:
    """Speak of sites of a federation that do not state where their lesions come from."""
    names = silent_sites(report) if is_federated(report) else []
    return f"How the cohort came about is not stated by: {listed(names)}." if names else ""


def left_out(report: Report) -> str:
    """Speak where a site states that lesions were left out, with or without the number."""
    stated = [(s.site, p) for s in report.sites if s.origin for p in s.origin.left_out or ()]
    said = []
    for reason, why in LEFT_OUT_WORDS.items():
        parts = [(site, p) for site, p in stated if p.reason == reason]
        number = sum(p.lesions or 0 for _, p in parts)
        if number:
            alone = sum(p.patients or 0 for _, p in parts)
            gone = f"; {counted(alone, 'patient')} had no other" if alone else ""
            said.append(f"{counted(number, *unit_words(report))} ({why}{gone})")
        if names := [site for site, p in parts if p.lesions is None]:
            said.append(f"a number that is withheld by {listed(names)} ({why})")
    return f"Not tested: {'; '.join(said)}." if said else ""


def nothing_left_out(report: Report) -> str:
    """Speak where every site states that it left out nothing."""
    parts = [s.origin.left_out if s.origin is not None else None for s in report.sites]
    if any(p is None or any(x.lesions != 0 for x in p) for p in parts):
        return ""
    return f"Every labelled {unit_words(report)[0]} of these cohorts was tested."


def left_out_not_stated(report: Report) -> str:
    """Speak of sites of a federation that do not share what they left out."""
    names = [s.site for s in report.sites if s.origin is None or s.origin.left_out is None]
    if not names or not is_federated(report):
        return ""
    return f"How many cases were left out, and why, is not stated by: {listed(names)}."


def sites_without_figures(report: Report) -> str:
    """Speak of sites that were asked and gave no figures."""
    gone = report.provenance.missing_sites or {}
    said = "; ".join(f"{site} ({why})" for site, why in gone.items())
    return f"No figures came from: {said}." if said else ""


def planned_before(report: Report) -> str:
    """Speak where a plan was registered and no earlier look is known."""
    if not report.evaluation or exploratory(report) or report.look is None:
        return ""
    return (
        "Goals and sites were registered before any score existed: the coordinator has no record "
        "of an earlier test of this model at these sites."
    )
