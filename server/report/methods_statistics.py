"""The sentences of the methods on statistics and comparisons, each with its condition."""

from collections.abc import Iterable

from hepafed.server.formats import AucEstimate, RateEstimate, Report, covering
from hepafed.server.report.facts import fills_missing, is_federated, listed, only_pictures

BETWEEN_WORDS = {"dersimonian-laird": "DerSimonian and Laird's random effects (1986)"}
"""Method of a row of `heterogeneity`, in words."""
INTERVAL_WORDS = {
    "hartung-knapp-sidik-jonkman": "Hartung, Knapp, Sidik and Jonkman's (2003), never narrower "
    "than that of an AUC common to all sites"
}
"""Method of the interval of a mean of sites, in words."""
RATE_WORDS = {
    "wilson": "Wilson's",
    "wilson with the noise": "Wilson's with the variance of the noise",
}
"""Method of a rate's interval, in words."""


def _aucs(report: Report) -> list[AucEstimate]:
    return [r.auc for r in report.results if r.auc.value is not None]


def _rates(report: Report) -> list[RateEstimate]:
    found = (
        x
        for r in report.results
        for x in (r.sensitivity, r.specificity, r.ppv, r.npv, r.accuracy)
        if x is not None and x.value is not None
    )
    return list(found)


def concordance(report: Report) -> str:
    """Speak where there is an AUC."""
    return "AUCs are the share of concordant pairs, ties counting half." if _aucs(report) else ""


def own_aucs(report: Report) -> str:
    """Speak of a run of a federation in which a site gave its own AUC."""
    own = any(r.scope == "site" and r.auc.value is not None for r in report.results)
    if not is_federated(report) or not own:
        return ""
    return "Each site computed its own AUCs from its scores."


def aucs_of_table(report: Report) -> str:
    """Speak of a table of scores."""
    if is_federated(report) or not _aucs(report):
        return ""
    return "The AUCs of the sites and of the whole table were computed from its scores."


def pooled_from_counts(report: Report) -> str:
    """Speak of a run of a federation that has a pooled AUC."""
    there = any(r.scope == "pooled" and r.auc.value is not None for r in report.results)
    if not is_federated(report) or not there or report.noise is not None:
        return ""
    return (
        "The pooled AUC is of one curve over the patients of all sites, from histograms in 65,536 "
        "bins (the float16 pattern of the logit) or cells merged from them. Pairs in overlapping "
        "cells count half; the largest error that this can cause is printed as the pooling error."
    )


def from_noise(report: Report) -> str:
    """Speak where the counts carry noise and there is an AUC."""
    if report.noise is None or not _aucs(report):
        return ""
    return (
        "The pooled AUC is of patients in 16 cells of the score, pairs in one cell counting half. "
        "No count was made positive. Its interval holds all AUCs that a test with the variance of "
        "the noise and that of Newcombe (2006, method 5) does not refuse."
    )


def delong(report: Report) -> str:
    """Speak where an AUC has DeLong's standard error."""
    if not any(a.method == "delong" and a.se is not None for a in _aucs(report)):
        return ""
    return "Standard errors of AUCs are DeLong's (1988)."


def logit(report: Report) -> str:
    """Speak where the interval that the text prints of an AUC is that on the logit scale."""
    if not any("logit" in covering(a).method for a in _aucs(report)):
        return ""
    return (
        "The 95 % intervals of AUCs are made on the logit scale where that can be computed, and "
        "the end near 0.5 is moved out to that of a score interval where this is further away."
    )


def clustered(report: Report) -> str:
    """Speak where an AUC has the clustered interval."""
    if not any(a.clustered and a.clustered.low is not None for a in _aucs(report)):
        return ""
    return (
        "Where a patient has several cases, the intervals are Obuchowski's for clustered data "
        "(1997), from placements in bins of the scores; DeLong's are given for comparison."
    )


def rates(report: Report) -> str:
    """Speak where there is a rate."""
    found = _rates(report)
    if not found:
        return ""
    made = listed([RATE_WORDS.get(m, m) for m in _unique(r.method for r in found)])
    lesions = any(r.unit == "lesion" and r.sensitivity is not None for r in report.results)
    at = " and at a probability of 0.5 for the lesion tasks" if lesions else ""
    if lesions and only_pictures(report):
        at = " and at a probability of 0.5 for the tasks of single images"
    where = " for patients" if _between_patients(report) else ""
    exact = " (Clopper and Pearson's in report.json)"
    if all(r.exact_low is None for r in found):
        exact = ""
    return (
        f"Rates are at the operating point for patients{at}. Their 95 % intervals are "
        f"{made}{where}{exact}."
    )


def rates_of_lesions(report: Report) -> str:
    """Speak where a rate has an interval from the spread between patients."""
    if not _between_patients(report):
        return ""
    one = "images" if only_pictures(report) else "lesions"
    return (
        f"Intervals of rates of {one} take patients as clusters: the design effect of a ratio over "
        "patients gives the number of cases of a Wilson interval (Rao and Scott 1992), with "
        "Student's t of the effective number of patients minus one."
    )


def _between_patients(report: Report) -> bool:
    return any(r.clustered is not None and r.clustered.low is not None for r in _rates(report))


def between_sites(report: Report) -> str:
    """Speak where a mean over sites by random effects could be computed."""
    used = _unique(h.method for h in report.heterogeneity if h.value is not None)
    if not used:
        return ""
    made = listed([BETWEEN_WORDS.get(m, m) for m in used])
    said = f"Between-site variation: {made} on the logit AUC, with I² (Higgins 2003)."
    shown = _unique(h.covering.method for h in report.heterogeneity if h.covering is not None)
    ends = listed([INTERVAL_WORDS[m] for m in shown if m in INTERVAL_WORDS])
    return f"{said} The interval of the mean is {ends}." if ends else said


def prediction(report: Report) -> str:
    """Speak where there is a prediction interval."""
    ends = [h.prediction for h in report.heterogeneity]
    if not any(p is not None and p.low is not None for p in ends):
        return ""
    return "The prediction interval is where the AUC of a further, similar site is expected."


def calibration(report: Report) -> str:
    """Speak where a figure of calibration could be computed."""
    rows = report.calibration
    said = []
    if any(c.slope.value is not None for c in rows):
        said.append("slope and intercept of a logistic regression on the logit (Cox 1958)")
    if any(c.brier.value is not None for c in rows):
        said.append("Brier's score")
    if any(c.ece.value is not None for c in rows):
        said.append("the expected calibration error over tenths")
    if not said:
        return ""
    return f"Calibration, without recalibration: {listed(said)}."


def decision_curve(report: Report) -> str:
    """Speak where there is a decision curve."""
    if not any(r.net_benefit for r in report.results):
        return ""
    return "Net benefit was computed after Vickers and Elkin (2006)."


def nothing_imputed(report: Report) -> str:
    """Say that no figure was filled in; of missing sequences `methods.missing_sequences` speaks."""
    what = "No figure" if fills_missing(report) else "Nothing"
    gone = "A figure that cannot be computed is absent, with a reason."
    return f"{what} was imputed or smoothed. {gone}"


def readers(report: Report) -> str:
    """Speak where a reader was compared with the model."""
    if not any(r.n for r in report.readers):
        return ""
    return (
        "Each reader's calls were compared with the model's at the operating point on the patients "
        "that the reader judged, by McNemar's exact test on the discordant pairs; paired "
        "differences have Bonett and Price's interval (2012)."
    )


def agreement(report: Report) -> str:
    """Speak where a kappa with or between readers could be computed."""
    kappas = [r.kappa_with_model for r in report.readers]
    kappas += [p.kappa for p in report.reader_agreement]
    return "Agreement is Cohen's kappa." if any(k.value is not None for k in kappas) else ""


def models(report: Report) -> str:
    """Speak where models were compared."""
    if not report.comparisons:
        return ""
    lesions = ""
    if any(c.mcnemar.method == "clustered" for c in report.comparisons):
        lesions = ", calls of lesions by its form for clusters (Yang, Sun and Hardin 2010)"
    return (
        "Models were compared on the cases that all of them could score: AUCs by the paired test "
        "of DeLong, DeLong and Clarke-Pearson (1988) with patients as clusters; patients' calls, "
        f"each model at its own operating point, by McNemar's exact test{lesions}. P values of "
        "several comparisons were adjusted after Holm (1979)."
    )


def nothing_compared(report: Report) -> str:
    """Speak where neither a reader nor another model was compared."""
    if any(r.n for r in report.readers) or report.comparisons:
        return ""
    return "No reader and no other model was compared."


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
