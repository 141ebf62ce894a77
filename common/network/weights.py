"""Weights as one flat vector: its layout, bf16 on the wire, safetensors on disk.

Only floating-point entries of the state dict travel (parameters and BatchNorm statistics);
integer counters stay where they are. Nothing here imports torch until a module is handed in, so
the coordinator stays small.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from hepafed.common.errors import PayloadError
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

Flat = NDArray[np.float32]
_CHUNK = 1 << 20
"""How many numbers of a vector are read or handed on at a time; few beside the whole model."""
_CACHED = 1 << 16
"""How many numbers are worked on at a time; few enough for the processor's cache."""

_EXPONENT = np.uint16(0x7F80)
"""The exponent bits of a bf16 number; they are all set in NaN and infinity only."""


@dataclass(frozen=True)
class Layout:
    """Names and shapes of the floating state-dict entries, in order."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, module: "nn.Module") -> "Layout":
        """Return the layout of a network."""
        entries = [
            (k, tuple(v.shape)) for k, v in module.state_dict().items() if v.is_floating_point()
        ]
        return cls(tuple(k for k, _ in entries), tuple(s for _, s in entries))

    @property
    def size(self) -> int:
        """The count of numbers in the vector."""
        return sum(prod(s) for s in self.shapes)


def flatten(module: "nn.Module", layout: Layout) -> Flat:
    """Return a network's state as a vector of `layout.size` float32."""
    state = module.state_dict()
    flat = np.empty(layout.size, np.float32)
    start = 0
    for name, shape in zip(layout.names, layout.shapes, strict=True):
        count = prod(shape)
        flat[start : start + count] = state[name].detach().float().cpu().numpy().ravel()
        start += count
    return flat


def load(module: "nn.Module", layout: Layout, flat: Flat) -> None:
    """Put a vector into a network in place; PayloadError for a wrong size."""
    import torch

    if flat.shape != (layout.size,):
        raise PayloadError(f"the weights have {flat.size} numbers; the model has {layout.size}")
    state = module.state_dict()
    start = 0
    with torch.no_grad():
        for name, shape in zip(layout.names, layout.shapes, strict=True):
            count = prod(shape)
            part = torch.from_numpy(flat[start : start + count].reshape(shape))
            state[name].copy_(part)
            start += count


def difference(module: "nn.Module", layout: Layout, flat: Flat) -> Flat:
    """Return a network's state minus `flat`, as `flatten` and a subtraction would."""
    state = module.state_dict()
    made = np.empty(layout.size, np.float32)
    start = 0
    for name, shape in zip(layout.names, layout.shapes, strict=True):
        here = slice(start, start + prod(shape))
        value = state[name].detach().float().cpu().numpy().ravel()
        np.subtract(value, flat[here], out=made[here])
        start = here.stop
    return made


def pieces(flat: Flat) -> Iterator[Flat]:
    """Yield a vector piece by piece, without copying."""
    for start in range(0, flat.size, _CHUNK):
        yield flat[start : start + _CHUNK]


def joined(arrays: Iterable[Flat]) -> Iterator[Flat]:
    """Yield arrays one after the other as the pieces of one vector; each piece is a copy."""
    part, filled = np.empty(_CHUNK, np.float32), 0
    for array in arrays:
        flat, start = array.ravel(), 0
        while start < flat.size:
            count = min(flat.size - start, _CHUNK - filled)
            part[filled : filled + count] = flat[start : start + count]
            start, filled = start + count, filled + count
            if filled == _CHUNK:
                yield part
                part, filled = np.empty(_CHUNK, np.float32), 0
    if filled:
        yield part[:filled]


def all_finite(flat: Flat) -> bool:
    """Return whether every number is finite, without an array of answers as long as `flat`."""
    parts = (flat[start : start + _CACHED] for start in range(0, flat.size, _CACHED))
    return all(bool(np.isfinite(part).all()) for part in parts)


def to_bf16(flat: Flat) -> memoryview:
    """Return the numbers as bfloat16 (nearest, ties to even), 2 bytes each, little-endian."""
    out = np.empty(flat.size, "<u2")
    for start in range(0, flat.size, _CACHED):
        part = np.ascontiguousarray(flat[start : start + _CACHED])
        bits = part.view(np.uint32)
        rounded = bits >> np.uint32(16)
        rounded &= np.uint32(1)
        rounded += np.uint32(0x7FFF)
        rounded += bits
        rounded >>= np.uint32(16)
        bad = ~np.isfinite(part)
        if bad.any():
            kept = bits[bad] >> np.uint32(16)
            kept[np.isnan(part[bad])] = 0x7FC0
            rounded[bad] = kept
        out[start : start + _CACHED] = rounded
    return out.data.cast("B")


def from_bf16(content: bytes | memoryview, layout: Layout) -> Flat:
    """Return bf16 bytes as float32[layout.size].

    Raises
    ------
    PayloadError
        There are not 2 × `layout.size` bytes, or a number is NaN or infinite.
    """
    if len(content) != 2 * layout.size:
        raise PayloadError(
            f"the weights have {len(content)} bytes; the model needs {2 * layout.size}"
        )
    raw = np.frombuffer(content, "<u2")
    flat = np.empty(raw.size, np.float32)
    view = flat.view(np.uint32)
    for start in range(0, raw.size, _CACHED):
        here = slice(start, start + _CACHED)
        if ((raw[here] & _EXPONENT) == _EXPONENT).any():
            raise PayloadError("the weights contain NaN or infinity")
        np.left_shift(raw[here], np.uint32(16), out=view[here])
    return flat
