"""BatchNorm's numbers are found in a vector of weights, whatever piece of it is looked at."""

import numpy as np
from hepafed.common.network import is_statistic, norm_names, parts_within, statistics_of
from hepafed.common.network.weights import Layout
from hypothesis import given
from hypothesis import strategies as st

LAYOUT = Layout(
    (
        "stem.conv.weight", "stem.bn.weight", "stem.bn.bias", "stem.bn.running_mean",
        "stem.bn.running_var", "head.weight", "head.bias", "1.running_mean", "1.weight",
        "my_running_var", "norm.a.running_mean",
    ),
    ((2, 3), (2,), (2,), (2,), (2,), (3, 2), (3,), (4,), (4,), (5,), (1,)),
)  # fmt: skip


def test_statistics_are_the_running_means_and_variances() -> None:
    layers = {"stem.bn.running_mean", "stem.bn.running_var", "1.running_mean"}
    assert {n for n in LAYOUT.names if is_statistic(n)} == {*layers, "norm.a.running_mean"}
    assert is_statistic("running_mean"), "of a network that is one layer"
    assert list(statistics_of(LAYOUT)) == [(10, 12), (12, 14), (23, 27), (36, 37)]


def test_the_entries_of_batchnorm_are_those_of_layers_with_statistics() -> None:
    assert norm_names(LAYOUT) == (
        "stem.bn.weight", "stem.bn.bias", "stem.bn.running_mean", "stem.bn.running_var",
        "1.running_mean", "1.weight", "norm.a.running_mean",
    )  # fmt: skip


@given(
    st.sets(st.integers(0, 60), max_size=12),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_a_piece_s_parts_are_those_of_the_whole(edges: set[int], start: int, size: int) -> None:
    ordered = sorted(edges)
    ranges = list(zip(ordered[::2], ordered[1::2], strict=False))
    whole = np.zeros(130, bool)
    for low, high in ranges:
        whole[low:high] = True
    piece = np.zeros(size, bool)
    for here in parts_within(ranges, start, size):
        assert 0 <= here.start < here.stop <= size
        piece[here] = True
    np.testing.assert_array_equal(piece, whole[start : start + size])
