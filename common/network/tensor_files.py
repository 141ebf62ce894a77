"""Files of tensors from elsewhere: safetensors are read, others are named for what they are.

A file of torch.save is a pickle. Only `read_torch` opens one, with torch's restricted reader,
which makes tensors and plain values and calls nothing that the file names.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepafed.common.errors import PlanError
from hepafed.common.network.pretrained import HINT, STEM, several
from hepafed.common.network.weight_files import is_whole_file

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_FILE = 4 << 30
"""Bytes; the network in float64 has 435 MB."""
_KINDS = (
    (b"PK\x03\x04", "torch"),
    (b"\x80", "torch"),
    (b"\x89HDF\r\n", "a file of Keras or TensorFlow (HDF5)"),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS, not the file itself (git lfs pull gets it)",
    ),
    (b"<", "a page of text"),
    (b"\x1f\x8b", "packed with gzip"),
)


def must_be_safetensors(path: Path) -> None:
    """Refuse a file that is another kind by its first bytes; no tensor is read for it.

    Raises
    ------
    PlanError
        It is not there, or is something else; the hint says what to do with that.
    """
    kind = _kind_of(path)
    if kind == "torch":
        raise PlanError(
            f"{path.name} is a file of torch.save, which is not opened here",
            f"server import-weights {path} -o {path.with_suffix('.safetensors')}; then name "
            "that file",
        )
    if kind:
        raise PlanError(f"{path.name} is {kind}", HINT)


def read_tensors(path: Path) -> "tuple[dict[str, Tensor], bool, str]":
    """Read a safetensors file; return its tensors, whether HepaFed wrote it, and its SHA-256.

    Raises
    ------
    PlanError
        It is not there, is another kind of file, or is damaged.
    """
    from safetensors import SafetensorError, safe_open

    must_be_safetensors(path)
    try:
        with path.open("rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
        with safe_open(str(path), framework="pt") as opened:
            ours = "order" in (opened.metadata() or {})
            found = {k: opened.get_tensor(k) for k in opened.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as e:
        raise _unreadable(path) from e
    if ours and not is_whole_file(path):
        raise PlanError(
            f"{path.name} is damaged: it is not what was written",
            "export the model again: server models export",
        )
    return found, ours, digest


def read_torch(path: Path) -> "tuple[dict[str, Tensor], tuple[str, ...]]":
    """Return the tensors in a file of torch.save that belong to our network, and notes on them.

    Raises
    ------
    PlanError
        It is no file of torch.save, holds more than tensors and plain values, or several networks.
    """
    import torch

    if _kind_of(path) != "torch":
        raise PlanError(
            f"{path.name} is not a file of torch.save",
            "a safetensors file needs no import: name it as model.weights in the plan",
        )
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as e:  # a broken file has the reader raise anything
        raise PlanError(
            f"{path.name} cannot be read as tensors alone: it is damaged, or holds program objects "
            "beside them. Nothing in it was run",
            "where it was made, write the tensors alone: "
            "safetensors.torch.save_file(model.state_dict(), FILE)",
        ) from e
    held = dict(_networks(loaded))
    if len(held) > 1:
        raise several(path.name, sorted(held))
    if not held:
        return _tensors_of(loaded), ()
    ((where, tensors),) = held.items()
    return tensors, ((f"taken from under {where!r}",) if where else ())


def _networks(value: object, where: str = "", depth: int = 2) -> "Iterator[tuple[str, Any]]":
    """Yield each table of tensors with our first convolution, and where it lies in a file."""
    if not isinstance(value, Mapping):
        return
    tensors = _tensors_of(value)
    if any(k == STEM or k.endswith("." + STEM) for k in tensors):
        yield where, tensors
    if depth:
        for key, inner in value.items():
            at = f"{where}.{key}" if where else str(key)
            yield from _networks(inner, at[:60], depth - 1)


def _tensors_of(value: object) -> "dict[str, Tensor]":
    import torch

    pairs = value.items() if isinstance(value, Mapping) else ()
    return {str(k): v for k, v in pairs if isinstance(v, torch.Tensor)}


def _kind_of(path: Path) -> str:
    """Return what a file is by its first bytes; "" for what may be safetensors."""
    try:
        if not path.exists():
            raise PlanError(
                f"{path.name} is not on this machine: {path}",
                "copy the file to the coordinator's machine and name it by its full path there",
            )
        if not path.is_file():
            raise PlanError(f"{path.name} is not a file", HINT)
        size = path.stat().st_size
        with path.open("rb") as f:
            start = f.read(64)
    except (OSError, ValueError) as e:
        raise _unreadable(path) from e
    if not size:
        return "empty"
    if size > LARGEST_FILE:
        return f"too large ({size / 1e9:.0f} GB)"
    header = int.from_bytes(start[:8], "little")
    if start[8:9] == b"{" and header <= size - 8:
        return ""
    return next((kind for mark, kind in _KINDS if start.startswith(mark)), "")


def _unreadable(path: Path) -> PlanError:
    return PlanError(f"{path.name} cannot be read: it is no whole safetensors file", HINT)
