"""In which numbers a network computes on a device, as a plan says."""

import torch
from hepafed.common.contract import TrainingPlan
from hepafed.common.errors import RefusedError

TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def number_type(plan: TrainingPlan, device: torch.device) -> torch.dtype:
    """Return the type of the numbers of a step.

    Raises
    ------
    RefusedError
        The plan asks for fp16 and the device is no GPU.
    """
    if plan.precision == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if plan.precision == "fp16" and device.type != "cuda":
        raise RefusedError(
            "the plan trains in fp16, and this site has no GPU",
            'state training.precision = "auto": bf16 on a GPU, fp32 on a processor',
        )
    return TYPES.get(plan.precision, torch.float32)


def computing(plan: TrainingPlan, device: torch.device) -> torch.autocast:
    """Return the context in which a network computes in the plan's numbers on a device."""
    kind = number_type(plan, device)
    return torch.autocast(
        device.type,
        dtype=torch.bfloat16 if kind == torch.float32 else kind,
        enabled=kind != torch.float32,
    )
