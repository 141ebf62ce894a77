"""The model's card: what the coordinator signs when a model is frozen (card.json)."""

from dataclasses import dataclass

from hepafed.common.errors import PayloadError
from hepafed.common.records import optional, read_record
from hepafed.server.formats.values import Count, MaybeDigest, Probability


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """The threshold on 1 − p(benign) from which a patient is called malignant."""

    threshold: Probability
    """The threshold."""
    rule: str
    """Rule by which the threshold was chosen."""
    chosen_on: str
    """The data on which it was chosen."""
    low: Probability | None = optional(None)
    """Lower end of the threshold's 95 % interval; absent where there is none."""
    high: Probability | None = optional(None)
    """Upper end of that interval."""
    positives: Count | None = optional(None)
    """Malignant tuning patients on which it was chosen; absent in cards of 0.1.0."""
    negatives: Count | None = optional(None)
    """Benign tuning patients on which it was chosen."""
    sites: Count | None = optional(None)
    """Sites whose tuning patients these are."""
    cuts: Count | None = optional(None)
    """Places at which the released counts part the scores; the edges of one gap are one place."""


@dataclass(frozen=True, kw_only=True)
class TuningScores:
    """Scores of the tuning patients as counts in cells (docs/statistics.md)."""

    edges: tuple[int, ...]
    """Bin numbers between which the cells lie; one more than there are cells."""
    positives: tuple[int, ...]
    """Malignant patients in each cell."""
    negatives: tuple[int, ...]
    """Benign patients in each cell."""


@dataclass(frozen=True, kw_only=True)
class SiteShare:
    """What one site gave in the rounds up to the one whose weights these are."""

    site: str
    """Name of the site."""
    rounds: Count
    """Rounds in which its update went into the weights."""
    examples: Count
    """Training examples that it stated, summed over these rounds."""
    first: Count
    """First of these rounds; 0 if there is none."""
    last: Count
    """Last of these rounds; 0 if there is none."""
    missed: Count
    """Rounds in which it was a site of the run and gave no update that could be used."""
    reason: str
    """Why, the last time; empty if it missed none."""
    releases: tuple[str, ...] = optional(())
    """Releases of HepaFed with which it made its updates; absent in cards of 0.1.0."""
    share: Probability | None = optional(None)
    """Its share of all examples that weighed in the means of these rounds; absent where it is not
    known."""
    steps: Count | None = optional(None)
    """Training steps that it took in these rounds; absent where the plan does not count them."""
    planned_steps: Count | None = optional(None)
    """Training steps that the plan asked of it in these rounds, more where its time budget ended
    before."""


@dataclass(frozen=True, kw_only=True)
class TuningCases:
    """On whom the tuning AUC was computed."""

    lesions: Count
    """Lesions of the tuning splits."""
    sites: tuple[str, ...]
    """Sites whose they are."""
    low: Probability
    """Lower end of the AUC's 95 % interval."""
    high: Probability
    """Upper end of that interval."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What is known of a frozen model; the file card.json, signed in card.sig."""

    id: str = ""
    """Id of the model in the registry, which fills it in when the model is frozen."""
    sha256: MaybeDigest = ""
    """SHA-256 of the weights as sites get them (bf16); the registry fills it in."""
    protocol: str
    """The ordered sequences of its input, by the name of the protocol."""
    operating_point: OperatingPoint
    """The locked operating point."""
    plan: dict[str, object]
    """The plan it was trained by, every key as it was signed (docs/coordinator-guide.md)."""
    run: str = ""
    """Id of the training run."""
    round: int | None = None
    """Round whose weights these are."""
    created: str = ""
    """When the model was frozen (ISO 8601, UTC)."""
    strategy: str = ""
    """How the sites' updates were put together."""
    training_examples: dict[str, int]
    """Training examples by site, as each that took part stated them last."""
    contributions: tuple[SiteShare, ...] = optional(())
    """Every site of the run in a round up to this one, with what it gave; absent in cards of
    0.1.0."""
    tuning_cases: TuningCases | None = optional(None)
    """On whom the tuning AUC was computed; absent where there is none, and in cards of 0.1.0."""
    releases: tuple[str, ...] = optional(())
    """Releases of HepaFed that took part, at the coordinator and the sites."""
    coordinator_release: str = optional("")
    """Release of the coordinator that saved the model; absent in cards of 0.1.0."""
    tuning_auc: float | None = None
    """Macro AUC on the sites' tuning data; null where none could be computed."""
    tuning_scores: TuningScores | None = None
    """The tuning patients' scores, against which later scores are held; null: none released."""
    parameters: int = 0
    """Number of the network's parameters."""
    parent: str = ""
    """File of the weights that the training started from; empty: random ones."""
    intended_use: tuple[str, ...] = ()
    """What the model is for."""
    limits: tuple[str, ...] = ()
    """What it is not for, and what is not known of it."""


def read_card(values: object) -> ModelCard:
    """Return the card that card.json holds; a key of a later release is refused by its name.

    Raises
    ------
    PayloadError
        A key is unknown or missing, or a value is not of its type (named).
    """
    return read_record(ModelCard, values, PayloadError, "card.json")
