"""Weights on disk: safetensors files that hold the digest of every piece, checked on reading."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from hepafed.common.errors import PayloadError
from hepafed.common.files import whole_file
from hepafed.common.network.weights import Flat, Layout, all_finite, pieces

_PART = 1 << 20
"""How many numbers have a digest of their own, as `pieces` gives them."""
_THREADS = 4
"""How many pieces are hashed at a time; a quarter of a second for 54 million numbers by one."""
_AHEAD = 8
"""How many pieces are written before their digests are known; so many are in memory."""
_UNKNOWN = "0" * 64
"""Stands for the header's own digest while that is computed."""
_LONGEST_HEADER = 1 << 24
"""Bytes; the safetensors of our network have 200 KB."""


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """What the header of a file of weights says."""

    path: Path
    layout: Layout
    metadata: Mapping[str, str]
    start: int
    """Where the numbers begin, in bytes."""
    digests: tuple[str, ...] | None
    """SHA-256 of each piece; None in a file of 0.1.0."""


def save_safetensors(
    path: Path, layout: Layout, flat: Flat, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors by name, whole or not at all; the metadata keeps the layout's order.

    It also keeps the SHA-256 of every piece of the numbers, and of the header itself.
    """
    numbers = np.ascontiguousarray(flat, "<f4")
    if numbers.size != layout.size:
        raise PayloadError(f"the weights have {flat.size} numbers; the layout has {layout.size}")
    save_pieces(path, layout, pieces(numbers), metadata)


def save_pieces(
    path: Path,
    layout: Layout,
    parts: Iterable[Flat],
    metadata: dict[str, str] | None = None,
    *,
    durable: bool = True,
) -> None:
    """Write a file of `save_safetensors` from its numbers as `pieces` gives them, one by one.

    They are written and hashed at the same time. `durable`: as of `whole_file`.

    Raises
    ------
    ValueError
        The pieces are not the layout's.
    """
    about = {"order": json.dumps(layout.names), **(metadata or {})}
    count = -(-layout.size // _PART)
    blank = _header(layout, about, [_UNKNOWN] * count)
    with whole_file(path, durable=durable) as f, ThreadPoolExecutor(_THREADS) as threads:
        f.write(blank)
        hashing: list[Future[str]] = []
        for part in parts:
            hashing.append(threads.submit(_sha256, part))
            f.write(part.data)
            if len(hashing) > _AHEAD:
                hashing[-1 - _AHEAD].result()
        text = _header(layout, about, [h.result() for h in hashing])
        if len(text) != len(blank) or f.tell() != len(text) + 4 * layout.size:
            raise ValueError("the pieces are not those of the layout")
        f.seek(0)
        f.write(text)


def _header(layout: Layout, about: Mapping[str, str], digests: Sequence[str]) -> bytes:
    """Return the beginning of a file, with the digest of each piece and its own."""
    marked = {**about, "pieces": " ".join(digests), "sha256": _UNKNOWN}
    header: dict[str, object] = {"__metadata__": marked}
    start = 0
    for name, shape in zip(layout.names, layout.shapes, strict=True):
        end = start + 4 * prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    own = hashlib.sha256(text).hexdigest()
    return len(text).to_bytes(8, "little") + _mark(own).join(text.rsplit(_mark(_UNKNOWN), 1))


def open_weights(path: Path) -> WeightFile:
    """Read the header of a file of `save_safetensors`, held to its digest.

    Raises
    ------
    PayloadError
        The file cannot be read, is damaged, or has another length than its header says.
    """
    try:
        with path.open("rb") as f:
            length = int.from_bytes(f.read(8), "little")
            text = f.read(length) if length <= _LONGEST_HEADER else b""
        found = path.stat().st_size
        header = json.loads(text)
        about = header.pop("__metadata__")
        names = tuple(json.loads(about["order"]))
        layout = Layout(names, tuple(tuple(header[n]["shape"]) for n in names))
        size = layout.size
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise damaged(path) from e
    digests = None
    if "pieces" in about or "sha256" in about:
        own, digests = about.get("sha256", ""), tuple(about.get("pieces", "").split())
        blank = _mark(_UNKNOWN).join(text.rsplit(_mark(own), 1))
        if hashlib.sha256(blank).hexdigest() != own or len(digests) != -(-size // _PART):
            raise damaged(path)
    if found != 8 + length + 4 * size:
        raise damaged(path)
    return WeightFile(path=path, layout=layout, metadata=about, start=8 + length, digests=digests)


def read_parts(path: Path, size: int) -> Iterator[Flat]:
    """Yield the numbers of a file of `save_safetensors` piece by piece, in the layout's order.

    Each piece is held to its digest before it is given; of a file of 0.1.0 to be finite.

    Raises
    ------
    PayloadError
        The file is damaged, or does not hold `size` numbers.
    """
    known = open_weights(path)
    if known.layout.size != size:
        raise PayloadError(f"{path.name} does not contain this model's weights")
    with path.open("rb") as f:
        f.seek(known.start)
        for number in range(-(-size // _PART)):
            part = np.fromfile(f, "<f4", min(_PART, size - number * _PART))
            if not _is_whole(part, number, known):
                raise damaged(path)
            yield part


def is_whole_file(path: Path) -> bool:
    """Return whether a file of weights is there and undamaged; it is read to its end."""
    try:
        for _ in read_parts(path, open_weights(path).layout.size):
            pass
    except (OSError, PayloadError):
        return False
    return True


def damaged(path: Path) -> PayloadError:
    """Return the error that a file of weights is not as it was written."""
    name = "/".join(path.parts[-3:])
    return PayloadError(f"{name} is damaged: it is not what was written", "restore a copy of it")


def _is_whole(part: Flat, number: int, known: WeightFile) -> bool:
    if known.digests is None:
        return all_finite(part)
    return _sha256(part) == known.digests[number]


def _sha256(part: Flat) -> str:
    return hashlib.sha256(part.data).hexdigest()


def _mark(digest: str) -> bytes:
    return f'"sha256": "{digest}"'.encode()
