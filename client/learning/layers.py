"""Which layers of a network learn in a round, and how fast: transfer learning by stages.

Howard and Ruder 2018 (ACL) call them gradual unfreezing and discriminative learning rates.
"""

from hepafed.client.learning.network import freeze_norm
from hepafed.common.contract import Plan
from torch import nn


def last_layer(module: nn.Module) -> nn.Module:
    """Return the classifier: the last linear layer of a network."""
    return [part for part in module.modules() if isinstance(part, nn.Linear)][-1]


def make_ready(module: nn.Module, plan: Plan, round: int) -> None:
    """Set a network to train in a round, counted from 1.

    In the plan's first `freeze_rounds` its last layer alone learns, and BatchNorm keeps its
    statistics: the update is then zero everywhere else.
    """
    module.train()
    frozen = round <= plan.training.freeze_rounds
    module.requires_grad_(not frozen)
    last_layer(module).requires_grad_(True)
    if frozen or plan.model.freeze_norm:
        freeze_norm(module)
