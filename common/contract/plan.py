"""The plan: what the coordinator asks the sites to train, as a TOML file."""

import hashlib
import json
import re
from dataclasses import dataclass, field

from hepafed.common.contract.rounds import (
    LOCAL_NORM,
    RoundsPlan,
    check_together,
    one_of,
    within,
)
from hepafed.common.contract.training import AugmentationPlan, TrainingPlan
from hepafed.common.contract.vocabulary import PROTOCOLS
from hepafed.common.errors import PlanError
from hepafed.common.records import optional, read_record, write_record

LEAST_AIM, LARGEST_AIM = 0.5, 0.999
"""Rates that a plan can state as the aim of an operating point."""


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    """The network's settings; the architecture is always timm's `inception_resnet_v2`."""

    size: int = 299
    """Side of the square input in pixels; the network takes 75 at least."""
    weights: str = ""
    """safetensors file at the coordinator to start from, its path from the plan's folder; empty:
    random from `seed`."""
    dropout: float = 0.2
    """Drop rate before the classifier."""
    freeze_norm: bool = False
    """Keep BatchNorm at its stored statistics while training."""

    def __post_init__(self) -> None:
        """Check every value."""
        within("model.size", self.size, 75, 1024)
        within("model.dropout", self.dropout, 0, 0.9)


@dataclass(frozen=True, kw_only=True)
class DataPlan:
    """Which lesions a site uses."""

    missing: str = "drop"
    """A lesion without every sequence of the protocol: `drop` leaves it out, `zero` fills its
    missing channels with zero (at least one sequence must be there)."""

    def __post_init__(self) -> None:
        """Check every value."""
        one_of("data.missing", self.missing, ("drop", "zero"))


@dataclass(frozen=True)
class Aim:
    """A rate that a threshold has to reach on the tuning patients."""

    figure: str
    """`sensitivity` or `specificity`."""
    at_least: float

    @property
    def text(self) -> str:
        """The aim as a plan states it."""
        return f"{self.figure} >= {self.at_least:g}"


def aim_of(rule: str) -> Aim | None:
    """Return the aim that the rule of an operating point states; None for `youden`.

    Raises
    ------
    PlanError
        It is neither.
    """
    if rule == "youden":
        return None
    found = re.fullmatch(r" *(sensitivity|specificity) *>= *(0\.[0-9]{1,6}) *", rule)
    if found is None or not LEAST_AIM <= float(found[2]) <= LARGEST_AIM:
        raise PlanError(
            f"operating_point.rule: {rule[:40]!r} is not youden, sensitivity >= X or "
            f"specificity >= X with X in {LEAST_AIM:g}…{LARGEST_AIM:g}",
            'for example rule = "sensitivity >= 0.95"',
        )
    return Aim(found[1], float(found[2]))


@dataclass(frozen=True, kw_only=True)
class OperatingPointPlan:
    """How the threshold is chosen on the tuning patients."""

    rule: str = "youden"
    """`youden`: the largest sum of sensitivity and specificity; or an aim, `sensitivity >= 0.95` or
    `specificity >= 0.9`. If the tuning patients do not reach the aim, no model is saved."""

    def __post_init__(self) -> None:
        """Check the rule."""
        aim_of(self.rule)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the coordinator asks for; fixed for the whole run."""

    name: str
    """A short word for lists and model ids: letters, digits, '-' (at most 40)."""
    protocol: str
    """`t2`, `t2-dwi`, `multi-sequence` or `enhanced`."""
    seed: int = 0
    """Seed of the initial weights and of every site's order of examples."""
    synthetic: bool = optional(False)
    """Whether the data are made up (a demo, a rehearsal): cards and reports then say so."""
    study: str = optional("")
    """Name of the study, by which a site allows all of it (`client allow --study`): letters,
    digits, '-' (at most 40). Empty: the plan's name."""
    data: DataPlan = field(default_factory=DataPlan)
    model: ModelPlan = field(default_factory=ModelPlan)
    training: TrainingPlan = field(default_factory=TrainingPlan)
    augmentation: AugmentationPlan = optional(AugmentationPlan())
    rounds: RoundsPlan = field(default_factory=RoundsPlan)
    operating_point: OperatingPointPlan = optional(OperatingPointPlan())
    """How the threshold is chosen; the coordinator's matter, no site is told."""

    def __post_init__(self) -> None:
        """Check every value."""
        one_of("protocol", self.protocol, tuple(PROTOCOLS))
        for key, word in (("name", self.name), ("study", self.study or "a")):
            if not is_word(word):
                usable = re.sub("[^A-Za-z0-9]+", "-", word)[:40].strip("-")
                such = f", such as {usable}" if usable else ""
                raise PlanError(
                    f"{key}: {word[:60]!r} must be 1 to 40 letters, digits or '-'{such}"
                )
        within("seed", self.seed, 0, 2**31 - 1)
        _check_budget(self.training.budget, self.rounds)
        check_together(self.rounds)
        _check_strategy(self)
        if self.training.freeze_rounds >= self.rounds.count:
            raise PlanError(
                f"training.freeze_rounds: {self.training.freeze_rounds} is not below rounds.count, "
                f"{self.rounds.count}: the last layer alone would ever learn",
                "write fewer freeze_rounds than rounds",
            )
        if not self.training.augment and self.augmentation != AugmentationPlan():
            raise PlanError(
                "augmentation: the plan says how images are changed, and training.augment is false",
                "write augment = true under [training], or leave out [augmentation]",
            )


def _check_budget(budget: int, rounds: RoundsPlan) -> None:
    """Check that a time budget fits the rounds; 0 is none."""
    if not budget:
        return
    if rounds.strategy != "fednova":
        raise PlanError(
            "training.budget: with it the sites take unequal numbers of steps, and "
            f"{rounds.strategy} would count them as equal",
            'write strategy = "fednova" under [rounds]',
        )
    if budget >= rounds.deadline:
        raise PlanError(
            f"training.budget: {budget} s is not below rounds.deadline, {rounds.deadline} s",
            f"write budget = {rounds.deadline // 2} under [training], or a longer deadline: the "
            "transfers and the tuning split need time too",
        )


def _check_strategy(plan: Plan) -> None:
    """Check that the local training is one that the strategy is made for."""
    training, word = plan.training, plan.rounds.strategy
    if word == "scaffold" and training.optimiser != "sgd":
        raise PlanError(
            f"training.optimiser: scaffold corrects plain steps of sgd, not those of "
            f"{training.optimiser}",
            'write optimiser = "sgd" under [training], and a rate for it, such as 0.05',
        )
    if word == "scaffold" and training.momentum:
        raise PlanError(
            "training.momentum: scaffold corrects plain steps, and a momentum would sum the "
            "corrections up",
            "write momentum = 0.0 under [training]",
        )
    if word == "scaffold" and (training.backbone_rate != 1 or training.freeze_rounds):
        key = "freeze_rounds" if training.freeze_rounds else "backbone_rate"
        raise PlanError(
            f"training.{key}: scaffold counts the steps of all layers by one learning rate",
            f"leave {key} out, or write another strategy under [rounds]",
        )
    if word == "scaffold" and training.precision == "fp16":
        raise PlanError(
            "training.precision: fp16 leaves out steps whose gradients overflow, and scaffold "
            "counts every step",
            'write precision = "auto" under [training]',
        )
    if word in LOCAL_NORM and plan.model.freeze_norm:
        raise PlanError(
            f"model.freeze_norm: {word} leaves a site's own BatchNorm there, and a frozen one is "
            "the same everywhere",
            "write freeze_norm = false under [model], or another strategy under [rounds]",
        )


def is_word(name: str) -> bool:
    """Return whether a name of a plan or study has 1 to 40 letters, digits or '-'."""
    plain = name.replace("-", "")
    return plain.isascii() and plain.isalnum() and len(name) <= 40


def study_of(plan: Plan) -> str:
    """Return the study that a plan belongs to: the one that it states, or its own name."""
    return plan.study or plan.name


def plan_digest(plan: Plan) -> str:
    """Return the SHA-256 of what a plan says; `client pending` shows it."""
    text = json.dumps(write_record(plan), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plan_from(values: object) -> Plan:
    """Return the plan of plain values (a TOML table, a JSON object); PlanError names the key."""
    return read_record(Plan, values, PlanError)
