"""What a site does in one round: the table `[training]` of a plan."""

from dataclasses import dataclass

from hepafed.common.contract.rounds import LONGEST_SECONDS, one_of, within
from hepafed.common.contract.vocabulary import OPTIMISERS
from hepafed.common.errors import PlanError
from hepafed.common.records import optional

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """What a site does in one round."""

    epochs: int = 1
    """Passes over the site's training lesions in a round; 0: a rehearsal, without a model."""
    batch: int = 32
    """Images in one step; 0 for the whole split in one step."""
    optimiser: str = "adamw"
    """`adamw` or `sgd`."""
    rate: float = 1e-3
    """Peak learning rate."""
    schedule: str = "one-cycle"
    """`one-cycle`, `cosine` or `constant`, over all rounds."""
    weight_decay: float = 0.01
    """Decoupled weight decay."""
    momentum: float = 0.0
    """Momentum of `sgd`."""
    augment: bool = True
    """Change images at random, as `[augmentation]` says."""
    balance: bool = True
    """Draw the classes equally often."""
    label_smoothing: float = 0.0
    """Softening of the targets."""
    budget: int = optional(0)
    """Seconds that a site trains in a round: then it stops after the step under way and sends what
    it has. Needs `rounds.strategy = "fednova"`. 0: every site trains all epochs."""
    precision: str = optional("auto")
    """Numbers of a step: `fp32`, `bf16`, `fp16` (needs a GPU; the loss is scaled), or `auto`: bf16
    on a GPU, fp32 on a processor. Weights and optimiser are fp32 always."""
    micro_batch: int = optional(0)
    """Most images that go through the network together; a batch is then the sum of several passes,
    with BatchNorm's statistics of each pass. 0: the whole batch, halved after an out-of-memory
    error."""
    compile: bool = optional(False)
    """Have torch.compile make the network's kernels: some minutes at the first step."""
    freeze_rounds: int = optional(0)
    """Rounds, from the first on, in which the last layer alone learns; the others and BatchNorm
    stay at the starting weights."""
    backbone_rate: float = optional(1.0)
    """Learning rate of all layers but the last, as a share of `training.rate`."""

    def __post_init__(self) -> None:
        """Check every value."""
        within("training.epochs", self.epochs, 0, 1000)
        within("training.batch", self.batch, 0, 65536)
        one_of("training.optimiser", self.optimiser, OPTIMISERS)
        within("training.rate", self.rate, 1e-9, 10)
        one_of("training.schedule", self.schedule, ("one-cycle", "cosine", "constant"))
        within("training.weight_decay", self.weight_decay, 0, 1)
        within("training.momentum", self.momentum, 0, 0.999)
        within("training.label_smoothing", self.label_smoothing, 0, 0.5)
        within("training.budget", self.budget, 0, LONGEST_SECONDS)
        one_of("training.precision", self.precision, PRECISIONS)
        within("training.micro_batch", self.micro_batch, 0, 65536)
        if self.micro_batch == 1:
            raise PlanError(
                "training.micro_batch: BatchNorm cannot learn from a single image",
                "write micro_batch = 2 or more, or 0",
            )
        within("training.freeze_rounds", self.freeze_rounds, 0, 10000)
        within("training.backbone_rate", self.backbone_rate, 0, 1)
