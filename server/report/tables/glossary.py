"""What the terms of a report mean, in half a sentence each: only those that it uses."""

from collections.abc import Iterable

TERMS = (
    ("AUC", ("AUC",), "chance that a random positive case scores higher than a random negative "
     "one; 0.5 is guessing, 1 is perfect."),
    ("Balanced accuracy", ("Balanced accuracy", "Bal. acc."), "mean of the rates of right calls "
     "of each class."),
    ("Brier", ("Brier",), "mean squared distance between probability and truth; 0 is perfect."),
    ("Calibration intercept, in the large", ("Intercept", "In the large"), "above 0, "
     "probabilities are too low on the whole; below 0, they are too high."),
    ("Calibration slope", ("Slope",), "below 1, probabilities are too extreme; above 1, they are "
     "too near to the middle."),
    ("CI", ("CI",), "confidence interval; of many 95 % intervals, 95 in 100 hold the true value."),
    ("DeLong", ("DeLong",), "interval and test of an AUC that take cases as independent."),
    ("ECE", ("ECE",), "expected calibration error; mean distance between predicted and observed "
     "risk."),
    ("F1", ("F1",), "harmonic mean of PPV and sensitivity."),
    ("Hand–Till", ("Hand–Till",), "mean AUC over the pairs of classes."),
    ("I²", ("I²",), "share of the variation between sites that is not chance."),
    ("Kappa", ("Kappa",), "agreement beyond chance; 1 is perfect, 0 is chance."),
    ("KS", ("KS",), "largest distance between two distributions, 0 to 1."),
    ("LR+, LR−", ("LR+", "LR−"), "likelihood ratios; by how much a call of malignant or benign "
     "multiplies the odds of malignancy."),
    ("MCC", ("MCC",), "correlation of calls and truth after Matthews; 1 is perfect, 0 is chance."),
    ("McNemar", ("McNemar",), "test of whether two raters are wrong on equally many of the same "
     "cases."),
    ("Net benefit", ("Net benefit",), "true positives minus false positives at their weight, per "
     "patient; treating nobody has 0."),
    ("NPV, PPV", ("PPV", "NPV"), "share of the calls of benign, or of malignant, that are right; "
     "both change with the share of malignant patients."),
    ("Pooling error", ("Pooling error",), "most that counting scores in bins or cells can have "
     "moved a pooled AUC."),
    ("Prediction interval", ("rediction interval",), "range in which the AUC of a new, similar "
     "site is expected."),
    ("PSI", ("PSI",), "population stability index; how far two distributions of scores lie "
     "apart."),
    ("Sensitivity", ("ensitivity",), "share of the malignant cases that are called malignant."),
    ("Specificity", ("pecificity",), "share of the benign cases that are called benign."),
    ("τ²", ("τ²",), "variance of the sites' true AUCs on the logit scale."),
)  # fmt: skip
"""Term, the words of a table or figure that use it, and its meaning."""


def glossary(words: Iterable[str]) -> list[tuple[str, str]]:
    """Return (term, meaning) of the terms that captions and heads use, by the alphabet."""
    held = "\n".join(words)
    return [(term, meaning) for term, marks, meaning in TERMS if any(m in held for m in marks)]
