"""The network: timm's Inception-ResNet V2 (Szegedy et al. 2017) for a plan's protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hepafed.common.contract import (
    AT_SITES,
    CLASSES,
    PROTOCOLS,
    OperatingPointPlan,
    Plan,
    RoundsPlan,
)
from hepafed.common.errors import PlanError
from hepafed.common.files import whole_file
from hepafed.common.network.pretrained import ARCHITECTURE, Fitted, fitted, own_names
from hepafed.common.network.tensor_files import must_be_safetensors, read_tensors, read_torch
from hepafed.common.network.weights import Layout

if TYPE_CHECKING:
    from torch import nn


def for_sites(plan: Plan) -> Plan:
    """Return a plan as the sites work by it.

    The file of pretrained weights lies at the coordinator alone, who makes the run's initial
    weights from it; a site gets these as a blob. How the updates are put together, how sites are
    weighed, which may be missing and how the operating point is chosen are the coordinator's matter
    too, and a site of an older release does not know these keys. A strategy by which a site trains
    as by `fedavg` is `fedavg` to it.
    """
    stated, usual = plan.rounds, RoundsPlan()
    rounds = RoundsPlan(
        count=stated.count,
        quorum=stated.quorum,
        deadline=stated.deadline,
        strategy=stated.strategy if stated.strategy in AT_SITES else usual.strategy,
        weights="equal" if stated.strategy == "scaffold" else usual.weights,
        mu=stated.mu,
        encoding=stated.encoding,
        max_norm=stated.max_norm,
    )
    return replace(
        plan,
        model=replace(plan.model, weights=""),
        rounds=rounds,
        operating_point=OperatingPointPlan(),
    )


def build(plan: Plan) -> "nn.Module":
    """Return the plan's network as `initial` makes it."""
    return initial(plan)[0]


def initial(plan: Plan) -> "tuple[nn.Module, tuple[str, ...], str]":
    """Return the plan's network, what was done to its file of weights, and that file's SHA-256.

    The network has one channel a sequence, three outputs and weights from `plan.seed`; then those
    of the local file `plan.model.weights`, if the plan names one (see `fitted` for what fits).
    Nothing is ever fetched from a hub.

    Raises
    ------
    PlanError
        The weights file cannot be read or does not fit.
    """
    _must_be_readable(plan)
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        module = _network(plan)
    if not plan.model.weights:
        return module, (), ""
    layout = Layout.of(module)
    made, digest = _of_file(plan, dict(zip(layout.names, layout.shapes, strict=True)))
    module.load_state_dict({**module.state_dict(), **made.tensors})
    return module, tuple(made.notes), digest


def look_at_weights(plan: Plan) -> tuple[str, ...]:
    """Return what would be done to the plan's file of weights; nothing is kept or written.

    Raises
    ------
    PlanError
        As `initial`.
    """
    _must_be_readable(plan)
    return tuple(_of_file(plan, _shapes(plan))[0].notes)


def import_weights(path: Path, to: Path) -> tuple[str, ...]:
    """Write the network in a file of torch.save as safetensors, under our names.

    Its first convolution and its classifier are kept as they are: a plan's protocol decides.

    Returns
    -------
    tuple
        Sentences for a person: what was done to the file's content, and what a plan will do.

    Raises
    ------
    PlanError
        The file is none, holds program objects, or does not fit; nothing is written.
    """
    from safetensors.torch import save

    own = _shapes(Plan(name="import", protocol="t2"))
    tensors, notes = read_torch(path)
    made = fitted(own, tensors, path.name, ours=False)
    named = own_names(tensors, path.name).tensors
    kept = {k: named[k].detach().contiguous().clone() for k in own if k in named}
    with whole_file(to) as f:
        f.write(save(kept, metadata={"format": "pt"}))
    return (*notes, *made.notes)


def _network(plan: Plan) -> "nn.Module":
    import timm

    module: nn.Module = timm.create_model(
        ARCHITECTURE,
        pretrained=False,
        in_chans=len(PROTOCOLS[plan.protocol]),
        num_classes=len(CLASSES),
        drop_rate=plan.model.dropout,
    )
    return module


def _shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the network's floating entries, without memory for its numbers."""
    import torch

    with torch.device("meta"):
        layout = Layout.of(_network(plan))
    return dict(zip(layout.names, layout.shapes, strict=True))


def _must_be_readable(plan: Plan) -> None:
    """Refuse a file of another kind before torch is loaded, which takes many seconds."""
    if plan.model.weights:
        with _named():
            must_be_safetensors(Path(plan.model.weights))


def _of_file(plan: Plan, own: dict[str, tuple[int, ...]]) -> tuple[Fitted, str]:
    path = Path(plan.model.weights)
    with _named():
        found, ours, digest = read_tensors(path)
        return fitted(own, found, path.name, ours=ours), digest


@contextmanager
def _named() -> Iterator[None]:
    """Say the plan's key before what is wrong with its file."""
    try:
        yield
    except PlanError as e:
        raise PlanError(f"model.weights: {e.message}", e.hint) from e
