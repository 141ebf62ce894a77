"""The methods paragraphs, in the words of a paper: each rule is a sentence and its condition.

A rule returns "" where the report does not hold the fact that its sentence states: nothing is said
of what was not done, or of what the program did not check.
"""

from collections.abc import Callable, Mapping

from hepafed.server.formats import Report
from hepafed.server.models import operating_point as points
from hepafed.server.report import methods_input as inputs
from hepafed.server.report import methods_statistics as statistics
from hepafed.server.report.facts import (
    counted,
    exploratory,
    is_federated,
    is_synthetic,
    lesions,
    listed,
    patients_words,
    unit_words,
)
from hepafed.server.report.plain_words import tested
from hepafed.server.report.tables import FORM_WORDS, has_lesions, small

Rule = Callable[[Report], str]
SPLITS = {
    "external": "external sites that took no part in training; all of their patients were held out",
    "test": "internal test split of the training sites, set aside before training",
}


def made_up(report: Report) -> str:
    """Speak where the plan says that the data are made up."""
    return "The data were made up; no patient was examined." if is_synthetic(report) else ""


def frozen_model(report: Report) -> str:
    """Speak of a run of a federation, which cannot change a model."""
    if not is_federated(report):
        return ""
    model = report.model
    return (
        f"A frozen model, {model.id} (SHA-256 {model.sha256[:16]}…), was evaluated; neither its "
        "weights nor its operating point were changed."
    )


def operating_point(report: Report) -> str:
    """Speak of a model whose threshold was chosen by a rule."""
    point = report.model.operating_point
    if not is_federated(report) or not point.rule:
        return ""
    at = f"The operating point is a threshold of {point.threshold:.4f} on 1 − p(benign)."
    return " ".join((at, *points.sentences(point)))


def table_of_scores(report: Report) -> str:
    """Speak of a table of scores."""
    if is_federated(report):
        return ""
    at = report.model.operating_point.threshold
    return (
        f"A table of scores ({report.model.id}) was analysed at a threshold of {at:.4f} on "
        "1 − p(benign), which was set when this report was made. It is not known how the threshold "
        "was chosen and which analyses were made before: every figure is exploratory."
    )


def registered_first(report: Report) -> str:
    """Speak where a plan was registered and the coordinator knows no earlier look."""
    if not report.evaluation or exploratory(report):
        return ""
    before = ", before any score existed" if report.look is not None else ""
    return f"{_recorded(report)}{before} {_digest(report)}"


def registered_after(report: Report) -> str:
    """Speak where a plan was registered and a look came before."""
    why = exploratory(report)
    if not why:
        return ""
    return f"{_recorded(report)} {_digest(report)} The verdicts are exploratory: {why}."


def _recorded(report: Report) -> str:
    registered = report.evaluation.registered[:19] if report.evaluation else ""
    return f"Cohorts, endpoints and margins were recorded with the coordinator at {registered}Z"


def _digest(report: Report) -> str:
    if not report.evaluation:
        return ""
    endpoints = report.evaluation.endpoints
    primary = sum(e.primary for e in endpoints)
    return (
        f"(SHA-256 {report.evaluation.sha256[:16]}…); {primary} of "
        f"{counted(len(endpoints), 'endpoint')} {'was' if primary == 1 else 'were'} primary."
    )


def not_registered(report: Report) -> str:
    """Speak of a run of a federation without a registered plan."""
    if report.evaluation or not is_federated(report):
        return ""
    return (
        "No analysis plan was registered, so these results can suggest but not confirm: every "
        "figure is exploratory."
    )


def look_number(report: Report) -> str:
    """Speak where the looks were counted."""
    if report.look is None:
        return ""
    return (
        f"By the coordinator's records this was analysis {report.look.number} of patients of these "
        "sites with this model."
    )


def cohort_size(report: Report) -> str:
    """State patients, lesions or images, and sites."""
    split = SPLITS.get(report.provenance.split) if is_federated(report) else None
    units = f" with {counted(lesions(report), *unit_words(report))}" if has_lesions(report) else ""
    return (
        f"{patients_words(report).capitalize()}{units} of "
        f"{counted(len(report.sites), 'site')} were analysed{f' ({split})' if split else ''}."
    )


def malignant_patient(report: Report) -> str:
    """Speak where a patient's class is that of the lesions: so by definition of the tasks."""
    if not has_lesions(report) and report.noise is None:
        return ""
    one = unit_words(report)[0]
    return (
        f"A patient was classified as malignant if at least one {one} was malignant by the "
        "reference standard."
    )


def split_by_patient(report: Report) -> str:
    """Speak of an internal test: there training and evaluation share a site."""
    if not is_federated(report) or report.provenance.split != "test":
        return ""
    return "Splits are by patient: within a site, no patient is in both training and evaluation."


def table_privacy(report: Report) -> str:
    """Speak of a table of scores."""
    if is_federated(report):
        return ""
    return (
        "Each site of the table was summarised separately, in fine bins. The summaries were pooled "
        "in the same way as those of a federation."
    )


def what_left(report: Report) -> str:
    """Speak of a run of a federation."""
    if not is_federated(report):
        return ""
    if report.noise is not None:
        return (
            "No image, score or identifier left a site, and no figure of one site: only counts "
            "with noise, under masks that cancel in the sum of all sites."
        )
    forms = sorted({f.form for f in report.forms})
    how = "; ".join(FORM_WORDS.get(f, f) for f in forms)
    as_ = f", and histograms of scores as: {how}" if how else ""
    scores = "" if "plain" in forms else ", score"
    return (
        f"No image{scores} or identifier left a site. Each site sent its own summary figures and "
        f"counts{as_}."
    )


def scores_from_plain(report: Report) -> str:
    """Speak of sites that sent fine histograms: they nearly are the scores."""
    names = [f.site for f in report.forms if f.form == "plain"]
    if not names or not is_federated(report):
        return ""
    return f"Fine histograms, from which scores can nearly be read, were sent by: {listed(names)}."


def minimum_counts(report: Report) -> str:
    """Speak where sites state a smallest cell above 1."""
    least = [f.minimum_count for f in report.forms if f.form not in ("plain", "noisy")]
    known = sorted({n for n in least if n is not None and n > 1})
    if not known or not is_federated(report):
        return ""
    said = listed([str(n) for n in known])
    return f"Sites withheld counts below their minimum (cells of at least {said})."


def noise(report: Report) -> str:
    """Speak where the counts carry noise."""
    found = report.noise
    if found is None:
        return ""
    promised = [
        f"{s.site}: (ε, δ) = ({s.epsilon:g}, {small(s.delta)})"
        + (f", if at most {counted(s.colluding_sites, 'other site')} told their noise")
        for s in found.sites
    ]
    return (
        "Each site added discrete Gaussian noise (Canonne, Kamath and Steinke 2020) to its counts "
        f"before they were masked; the variance in the sum is {found.variance:.2f} a count. Adding "
        "or removing one patient with all lesions changes the counts by √2 at most (Euclidean). "
        f"The counts are differentially private at {'; '.join(promised)}: they change the odds "
        "that a patient is in the data by a factor of at most e^ε, but for a chance of the order "
        "of δ. This limit does not cover other answers about the same patients."
    )


METHODS: Mapping[str, tuple[Rule, ...]] = {
    "Design": (
        made_up,
        frozen_model,
        operating_point,
        table_of_scores,
        registered_first,
        registered_after,
        not_registered,
        look_number,
    ),
    "Data": (
        cohort_size,
        malignant_patient,
        split_by_patient,
        tested.left_out,
        tested.nothing_left_out,
        tested.left_out_not_stated,
        tested.sites_without_figures,
    ),
    "Input": (
        inputs.table_input,
        inputs.protocol,
        inputs.volumes_from_dicom,
        inputs.volumes_from_lld,
        inputs.crops_of_volumes,
        inputs.pictures,
        inputs.origin_unknown,
        inputs.missing_sequences,
        inputs.how_scored,
    ),
    "Privacy": (table_privacy, what_left, noise, scores_from_plain, minimum_counts),
    "Statistics": (
        statistics.concordance,
        statistics.own_aucs,
        statistics.aucs_of_table,
        statistics.pooled_from_counts,
        statistics.from_noise,
        statistics.delong,
        statistics.logit,
        statistics.clustered,
        statistics.rates,
        statistics.rates_of_lesions,
        statistics.between_sites,
        statistics.prediction,
        statistics.calibration,
        statistics.decision_curve,
        statistics.nothing_imputed,
    ),
    "Comparisons": (
        statistics.readers,
        statistics.agreement,
        statistics.models,
        statistics.nothing_compared,
    ),
}
"""Subject of each paragraph, and its rules."""


def methods(report: Report) -> list[tuple[str, str]]:
    """Write the paragraphs, each with its subject; nothing is said of what was not done."""
    found = {s: [said for r in rules if (said := r(report))] for s, rules in METHODS.items()}
    return [(subject, " ".join(sentences)) for subject, sentences in found.items()]
