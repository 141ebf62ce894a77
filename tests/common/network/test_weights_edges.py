"""Weights at their edges: one number too many or too few, between two pieces, in another order."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.common.errors import PayloadError
from hepafed.common.network.weight_files import (
    is_whole_file,
    read_parts,
    save_pieces,
    save_safetensors,
)
from hepafed.common.network.weights import (
    Layout,
    difference,
    flatten,
    from_bf16,
    joined,
    load,
    pieces,
    to_bf16,
)
from safetensors import safe_open
from torch import nn

LAYOUT = Layout(("b", "a"), ((2, 3), (5,)))
"""Names that are not in the order of the alphabet, eleven numbers."""


def numbers(count: int) -> np.ndarray:
    return np.arange(1, count + 1, dtype=np.float32)


class Mixed(nn.Module):
    """A state of three kinds of numbers, whose order is not that of the names."""

    def __init__(self) -> None:
        super().__init__()
        self.z = nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.register_buffer("count", torch.tensor(7))
        self.a = nn.Parameter(torch.tensor([0.5, -0.25], dtype=torch.bfloat16))
        self.register_buffer("scalar", torch.tensor(9.0, dtype=torch.float64))


def test_a_layout_has_the_floating_entries_in_the_networks_order() -> None:
    layout = Layout.of(Mixed())
    assert layout == Layout(("z", "a", "scalar"), ((2, 3), (2,), ()))
    assert layout.size == 9


def test_a_network_is_flattened_in_the_layouts_order_row_by_row() -> None:
    module = Mixed()
    wanted = [0, 1, 2, 3, 4, 5, 0.5, -0.25, 9]
    flat = flatten(module, Layout.of(module))
    assert (flat.tolist(), flat.dtype) == (wanted, np.float32)
    turned = Layout(("scalar", "a", "z"), ((), (2,), (2, 3)))
    assert flatten(module, turned).tolist() == [9, 0.5, -0.25, 0, 1, 2, 3, 4, 5]


def test_weights_are_put_at_their_places_and_counters_stay() -> None:
    module = Mixed()
    load(module, Layout.of(module), numbers(9))
    assert module.z.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert module.a.tolist() == [7, 8]
    assert (float(module.scalar), int(module.count)) == (9, 7)


@pytest.mark.parametrize("shape", [(8,), (10,), (9, 1), (1, 9)], ids=str)
def test_weights_of_another_shape_are_not_put_in(shape: tuple[int, ...]) -> None:
    module = Mixed()
    with pytest.raises(PayloadError, match="the model has 9"):
        load(module, Layout.of(module), np.ones(shape, np.float32))
    assert module.z.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_difference_is_after_minus_before() -> None:
    module = Mixed()
    before = np.full(9, 0.25, np.float32)
    made = difference(module, Layout.of(module), before)
    assert made.tolist() == [-0.25, 0.75, 1.75, 2.75, 3.75, 4.75, 0.25, -0.5, 8.75]
    assert made.dtype == np.float32


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (1, [1]),
        ((1 << 20) - 1, [(1 << 20) - 1]),
        (1 << 20, [1 << 20]),
        ((1 << 20) + 1, [1 << 20, 1]),
    ],
)
def test_pieces_are_of_a_million_numbers_without_a_copy(count: int, sizes: list[int]) -> None:
    flat = np.zeros(count, np.float32)
    made = list(pieces(flat))
    assert [p.size for p in made] == sizes
    assert [np.shares_memory(p, flat) for p in made] == [True] * len(sizes)


@pytest.mark.parametrize(
    ("number", "bits"),
    [
        (1.0, 0x3F80),
        (-2.0, 0xC000),
        (1 + 2**-8, 0x3F80),  # a tie goes to the even neighbour, below
        (1 + 3 * 2**-8, 0x3F82),  # a tie goes to the even neighbour, above
        (1 + 2**-8 + 2**-20, 0x3F81),
        (1 + 2**-8 - 2**-20, 0x3F80),
        (float(np.finfo(np.float32).max), 0x7F80),
        (float("inf"), 0x7F80),
        (float("-inf"), 0xFF80),
        (float("nan"), 0x7FC0),
        (0.0, 0x0000),
        (-0.0, 0x8000),
    ],
)
def test_bf16_is_the_nearest_with_ties_to_even_in_little_endian(number: float, bits: int) -> None:
    assert bytes(to_bf16(np.array([number], np.float32))) == bits.to_bytes(2, "little")


def test_every_second_number_of_a_vector_is_rounded_like_any() -> None:
    flat = numbers(9)
    assert bytes(to_bf16(flat[::2])) == bytes(to_bf16(np.array([1, 3, 5, 7, 9], np.float32)))


@pytest.mark.parametrize("bad", [0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0xFFFF], ids=hex)
@pytest.mark.parametrize("place", [0, 65_535, 65_536, 131_072])
def test_one_number_that_is_not_finite_is_found_in_any_piece(place: int, bad: int) -> None:
    raw = np.full(131_073, 0x7F7F, "<u2")
    layout = Layout(("a",), ((raw.size,),))
    assert np.isfinite(from_bf16(raw.tobytes(), layout)).all()
    raw[place] = bad
    with pytest.raises(PayloadError, match="NaN or infinity"):
        from_bf16(raw.tobytes(), layout)


def test_bf16_of_several_pieces_widens_each_number_at_its_place() -> None:
    flat = (np.arange(140_001) % 251).astype(np.float32)
    layout = Layout(("a",), ((3, 46_667),))
    assert from_bf16(to_bf16(flat), layout).tobytes() == flat.tobytes()


@pytest.mark.parametrize("size", [0, 20, 21, 23, 24])
def test_bytes_beside_the_models_are_refused(size: int) -> None:
    assert from_bf16(b"\0" * 22, LAYOUT).tolist() == [0.0] * 11
    with pytest.raises(PayloadError, match=f"{size} bytes; the model needs 22"):
        from_bf16(b"\0" * size, LAYOUT)


@pytest.mark.parametrize("length", range(1, 9))
def test_a_file_is_safetensors_with_its_numbers_at_a_multiple_of_eight(
    tmp_path: Path, length: int
) -> None:
    layout = Layout(("b" * length, "a"), LAYOUT.shapes)
    path = tmp_path / "w"
    save_safetensors(path, layout, numbers(11), {"hepafed": "more"})
    header = int.from_bytes(path.read_bytes()[:8], "little")
    assert header % 8 == 0
    assert path.stat().st_size == 8 + header + 44
    with safe_open(str(path), framework="numpy") as f:
        assert f.get_tensor("b" * length).tolist() == [[1, 2, 3], [4, 5, 6]]
        assert f.get_tensor("a").tolist() == [7, 8, 9, 10, 11]
        about = f.metadata()
    assert {k: about[k] for k in ("order", "hepafed")} == {
        "order": json.dumps(layout.names),
        "hepafed": "more",
    }
    assert about["pieces"] == hashlib.sha256(numbers(11).tobytes()).hexdigest()


def test_every_changed_bit_of_a_file_is_found_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w"
    save_safetensors(path, LAYOUT, numbers(11), {"hepafed": "more"})
    whole = path.read_bytes()
    assert is_whole_file(path)
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert not is_whole_file(path), f"byte {place}"


@pytest.mark.parametrize("length", [0, 4, 8, 20, -1])
def test_a_file_that_was_cut_is_not_whole(tmp_path: Path, length: int) -> None:
    path = tmp_path / "w"
    save_safetensors(path, LAYOUT, numbers(11))
    path.write_bytes(path.read_bytes()[:length])
    assert not is_whole_file(path)


def test_a_file_of_0_1_0_has_no_digests_and_must_be_finite(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    for value, whole in ((1.0, True), (np.nan, False), (np.inf, False)):
        tensor = np.array([0, value], np.float32)
        save_file({"a": tensor}, tmp_path / "w", {"order": json.dumps(["a"])})
        assert is_whole_file(tmp_path / "w") is whole


@pytest.mark.parametrize("count", [10, 12])
def test_weights_that_do_not_fit_the_layout_are_not_written(tmp_path: Path, count: int) -> None:
    with pytest.raises(PayloadError, match=f"the weights have {count} numbers; the layout has 11"):
        save_safetensors(tmp_path / "w", LAYOUT, numbers(count))
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_another_type_are_written_as_float32(tmp_path: Path) -> None:
    save_safetensors(tmp_path / "w", LAYOUT, numbers(22)[::2])
    (read,) = read_parts(tmp_path / "w", 11)
    assert read.tolist() == list(range(1, 22, 2))


@pytest.mark.parametrize("size", [10, 12])
def test_a_file_of_one_number_more_or_less_is_refused(tmp_path: Path, size: int) -> None:
    save_safetensors(tmp_path / "w", LAYOUT, numbers(11))
    assert np.concatenate(list(read_parts(tmp_path / "w", 11))).tolist() == list(range(1, 12))
    with pytest.raises(PayloadError, match="w does not contain this model's weights"):
        next(read_parts(tmp_path / "w", size))


def test_a_file_is_read_in_pieces_of_a_million_numbers(tmp_path: Path) -> None:
    layout = Layout(("a",), (((1 << 21) + 3,),))
    save_safetensors(tmp_path / "w", layout, np.zeros(layout.size, np.float32))
    sizes = [p.size for p in read_parts(tmp_path / "w", layout.size)]
    assert sizes == [1 << 20, 1 << 20, 3]


PIECE = 1 << 20


@pytest.mark.parametrize(
    "sizes", [(), (5,), (PIECE,), (PIECE - 1, 1, 3), (PIECE + 1, PIECE - 1), (0, 2, 3 * PIECE, 7)]
)
def test_arrays_are_joined_to_the_pieces_of_one_vector(sizes: tuple[int, ...]) -> None:
    whole = numbers(sum(sizes))
    arrays = [a.copy() for a in np.split(whole, np.cumsum(sizes)[:-1])] if sizes else []
    made = [*joined(arrays)]
    assert [p.size for p in made] == [p.size for p in pieces(whole)]
    assert b"".join(p.tobytes() for p in made) == whole.tobytes()


def test_a_file_made_piece_by_piece_is_that_of_the_whole_vector(tmp_path: Path) -> None:
    layout = Layout(("b", "a"), ((10, PIECE), (5,)))
    flat = numbers(layout.size)
    save_safetensors(tmp_path / "whole", layout, flat, {"more": "x"})
    for durable in (True, False):
        save_pieces(tmp_path / "w", layout, joined([flat[:7], flat[7:]]), {"more": "x"},
                    durable=durable)  # fmt: skip
        assert (tmp_path / "w").read_bytes() == (tmp_path / "whole").read_bytes()
    assert is_whole_file(tmp_path / "w")


@pytest.mark.parametrize("count", [0, 10, 12, PIECE + 11])
def test_pieces_that_are_not_the_layouts_are_not_written(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match="not those of the layout"):
        save_pieces(tmp_path / "w", LAYOUT, pieces(numbers(count)))
    assert list(tmp_path.iterdir()) == []
