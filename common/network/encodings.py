"""Updates on the wire: bf16, or whole numbers of 8 or 4 bits by blocks, written and read by pieces.

A block of b numbers has one scale s (bf16, rounded up) and b codes q, so that each number is q·s
within s/2; s is the block's largest number over the largest code. What is rounded off is given
back to the sender, who adds it to its next update (error feedback: Seide et al., Interspeech 2014;
Karimireddy et al., ICML 2019). The statistics of BatchNorm are float32, as they are: they are no
sums of steps.

A coded file is a header, the statistics (<f4), the scales (<u2), and the codes; at 4 bits the even
number of a pair is in the low half of its byte. Its length follows from the network alone.
"""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from hepafed.common.errors import PayloadError
from hepafed.common.network.norm import statistics_of
from hepafed.common.network.weights import Flat, Layout, all_finite, to_bf16
from numpy.typing import NDArray

_CHUNK = 1 << 18
"""How many numbers are worked on at a time; a multiple of every block."""
_MAGIC = b"HFUPD001"
_LONGEST_HEADER = 1 << 20
_INFINITE = np.uint16(0x7F80)
"""bf16 from here on is infinite, NaN or negative."""


@dataclass(frozen=True)
class Coding:
    """How many bits a number has, and how many numbers share a scale."""

    bits: int
    block: int

    @property
    def top(self) -> int:
        """The largest code; the smallest is its opposite."""
        return (1 << (self.bits - 1)) - 1


CODINGS = {"int8": Coding(8, 256), "int4": Coding(4, 64)}
"""By the plan's word `rounds.encoding`; `bf16` has none."""


@dataclass(frozen=True)
class UpdateForm:
    """What a file of an update looks like."""

    encoding: str
    """`bf16`, or one of `CODINGS`."""
    size: int
    """Numbers of the vector."""
    exact: tuple[tuple[int, int], ...] = ()
    """Ranges of the vector that are float32, in order; none in bf16."""

    @classmethod
    def of(cls, layout: Layout, encoding: str) -> "UpdateForm":
        """Return the form of updates of a network."""
        exact = tuple(statistics_of(layout)) if encoding in CODINGS else ()
        return cls(encoding, layout.size, exact)

    @property
    def coding(self) -> Coding | None:
        """The bits and blocks; None for bf16."""
        return CODINGS.get(self.encoding)

    @property
    def length(self) -> int:
        """The length of a file."""
        if self.coding is None:
            return 2 * self.size
        return self.start + 4 * self.kept + 2 * self.blocks + self.coded_bytes

    @property
    def kept(self) -> int:
        """How many numbers are float32."""
        return sum(high - low for low, high in self.exact)

    @property
    def blocks(self) -> int:
        """How many blocks the other numbers make; the last may have fewer numbers."""
        return 0 if self.coding is None else -(-(self.size - self.kept) // self.coding.block)

    @property
    def coded_bytes(self) -> int:
        """The length of all codes."""
        count = self.size - self.kept
        return count if self.encoding == "int8" else -(-count // 2)

    @property
    def header(self) -> bytes:
        """The first bytes of a coded file."""
        text = json.dumps([self.encoding, self.size, self.exact], separators=(",", ":")).encode()
        return _MAGIC + len(text).to_bytes(4, "little") + text

    @property
    def start(self) -> int:
        """Where the statistics begin, in bytes."""
        return len(self.header)

    def runs(self) -> Iterator[tuple[int, int, bool]]:
        """Yield the vector's ranges in order: (from, to, whether they are float32)."""
        at = 0
        for low, high in self.exact:
            if at < low:
                yield at, low, False
            yield low, high, True
            at = high
        if at < self.size:
            yield at, self.size, False


def encode(update: Flat, form: UpdateForm) -> tuple[memoryview, Flat | None]:
    """Return an update's file, and what was rounded off (None for bf16), float32 [size].

    Raises
    ------
    PayloadError
        The update has another size, or a number that is not finite.
    """
    if update.size != form.size:
        raise PayloadError(f"the update has {update.size} numbers; the model has {form.size}")
    if not all_finite(update):
        raise PayloadError("the update contains NaN or infinity")
    coding = form.coding
    if coding is None:
        return to_bf16(update), None
    rest = update.copy()
    for low, high in form.exact:
        rest[low:high] = 0.0
    body = np.concatenate([update[a:b] for a, b, exact in form.runs() if not exact] or [rest[:0]])
    scales = np.empty(form.blocks, "<u2")
    codes = np.empty(body.size, np.int8)
    for at in range(0, body.size, _CHUNK):
        here = body[at : at + _CHUNK]
        first, last = at // coding.block, -(-(at + here.size) // coding.block)
        scales[first:last], codes[at : at + here.size] = _coded(here, coding)
        here -= _widened(scales[first:last], codes[at : at + here.size], coding)
    if not all_finite(body):
        raise PayloadError("the update has numbers that are too large for its encoding")
    at = 0
    for low, high, exact in form.runs():
        if not exact:
            rest[low:high] = body[at : at + high - low]
            at += high - low
    kept = [update[low:high].astype("<f4").tobytes() for low, high in form.exact]
    parts = [form.header, *kept, scales.tobytes(), _packed(codes, coding)]
    return memoryview(b"".join(parts)), rest


def read_parts_of(
    path: Path, size: int, most: int = _CHUNK
) -> Generator[NDArray[np.float32], None, None]:
    """Read a file of `encode` of `size` numbers: float32 pieces of the vector, in order.

    Each has at most `most` numbers. The header says which encoding it is; `check_form` tells
    whether that is the plan's.

    Raises
    ------
    PayloadError
        It is no such file, has another length, a scale that is no finite number from 0 on, or a
        code beyond the largest.
    """
    with path.open("rb") as f:
        form = _form_in(f, path.stat().st_size, size)
        if form.coding is None:
            for at in range(0, size, most):
                yield _widen(np.fromfile(f, "<u2", min(most, size - at)))
            return
        exact_at, body_at = 0, 0
        for low, high, exact in form.runs():
            for at in range(low, high, most):
                count = min(most, high - at)
                if exact:
                    f.seek(form.start + 4 * exact_at)
                    yield np.fromfile(f, "<f4", count).astype(np.float32, copy=False)
                    exact_at += count
                else:
                    yield _read_coded(f, form, form.coding, body_at, count)
                    body_at += count


def check_form(path: Path, form: UpdateForm) -> None:
    """Check that a file is of this form, by its length and its header.

    Raises
    ------
    PayloadError
        It is not.
    """
    found = path.stat().st_size
    if found != form.length:
        raise PayloadError(f"an update must have {form.length} bytes; this one has {found}")
    if form.coding is not None:
        with path.open("rb") as f:
            if f.read(form.start) != form.header:
                raise PayloadError(f"the update is not in the plan's encoding, {form.encoding}")


def _form_in(f: BinaryIO, length: int, size: int) -> UpdateForm:
    """Read a file's header, and stand behind it; a file of bf16 has none."""
    plain = UpdateForm("bf16", size)
    if length == plain.length:
        return plain
    wrong = PayloadError(f"an update must have {plain.length} bytes; this one has {length}")
    if f.read(len(_MAGIC)) != _MAGIC:
        raise wrong
    count = int.from_bytes(f.read(4), "little")
    try:
        text = f.read(count) if count <= _LONGEST_HEADER else b""
        encoding, known, exact = json.loads(text)
        form = UpdateForm(str(encoding), int(known), tuple((int(a), int(b)) for a, b in exact))
    except (ValueError, TypeError, RecursionError, OverflowError) as e:
        raise wrong from e
    edges = [0, *(edge for pair in form.exact for edge in pair), form.size]
    if form.coding is None or known != size or edges != sorted(edges) or form.length != length:
        raise wrong
    return form


def _coded(part: Flat, coding: Coding) -> tuple[NDArray[np.uint16], NDArray[np.int8]]:
    """Return the scales and codes of numbers that begin at a block."""
    blocks = -(-part.size // coding.block)
    padded = np.zeros(blocks * coding.block, np.float32)
    padded[: part.size] = part
    table = padded.reshape(blocks, coding.block)
    wanted = np.abs(table).max(1) / np.float32(coding.top)
    bits = wanted.view(np.uint32)
    scales = ((bits + np.uint32(0xFFFF)) >> np.uint32(16)).astype(np.uint16)  # rounded up
    np.minimum(scales, _INFINITE - np.uint16(1), out=scales)
    wide = _widen(scales)
    safe = np.where(wide > 0, wide, np.float32(1))
    codes = np.rint(table / safe[:, None])
    codes = np.clip(codes, -coding.top, coding.top).astype(np.int8)
    return scales, codes.reshape(-1)[: part.size]


def _widened(scales: NDArray[np.uint16], codes: NDArray[np.int8], coding: Coding) -> Flat:
    """Return the numbers of codes that begin at a block."""
    wide = np.repeat(_widen(scales), coding.block)[: codes.size]
    with np.errstate(over="ignore"):  # whoever takes the numbers looks whether they are finite
        wide *= codes
    return wide


def _packed(codes: NDArray[np.int8], coding: Coding) -> bytes:
    if coding.bits == 8:
        return codes.tobytes()
    halves = np.zeros(codes.size + codes.size % 2, np.uint8)
    halves[: codes.size] = codes + 8
    return (halves[0::2] | (halves[1::2] << 4)).tobytes()


def _read_coded(f: BinaryIO, form: UpdateForm, coding: Coding, start: int, count: int) -> Flat:
    """Read coded numbers from the `start`-th on, which may be within a block."""
    first, last = start // coding.block, -(-(start + count) // coding.block)
    low, high = first * coding.block, min(last * coding.block, form.size - form.kept)
    scales_at = form.start + 4 * form.kept
    f.seek(scales_at + 2 * first)
    scales = np.fromfile(f, "<u2", last - first)
    if (scales >= _INFINITE).any():
        raise PayloadError("a scale of the update is not a finite number from 0 on")
    f.seek(scales_at + 2 * form.blocks + low * coding.bits // 8)
    raw = np.fromfile(f, np.uint8, -(-(high - low) * coding.bits // 8))
    if coding.bits == 8:
        codes = raw.view(np.int8)
    else:
        halves = np.empty(2 * raw.size, np.uint8)
        halves[0::2], halves[1::2] = raw & 15, raw >> 4
        if halves.size > high - low and halves[-1] != 0:
            raise PayloadError("the update has something behind its last number")
        codes = halves[: high - low].astype(np.int8) - np.int8(8)
    if codes.size and int(codes.min()) < -coding.top:
        raise PayloadError("a code of the update is beyond the largest")
    return _widened(scales, codes, coding)[start - low : start - low + count]


def _widen(part: NDArray[np.uint16]) -> Flat:
    wide = part.astype(np.uint32)
    wide <<= np.uint32(16)
    return wide.view(np.float32)
