"""The network and its weights."""

from hepafed.common.network.architecture import build, for_sites
from hepafed.common.network.weights import (
    Flat,
    Layout,
    all_finite,
    difference,
    flatten,
    from_bf16,
    load,
    pieces,
    read_parts,
    save_safetensors,
    to_bf16,
)

__all__ = [
    "Flat",
    "Layout",
    "all_finite",
    "build",
    "difference",
    "flatten",
    "for_sites",
    "from_bf16",
    "load",
    "pieces",
    "read_parts",
    "save_safetensors",
    "to_bf16",
]
