"""The methods paragraph: what was done, in the words of a paper, from what the report holds."""

from hepafed.server.formats import Report
from hepafed.server.report.tables import FORM_WORDS

SPLITS = {
    "external": "external sites that took no part in training; all of their patients were held out",
    "test": "internal test split of the training sites (20 % of their patients, set aside before "
    "training)",
}


def methods(report: Report) -> list[tuple[str, str]]:
    """Write the paragraphs, each with its subject; nothing is said of what was not done."""
    return [
        ("Design", _design(report)),
        ("Data", _data(report)),
        ("Input", _input(report)),
        ("Privacy", _privacy(report)),
        ("Statistics", _statistics(report)),
        ("Comparisons", _comparisons(report)),
    ]


def _design(report: Report) -> str:
    model, point = report.model, report.model.operating_point
    if not report.provenance.run:
        return (
            f"A table of scores ({model.id}) was analysed at a threshold of "
            f"{point.threshold:.4f} on 1 − p(benign), given on {point.chosen_on}. It is "
            "not known when the threshold was chosen and which analyses were made before: every "
            "figure is exploratory."
        )
    words = [
        f"A frozen model, {model.id} (SHA-256 {model.sha256[:16]}…), was evaluated; neither "
        f"its weights nor its operating point were changed. The operating point, "
        f"{point.threshold:.4f} on 1 − p(benign), came from: {point.rule} "
        f"({point.chosen_on})."
    ]
    promised = report.evaluation
    if promised:
        primary = [e for e in promised.endpoints if e.primary]
        words.append(
            f"Cohorts, endpoints and margins were recorded with the coordinator at "
            f"{promised.registered[:19]}Z, before any score existed (SHA-256 "
            f"{promised.sha256[:16]}…); {len(primary)} of {len(promised.endpoints)} "
            f"endpoints were primary."
        )
    else:
        words.append(
            "No analysis plan was registered, so these results can suggest but not confirm: every "
            "figure is exploratory."
        )
    if report.look is not None:
        number = report.look.number
        words.append(f"This was analysis {number} of patients of these sites with this model.")
    return " ".join(words)


def _data(report: Report) -> str:
    patients = sum(s.patients for s in report.sites)
    lesions = sum(s.lesions for s in report.sites)
    split = SPLITS.get(report.provenance.split)
    words = [
        f"{patients:,} patients with {lesions:,} lesions of {len(report.sites)} sites were "
        f"scored{f' ({split})' if split else ''}. A patient was classified as malignant if "
        "at least one lesion was malignant by the reference standard."
    ]
    if split:
        words.append(
            "Splits are by patient: within a site, no patient contributed to both training and "
            "evaluation."
        )
    missing = report.provenance.missing_sites
    if missing:
        words.append(
            "No figures came from " + "; ".join(f"{s} ({why})" for s, why in missing.items()) + "."
        )
    return " ".join(words)


def _input(report: Report) -> str:
    protocol = report.model.protocol
    if not protocol:
        return "The report was made from a table of class probabilities; their origin is unknown."
    return (
        f"Input was the protocol {protocol}: sequences were found from DICOM attributes, volumes "
        "built in patient coordinates, other sequences resampled to the reference grid, and crops "
        "round each marked lesion normalised per sequence; examinations that lack a sequence or "
        "have broken geometry were left out by the program with a reason. A lesion's probabilities "
        "are the mean of the log-probabilities over its slices, normalised again; a patient's "
        "score is the largest 1 − p(benign) over their lesions. One network, no ensemble."
    )


def _privacy(report: Report) -> str:
    if not report.provenance.run:
        return (
            "Each site of the table was summarised separately, in fine bins. The summaries were "
            "pooled in the same way as those of a federation."
        )
    forms = sorted({f.form for f in report.forms})
    how = "; ".join(FORM_WORDS.get(f, f) for f in forms) or FORM_WORDS["cells"]
    return (
        "No image, score or identifier left a site. Each site sent its own summary figures and "
        f"counts, and histograms of scores as: {how}. Each site withheld counts below its minimum."
    )


def _statistics(report: Report) -> str:
    rows = report.results
    words = [
        "AUCs are the share of concordant pairs, ties counting half. Per-site AUCs were computed "
        "at the site from its scores; the pooled AUC is of one curve over the patients of all "
        "sites, from histograms in 65,536 bins (the float16 pattern of the logit), or cells merged "
        "from them; pairs in overlapping cells count half, and the largest error that this can "
        "cause is "
        "printed as the pooling error. Intervals are DeLong's (1988), 95 %."
    ]
    if any(r.auc.clustered and r.auc.clustered.low is not None for r in rows):
        words.append(
            "Where patients have several lesions, the text uses Obuchowski's interval for "
            "clustered "
            "data (1997); DeLong's interval is given for comparison."
        )
    words.append(
        "Rates are at the operating point for patients and at a probability of 0.5 for the "
        "lesion tasks. Rates of patients have Wilson's intervals (Clopper and Pearson's in "
        "report.json)."
    )
    if any(r.accuracy and r.accuracy.clustered for r in rows):
        words.append(
            "Intervals of rates of lesions and of kappa take patients as clusters. The variance is "
            "that of a ratio over patients. Its design effect gives the number of cases of a "
            "Wilson interval (Rao and Scott 1992), with Student's t of the effective number of "
            "patients minus one."
        )
    spread = report.heterogeneity
    predicted = any(h.prediction and h.prediction.low is not None for h in spread)
    if any(h.value is not None for h in spread):
        words.append(
            "Between-site variation: DerSimonian and Laird's random effects (1986) on the logit "
            "AUC, with I² (Higgins 2003)"
            + (" and a prediction interval for a new site." if predicted else ".")
        )
    if report.calibration:
        words.append(
            "Calibration describes the network's probabilities without recalibration: slope and "
            "intercept of a logistic regression on the logit (Cox 1958), Brier's score, "
            "and the expected calibration error over tenths."
        )
    if any(r.net_benefit for r in rows):
        words.append("Net benefit was computed after Vickers and Elkin (2006).")
    words.append(
        "Nothing was imputed or smoothed. A figure that cannot be computed is absent, with a "
        "reason."
    )
    return " ".join(words)


def _comparisons(report: Report) -> str:
    words = []
    if report.readers:
        words.append(
            "Each reader's calls were compared with the model's at the operating point on the "
            "patients that the reader judged, by McNemar's exact test on the discordant pairs; "
            "paired differences have Bonett and Price's interval (2012). Agreement: Cohen's kappa."
        )
    if report.comparisons:
        words.append(
            "Models were compared on the lesions that all of them could score: AUCs by the paired "
            "test of DeLong, DeLong and Clarke-Pearson (1988) with patients as clusters; patients' "
            "calls, each model at its own operating point, by McNemar's exact test; calls of "
            "lesions by its form for clusters (Yang, Sun and Hardin 2010). P values of "
            "several comparisons were adjusted after Holm (1979)."
        )
    if not words:
        words.append("No reader and no other model was compared.")
    return " ".join(words)
