"""The evaluation: what an evaluator promises to look at before any score exists (TOML)."""

import hashlib
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from hepafed.common.contract.plan import is_word
from hepafed.common.contract.subgroup_levels import MOST_VARIABLES, usable_names
from hepafed.common.contract.vocabulary import TASKS
from hepafed.common.errors import EvaluationError
from hepafed.common.records import optional, read_record

FIGURES = ("auc", "sensitivity", "specificity", "ppv", "npv", "accuracy")
"""The figures that an endpoint can name."""
LARGEST_FILE = 64 * 1024
"""The most bytes that an evaluation file may have."""
MOST_MODELS = 6
"""The most models in one comparison, the validated one included."""
LONGEST_WAIT = 7 * 86400.0
"""The most seconds that a validation waits for its sites."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _need(fits: bool, message: str, hint: str = "") -> None:
    if not fits:
        raise EvaluationError(message, hint or "see docs/evaluator-guide.md, 'Write it down first'")


def seconds_of(text: str) -> float:
    """Return the seconds of `90s`, `10m`, `2h` or `1d`; EvaluationError for anything else."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    _need(found is not None, f"{text[:20]!r} is not a time", "write 90s, 10m, 2h or 1d")
    assert found is not None  # noqa: S101 - _need has raised
    seconds = float(found[1]) * _UNITS[found[2]]
    _need(seconds <= LONGEST_WAIT, f"{text} is longer than 7 days", "write 90s, 10m, 2h or 1d")
    return seconds


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One figure of the report that was named beforehand."""

    figure: str = "auc"
    """`auc`, `sensitivity`, `specificity`, `ppv`, `npv` or `accuracy`, pooled over the sites."""
    unit: str = "patient"
    """`patient` or `lesion`."""
    task: str = "malignant_vs_benign"
    """Question of the endpoint, as in the report."""
    primary: bool = False
    """Whether it decides the study's result; at least one endpoint is primary."""
    at_least: float | None = None
    """Goal; it is met when the lower end of the pooled 95 % interval is not below it."""
    against: str = ""
    """Comparator of a non-inferiority question: a reader (`reader_a`: rates of the patient task),
    or another model of the evaluation's `against`, by digest or id (AUC)."""
    margin: float | None = None
    """Non-inferiority margin; the model is not inferior when the interval of model − comparator is
    above −margin."""

    def __post_init__(self) -> None:
        """Check every value."""
        known, figure = ", ".join(FIGURES), self.figure[:40]
        _need(self.figure in FIGURES, f"endpoints.figure: {figure!r} is not one of {known}")
        _need(self.unit in TASKS, f"endpoints.unit: {self.unit[:40]!r} is not patient or lesion")
        tasks = TASKS[self.unit]
        _need(
            self.task in tasks,
            f"endpoints.task: {self.task[:60]!r} is no task of a {self.unit}; "
            f"known: {', '.join(tasks)}",
        )
        for name in ("at_least", "margin"):
            value = getattr(self, name)
            _need(
                value is None or (math.isfinite(value) and 0 < value < 1),
                f"endpoints.{name}: {value} is outside 0…1",
            )
        _need(
            (self.margin is None) == (not self.against),
            "endpoints: against and margin go together",
            'for example against = "reader_a", margin = 0.05',
        )


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """evaluation.toml: model, cohorts, endpoints and margins, written before any score exists."""

    model: str
    """SHA-256 of the model, as its card says (`server models show MODEL`)."""
    cohorts: tuple[str, ...]
    """Sites whose patients are scored."""
    endpoints: tuple[Endpoint, ...]
    """What will be judged; `[[endpoints]]` tables."""
    against: tuple[str, ...] = ()
    """SHA-256 of other models, compared with `model` on the lesions that all can score."""
    title: str = ""
    """A line for the report's head."""
    study: str = optional("")
    """Name of the study, by which a site allows all of it; empty: the study of the model's plan."""
    split: str = "external"
    """`external`: the held-out sites; `test`: the training sites' internal test."""
    operating_point: float | None = None
    """Threshold on 1 − p_benign; must be the one locked in the model's card."""
    prevalence: float | None = None
    """Share of malignant patients at which predictive values are stated as well."""
    subgroups: tuple[str, ...] = ()
    """Variables by which figures will be split: `lesion_size`, `vendor`, `field_strength`, and
    what the sites declare, such as `sex`."""
    wait: str = "60s"
    """How long sites that are offline are waited for: `90s`, `10m`, `2h`."""

    def __post_init__(self) -> None:
        """Check every value."""
        _need(
            re.fullmatch(r"[0-9a-f]{64}", self.model) is not None,
            "model: expected the 64 hexadecimal digits of a SHA-256",
            "server models show MODEL prints it",
        )
        _need(
            all(re.fullmatch(r"[0-9a-f]{64}", m) for m in self.against)
            and len({self.model, *self.against}) == 1 + len(self.against) <= MOST_MODELS,
            f"against: expected at most {MOST_MODELS - 1} SHA-256 of different other models",
            "server models show MODEL prints it",
        )
        _need(1 <= len(self.cohorts) <= 1000, "cohorts: expected 1 to 1000 sites")
        _need(len(set(self.cohorts)) == len(self.cohorts), "cohorts: a site is named twice")
        _need(1 <= len(self.endpoints) <= 100, "endpoints: expected 1 to 100")
        _need(any(e.primary for e in self.endpoints), "endpoints: none is primary = true")
        _need(len(self.title) <= 200, "title: longer than 200 characters")
        _need(
            usable_names(self.subgroups),
            f"subgroups: expected at most {MOST_VARIABLES} different names",
            'for example subgroups = ["lesion_size", "sex"]',
        )
        _need(self.split in ("external", "test"), "split: expected external or test")
        for name in ("operating_point", "prevalence"):
            value = getattr(self, name)
            _need(
                value is None or (math.isfinite(value) and 0 < value < 1),
                f"{name}: {value} is outside 0…1",
            )
        _need(
            not self.study or is_word(self.study),
            f"study: {self.study[:60]!r} must be 1 to 40 letters, digits or '-'",
        )
        seconds_of(self.wait)


def digest_of(text: str) -> str:
    """Return the SHA-256 of an evaluation file, as `sha256sum evaluation.toml` prints it."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_evaluation(path: Path) -> str:
    """Return the text of an evaluation file, byte for byte, after checking it.

    Raises
    ------
    EvaluationError
        The file cannot be read, is too long, is not TOML, or a key or value is wrong (named).
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise EvaluationError(f"cannot read {path}", "name an existing TOML file in UTF-8") from e
    evaluation_from(text)
    return text


def evaluation_from(text: str) -> Evaluation:
    """Return the evaluation of a TOML text; EvaluationError names what is wrong."""
    _need(len(text.encode()) <= LARGEST_FILE, f"the evaluation is longer than {LARGEST_FILE} bytes")
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        raise EvaluationError(f"the evaluation is not TOML: {str(e)[:200]}", "see its line") from e
    return read_record(Evaluation, values, EvaluationError, "")
