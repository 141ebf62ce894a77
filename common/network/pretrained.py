"""Tensors from elsewhere put into our network: by name and shape, or refused with the reason."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hepafed.common.contract import CLASSES
from hepafed.common.errors import PlanError

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "inception_resnet_v2"
STEM = "conv2d_1a.conv.weight"
HEAD = ("classif.weight", "classif.bias")
OTHER_NAMES = {"last_linear.weight": HEAD[0], "last_linear.bias": HEAD[1]}
"""Names of the same network in Cadene's pretrained-models.pytorch."""
HINT = "name a file of timm's inception_resnet_v2, or a model of server models export"
FLOATS = ("float16", "bfloat16", "float32", "float64")
_SHOWN = 3
"""How many tensors a message names."""


@dataclass
class Fitted:
    """Tensors under our names and in our shapes, float32, and what was done to get there."""

    tensors: "dict[str, Tensor]" = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """Sentences for a person."""


def own_names(found: "Mapping[str, Tensor]", file: str) -> Fitted:
    """Return tensors of this network under our names, whatever stands before the names in a file.

    Raises
    ------
    PlanError
        It is another network, or there are several.
    """
    starts = sorted({k.removesuffix(STEM) for k in found if k == STEM or k.endswith("." + STEM)})
    if not starts:
        first = f", and has {min(found)[:60]}" if found else ""
        raise PlanError(f"{file} is not of {ARCHITECTURE}: it has no tensor {STEM}{first}", HINT)
    if len(starts) > 1:
        raise several(file, [s[:40] or "no prefix" for s in starts])
    (start,) = starts
    made = Fitted({k.removeprefix(start): v for k, v in found.items() if k.startswith(start)})
    if start:
        made.notes.append(f"{start[:40]!r} was taken from the front of every name")
    if outside := len(found) - len(made.tensors):
        made.notes.append(f"{outside} tensors of the file do not belong to it and are not used")
    if not made.tensors.keys() & set(HEAD):
        for old, new in OTHER_NAMES.items():
            if old in made.tensors:
                made.tensors[new] = made.tensors.pop(old)
    return made


def several(file: str, where: list[str]) -> PlanError:
    """Return the error that a file has more than one network of ours."""
    return PlanError(
        f"{file} holds {len(where)} networks, under {', '.join(where)}",
        "write the tensors of one of them to a file of its own (safetensors.torch.save_file)",
    )


def fitted(
    own: "Mapping[str, tuple[int, ...]]", found: "Mapping[str, Tensor]", file: str, *, ours: bool
) -> Fitted:
    """Fit the tensors of a file to a network whose floating entries have the shapes of `own`.

    A first convolution of other channels gets its mean filter, scaled so that activations keep
    their size. A classifier of other classes, or none, is left out: the network's own stays.

    Parameters
    ----------
    ours
        The file is one that HepaFed wrote, so its classes are ours.

    Raises
    ------
    PlanError
        A tensor is missing, has another shape, is no usable number; the message names it.
    """
    made = own_names(found, file)
    given, wanted = made.tensors, dict(own)
    kinds = {k: _kind(given[k]) for k in wanted if k in given}
    if other := [f"{k} ({kind})" for k, kind in kinds.items() if kind not in FLOATS]:
        raise PlanError(
            f"{file} is quantised: its numbers are no floating numbers at {_listed(other)}",
            "use the file as it was before it was quantised",
        )
    _fit_stem(made, own[STEM])
    for name in _head_to_leave_out(made, own, ours=ours):
        given.pop(name, None)
        del wanted[name]
    _must_have_shapes(given, wanted, file)
    if more := sorted(k for k in given if k not in own and not k.endswith("num_batches_tracked")):
        made.notes.append(f"{len(more)} tensors of the file are not used, such as {more[0][:60]}")
    if narrow := sorted({*kinds.values()} - {"float32"}):
        made.notes.append(f"numbers of type {', '.join(narrow)} are float32 now")
    if bad := [f"{k} ({why})" for k in wanted if (why := _unusable(k, given[k]))]:
        raise PlanError(f"{file} has unusable numbers at {_listed(bad)}", "use another copy of it")
    made.tensors = {k: given[k].float() for k in wanted}
    return made


def _must_have_shapes(
    given: "Mapping[str, Tensor]", wanted: Mapping[str, tuple[int, ...]], file: str
) -> None:
    missing = [f"{k} (missing)" for k in wanted if k not in given]
    shapes = [(k, tuple(given[k].shape), s) for k, s in wanted.items() if k in given]
    other = [f"{k} ({_text(has)}; the network has {_text(s)})" for k, has, s in shapes if has != s]
    if missing or other:
        raise PlanError(f"{file} does not fit at {_listed(missing + other)}", HINT)


def _fit_stem(made: Fitted, shape: tuple[int, ...]) -> None:
    stem, channels = made.tensors[STEM], shape[1]
    has = stem.shape[1] if stem.ndim == 4 else 0
    if has in (0, channels) or not stem.is_floating_point() or stem.shape[0] != shape[0]:
        return
    mean = stem.float().mean(1, keepdim=True) * (has / channels)
    made.tensors[STEM] = mean.repeat(1, channels, 1, 1)
    made.notes.append(
        f"the first convolution has the mean filter of the file's {has} channels in each of "
        f"{channels}"
    )


def _head_to_leave_out(
    made: Fitted, own: Mapping[str, tuple[int, ...]], *, ours: bool
) -> tuple[str, ...]:
    """Return the classifier's names where the network's own stays; say so."""
    given = made.tensors
    if not given.keys() & set(HEAD):
        made.notes.append("the file has no classifier: it starts anew")
        return HEAD
    if any(k not in given for k in HEAD):
        return ()  # said as missing
    classes = [given[k].shape[0] if given[k].ndim else 0 for k in HEAD]
    whole = tuple(given[HEAD[0]].shape[1:]) == own[HEAD[0]][1:] and given[HEAD[1]].ndim == 1
    if whole and classes[0] == classes[1] != len(CLASSES):
        made.notes.append(f"the file's classifier has {classes[0]} classes: it starts anew")
        return HEAD
    if not ours and whole and classes == [len(CLASSES)] * 2:
        words = ", ".join(CLASSES)
        made.notes.append(f"the classifier is kept; its classes must be {words}, in this order")
    return ()


def _unusable(name: str, tensor: "Tensor") -> str:
    """Return why the numbers of a tensor cannot be used, "" where they can."""
    import torch

    low, high = (float(x) for x in torch.aminmax(tensor))
    if not (math.isfinite(low) and math.isfinite(high)):
        return "NaN or infinity"
    if max(-low, high) > torch.finfo(torch.bfloat16).max:
        return "too large for bfloat16, in which weights are sent"
    if name.endswith("running_var") and low < 0:
        return "a negative variance"
    return "zero everywhere" if tensor.ndim == 4 and low == high == 0 else ""


def _kind(tensor: "Tensor") -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one number"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
