"""Weights on the wire are bf16 of the model's exact size; on disk they read back bit for bit."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.common.errors import PayloadError
from hepafed.common.network.weight_files import read_parts, save_safetensors
from hepafed.common.network.weights import (
    Layout,
    all_finite,
    difference,
    flatten,
    from_bf16,
    load,
    pieces,
    to_bf16,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


@given(arrays(np.float32, st.integers(0, 200), elements=st.floats(width=32)))
def test_bf16_rounds_as_torch_does(flat: np.ndarray) -> None:
    ours = np.frombuffer(to_bf16(flat), "<u2").astype(np.uint32) << 16
    theirs = torch.from_numpy(flat.copy()).bfloat16().float().numpy()
    np.testing.assert_array_equal(ours.view(np.float32), theirs)


def test_a_network_survives_flattening() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    layout = Layout.of(network)
    assert not any("num_batches" in n for n in layout.names)
    flat = flatten(network, layout)
    load(network, layout, flat * 2)
    np.testing.assert_array_equal(flatten(network, layout), flat * 2)


def test_a_difference_has_the_bits_of_flattening_and_subtracting() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    layout = Layout.of(network)
    before = np.random.default_rng(0).normal(size=layout.size).astype(np.float32)
    expected = flatten(network, layout) - before
    assert difference(network, layout, before).tobytes() == expected.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_found_anywhere(bad: float) -> None:
    flat = np.full(200_001, 3e38, np.float32)
    assert all_finite(flat)
    for place in (0, 65_535, 65_536, 200_000):
        spoilt = flat.copy()
        spoilt[place] = bad
        assert not all_finite(spoilt)


def test_pieces_are_the_vector_in_order() -> None:
    flat = np.arange(2_500_000, dtype=np.float32)
    made = list(pieces(flat))
    assert len(made) == 3
    assert np.concatenate(made).tobytes() == flat.tobytes()


def test_every_finite_bf16_number_widens_as_torch_does() -> None:
    every = np.arange(1 << 16, dtype=np.uint16)
    every = every[(every & 0x7F80) != 0x7F80]
    layout = Layout(("a",), ((every.size,),))
    theirs = torch.from_numpy(every.view(np.int16)).view(torch.bfloat16).float().numpy()
    assert from_bf16(every.tobytes(), layout).tobytes() == theirs.tobytes()


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"\0" * 10])
def test_weights_of_another_size_are_refused(content: bytes) -> None:
    with pytest.raises(PayloadError, match="bytes"):
        from_bf16(content, Layout(("a",), ((2, 2),)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(PayloadError, match="NaN"):
        from_bf16(to_bf16(np.array([1, bad], np.float32)), Layout(("a",), ((2,),)))


def test_a_file_is_read_back_piece_by_piece_in_order(tmp_path: Path) -> None:
    layout = Layout(("b", "a"), ((5,), (2, 3)))
    flat = np.arange(11, dtype=np.float32)
    save_safetensors(tmp_path / "w", layout, flat)
    assert np.concatenate(list(read_parts(tmp_path / "w", 11))).tobytes() == flat.tobytes()
    with pytest.raises(PayloadError):
        list(read_parts(tmp_path / "w", 12))


def test_rounding_in_pieces_is_rounding_at_once() -> None:
    flat = np.random.default_rng(2).standard_normal(200_001, np.float32)
    whole = torch.from_numpy(flat).bfloat16().view(torch.int16).numpy().tobytes()
    assert bytes(to_bf16(flat)) == whole
