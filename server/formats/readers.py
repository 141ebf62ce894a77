"""The rows of `readers` and `reader_agreement`: radiologists beside the model."""

from dataclasses import dataclass
from typing import Annotated

from hepafed.common.records import optional
from hepafed.server.formats.estimates import IntervalEstimate, RateEstimate
from hepafed.server.formats.values import Count, Limits, Probability

Pair = Annotated[tuple[str, ...], Limits({"minItems": 2, "maxItems": 2})]


@dataclass(frozen=True, kw_only=True)
class ReaderNonInferiority:
    """Whether the model is not inferior to a reader by a margin stated beforehand."""

    margin: Probability
    """How much lower the model's rate may be."""
    sensitivity: bool
    """Whether the interval of the difference in sensitivity is above −margin."""
    specificity: bool
    """Whether the interval of the difference in specificity is above −margin."""
    why: str = optional("")
    """Why no verdict was given (then both are false); empty where one was."""


@dataclass(frozen=True, kw_only=True)
class ReaderRow:
    """A reader and the model on the patients that the reader judged, at the operating point."""

    reader: str
    """Column of the reader in the score tables."""
    n: Count
    """Patients that the reader judged."""
    of: Count | None = optional(None)
    """Patients of the report."""
    of_positives: Count | None = optional(None)
    """Malignant patients of the report."""
    positives: Count
    """Malignant patients among them."""
    sensitivity: RateEstimate
    """The reader's sensitivity."""
    specificity: RateEstimate
    """The reader's specificity."""
    model_sensitivity: RateEstimate
    """The model's sensitivity on the same patients."""
    model_specificity: RateEstimate
    """The model's specificity on the same patients."""
    model_right_reader_wrong: Count
    """Patients that only the model called right."""
    model_wrong_reader_right: Count
    """Patients that only the reader called right."""
    mcnemar_exact_p: Probability | None = None
    """P value of McNemar's exact test over all of these patients."""
    sensitivity_mcnemar_exact_p: Probability | None = None
    """P value of McNemar's exact test over malignant patients."""
    specificity_mcnemar_exact_p: Probability | None = None
    """P value of McNemar's exact test over benign patients."""
    sensitivity_difference: IntervalEstimate
    """Sensitivity of model − reader (Bonett and Price 2012)."""
    specificity_difference: IntervalEstimate
    """Specificity of model − reader (Bonett and Price 2012)."""
    kappa_with_model: IntervalEstimate
    """Cohen's kappa of reader and model."""
    non_inferiority: ReaderNonInferiority | None = None
    """The verdict, where a margin was stated."""


@dataclass(frozen=True, kw_only=True)
class AgreementRow:
    """Agreement of two readers on the patients that both judged."""

    readers: Pair
    """The two readers."""
    n: Count
    """Patients that both judged."""
    kappa: IntervalEstimate
    """Cohen's kappa."""
