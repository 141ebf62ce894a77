"""The network: timm's Inception-ResNet V2 (Szegedy et al. 2017) for a plan's protocol."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hepafed.common.contract import CLASSES, PROTOCOLS, OperatingPointPlan, Plan, RoundsPlan
from hepafed.common.errors import PlanError

if TYPE_CHECKING:
    from torch import Tensor, nn

ARCHITECTURE = "inception_resnet_v2"
_STEM = "conv2d_1a.conv.weight"
_HEAD = ("classif.weight", "classif.bias")


def for_sites(plan: Plan) -> Plan:
    """Return a plan as the sites work by it.

    The file of pretrained weights lies at the coordinator alone, who makes the run's initial
    weights from it; a site gets these as a blob. How sites are weighed, which may be missing and
    how the operating point is chosen are the coordinator's matter too, and a site of an older
    release does not know these keys.
    """
    usual = RoundsPlan()
    rounds = replace(
        plan.rounds,
        max_share=usual.max_share,
        missing=usual.missing,
        missing_share=usual.missing_share,
        missing_rounds=usual.missing_rounds,
    )
    return replace(
        plan,
        model=replace(plan.model, weights=""),
        rounds=rounds,
        operating_point=OperatingPointPlan(),
    )


def build(plan: Plan) -> "nn.Module":
    """Return the plan's network: one channel a sequence, three outputs, weights from `plan.seed`.

    A local file of pretrained weights (`plan.model.weights`) may have three input channels and
    any number of classes: the stem's filters are averaged over the colours and the classifier
    starts anew. Nothing is ever fetched from a hub.

    Raises
    ------
    PlanError
        The weights file is missing or not of this architecture.
    """
    import timm
    import torch

    channels = len(PROTOCOLS[plan.protocol])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        module: nn.Module = timm.create_model(
            ARCHITECTURE,
            pretrained=False,
            in_chans=channels,
            num_classes=len(CLASSES),
            drop_rate=plan.model.dropout,
        )
    if plan.model.weights:
        _load_pretrained(module, Path(plan.model.weights), channels)
    return module


def _load_pretrained(module: "nn.Module", path: Path, channels: int) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    hint = "model.weights names a local safetensors file of timm's inception_resnet_v2"
    try:
        found: dict[str, Tensor] = load_file(str(path))
    except (OSError, SafetensorError) as e:
        raise PlanError(f"model.weights: {path.name} cannot be read", hint) from e
    own = module.state_dict()
    stem = found.get(_STEM)
    if stem is not None and stem.ndim == 4 and stem.shape[1] != channels:
        # the mean filter, scaled so that activations keep their size
        mean = stem.float().mean(1, keepdim=True) * (stem.shape[1] / channels)
        found[_STEM] = mean.repeat(1, channels, 1, 1)
    for name in _HEAD:
        if name in found and found[name].shape != own[name].shape:
            found[name] = own[name]
    wrong = [k for k, v in own.items() if k not in found or found[k].shape != v.shape]
    wrong = [k for k in wrong if not k.endswith("num_batches_tracked")]
    if wrong:
        raise PlanError(f"model.weights: {path.name} does not fit at {wrong[0]}", hint)
    module.load_state_dict({**own, **{k: v for k, v in found.items() if k in own}})
