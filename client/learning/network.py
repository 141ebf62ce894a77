"""The plan's network on the site's device, and the layout of its weights."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from hepafed.common.contract import ModelPlan, Plan
from hepafed.common.network import Flat, Layout, build, for_sites, load
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Network:
    """A network that serves every plan with this model and this protocol."""

    model: ModelPlan
    """As the sites work by it (see `for_sites`)."""
    protocol: str
    module: nn.Module
    layout: Layout
    """Names and shapes of the weights."""

    forward: Callable[[Tensor], Tensor]
    """The module, or what torch.compile made of it."""
    compiled: bool

    def serves(self, plan: Plan) -> bool:
        """Return whether a plan asks for this network."""
        asked = for_sites(plan).model, plan.protocol, plan.training.compile
        return (self.model, self.protocol, self.compiled) == asked

    def loaded(self, weights: Flat) -> nn.Module:
        """Return the module with these weights, float32 [layout.size]."""
        load(self.module, self.layout, weights)
        return self.module


def build_network(plan: Plan, device: torch.device) -> Network:
    """Build a plan's network on a device; on a GPU in the layout that its convolutions like."""
    plan = for_sites(plan)
    module = build(plan).to(device)
    if device.type == "cuda":
        module = module.to(memory_format=torch.channels_last)
    compiled = plan.training.compile
    forward = torch.compile(module) if compiled else module
    return Network(plan.model, plan.protocol, module, Layout.of(module), forward, compiled)


def freeze_norm(module: nn.Module) -> None:
    """Keep every BatchNorm layer at its stored statistics, until the next `module.train()`."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()
