"""The report as a whole: the file report.json (hepafed.report/1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from hepafed.common.contract import CLASS_KEYS, CohortOrigin
from hepafed.common.errors import DataError, RunError
from hepafed.common.records import ABSENT, Absent, optional, read_record
from hepafed.server.formats.between_sites import DriftRow, HeterogeneityRow
from hepafed.server.formats.calibration import CalibrationRow
from hepafed.server.formats.card import ModelCard, OperatingPoint
from hepafed.server.formats.classes import ConfusionRow, MulticlassRow
from hepafed.server.formats.comparisons import ComparisonRow
from hepafed.server.formats.estimates import IntervalEstimate
from hepafed.server.formats.evaluation import JudgedEvaluation, Looks
from hepafed.server.formats.readers import AgreementRow, ReaderRow
from hepafed.server.formats.results import ResultRow
from hepafed.server.formats.subgroups import SubgroupRow, SuppressedPart
from hepafed.server.formats.values import (
    Count,
    Form,
    Limits,
    MaybeDigest,
    Name,
    NotNegative,
    Probability,
)

REPORT_1 = "hepafed.report/1"
ByClass = Annotated[dict[str, Count | None], Limits({"required": list(CLASS_KEYS)})]


@dataclass(frozen=True, kw_only=True)
class ModelPart:
    """The model that was validated."""

    id: Name
    """Id of the model in the registry, or the name of the score table."""
    protocol: str
    """Name of the protocol; empty for a score table."""
    sha256: MaybeDigest
    """SHA-256 of the weights as sites get them; empty for a score table."""
    operating_point: OperatingPoint
    """The operating point, locked before any score of the report existed."""
    card: ModelCard | None = optional(None)
    """The model's signed card; absent for a score table."""


@dataclass(frozen=True, kw_only=True)
class SiteRow:
    """A site and the size of its cohort."""

    site: Name
    """The site."""
    patients: Count | None
    """Number of patients; null where only counts with noise left the site."""
    lesions: Count | None
    """Number of lesions; null where only counts with noise left the site."""
    by_class: ByClass
    """Lesions by class; null where the site withholds the count."""
    origin: CohortOrigin | None = optional(None)
    """How the cohort came about, and what was left out; absent where the site does not state it."""


@dataclass(frozen=True, kw_only=True)
class FormRow:
    """The form in which a site's score counts came."""

    site: str
    """The site."""
    form: Form
    """Under pairwise masks, the same with noise, in cells of a least count, in fine bins, or not at
    all."""
    sum_over: tuple[str, ...] | None = optional(None)
    """Sites of the masked sum that the counts are part of."""
    minimum_count: Count | None = optional(None)
    """The site's smallest cell."""
    reason: str | None = optional(None)
    """Why the form is no better one; empty where there is nothing to say."""


@dataclass(frozen=True, kw_only=True)
class NoisySite:
    """What the noise promises to one site's patients."""

    site: Name
    """The site."""
    epsilon: NotNegative
    """What this report tells at most of whether a patient is in it, or with which result."""
    delta: Probability
    """The chance that it tells more."""
    colluding_sites: Count
    """How many other sites may tell their noise without breaking the promise."""


@dataclass(frozen=True, kw_only=True)
class NoisePart:
    """The noise that was added to the counts, and the counts as they came: with it.

    Patients alone were counted. A count may be negative; nothing was made positive.
    """

    sites: tuple[NoisySite, ...]
    """The sites of the sum."""
    variance: NotNegative
    """Variance of the noise in each count of the sum."""
    malignant: IntervalEstimate
    """Number of malignant patients, with the 95 % interval of the noise."""
    benign: IntervalEstimate
    """Number of benign patients, with the 95 % interval of the noise."""
    edges: tuple[float, ...]
    """Inner edges of the cells, as logits of the score."""
    called: tuple[tuple[int, ...], ...]
    """Patients by truth (benign, malignant) and call (benign, malignant), with noise."""
    cells: tuple[tuple[int, ...], ...]
    """Patients by truth and cell of the score, lowest first, with noise of their own."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the figures come from; a federation's report and a score table's have other keys."""

    scores_sha256: str = optional("")
    """SHA-256 of the log-probabilities of the score table."""
    run: str = optional("")
    """Id of the validation run."""
    split: str = optional("")
    """`external`: held-out sites; `test`: the internal test of the training sites."""
    created: str = optional("")
    """When the figures were pooled (ISO 8601, UTC)."""
    plan: dict[str, object] | None = optional(None)
    """The plan that the model was trained by, every key as it was signed."""
    training_run: str = optional("")
    """Id of the training run."""
    training_examples: dict[str, int] | None = optional(None)
    """Training examples by site."""
    compared_models: tuple[ModelPart, ...] | None = optional(None)
    """The models that the validated one is compared with."""
    missing_sites: dict[str, str] | None = optional(None)
    """Sites that gave no figures, with the reason."""
    software: dict[str, str] | None = optional(None)
    """Versions of the programs that made the figures."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a validation found; a figure that could not be computed is null with a reason."""

    schema: Annotated[str, Limits({"const": REPORT_1})] = REPORT_1
    """Name and version of this format."""
    model: ModelPart
    """The model that was validated."""
    sites: Annotated[tuple[SiteRow, ...], Limits({"minItems": 1})]
    """The sites whose cases are in the report."""
    results: tuple[ResultRow, ...]
    """Discrimination, curves and rates by task: pooled, by site, and the mean over sites."""
    confusion: tuple[ConfusionRow, ...]
    """Confusion tables of the sites' lesions."""
    multiclass: tuple[MulticlassRow, ...] = ()
    """Figures over the three classes of lesions."""
    heterogeneity: tuple[HeterogeneityRow, ...]
    """How the sites' AUCs differ, by task."""
    readers: tuple[ReaderRow, ...]
    """Readers beside the model."""
    reader_agreement: tuple[AgreementRow, ...] = ()
    """Agreement of the readers with each other."""
    calibration: tuple[CalibrationRow, ...]
    """How well probabilities agree with shares."""
    comparisons: tuple[ComparisonRow, ...] = ()
    """Models compared on the same cases."""
    drift: tuple[DriftRow, ...] = ()
    """Scores against those of the tuning data; empty where the card keeps none."""
    subgroups: tuple[SubgroupRow, ...] = ()
    """Figures by subgroup."""
    suppressed: tuple[SuppressedPart, ...]
    """What sites withheld."""
    forms: tuple[FormRow, ...] = ()
    """In which form each site's score counts came."""
    notes: tuple[str, ...] = ()
    """Remarks on how the report came about."""
    noise: NoisePart | None = optional(None)
    """The noise in the counts; absent where there is none."""
    classes: tuple[str, ...] | None = optional(None)
    """`benign` and `malignant` for a score table of these two classes, whose report has no figure
    by class of lesion; absent where there are three."""
    provenance: Provenance
    """Where the figures come from."""
    look: Looks | None = optional(None)
    """Which look at these patients this is; absent for a score table."""
    evaluation: JudgedEvaluation | Absent | None = optional(ABSENT)
    """What was promised beforehand; null where nothing was, absent for a score table."""

    @property
    def patients(self) -> int:
        """Number of patients of all sites; where counts carry noise, the estimate."""
        if self.noise is not None:
            return sum(r.n for r in self.results if r.scope == "pooled" and r.unit == "patient")
        return sum(s.patients or 0 for s in self.sites)

    @property
    def lesions(self) -> int:
        """Number of lesions of all sites that state it."""
        return sum(s.lesions or 0 for s in self.sites)


def read_report(values: object) -> Report:
    """Return the report that report.json holds.

    A key that an older release did not write may be missing.

    Raises
    ------
    RunError
        The format is another one, a key is unknown or missing, or a value is not of its type
        (named).
    """
    try:
        if isinstance(values, Mapping) and values.get("schema") != REPORT_1:
            raise DataError(f"its format is {str(values.get('schema'))[:60]}, not {REPORT_1}")
        return read_record(Report, values, DataError)
    except DataError as e:
        raise RunError(
            f"the report does not fit its schema: {e.message}",
            "it is not a report, or a later release of HepaFed made it; update this one",
        ) from e
