"""Coded updates are within half a scale, give the rest back, and are refused where damaged."""

import json
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.errors import PayloadError
from hepafed.common.network import CODINGS, Layout, UpdateForm, check_form, encode, read_parts_of
from hepafed.common.network.weights import to_bf16
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

LAYOUT = Layout(
    ("conv.weight", "bn.weight", "bn.running_mean", "bn.running_var", "fc.weight", "running_var"),
    ((5, 3, 7), (3,), (3,), (3,), (101, 2), (2,)),
)
KEPT = [slice(108, 114), slice(316, 318)]
"""Where the statistics are in `LAYOUT`."""
BODY = np.ones(LAYOUT.size, bool)
for part in KEPT:
    BODY[part] = False
WORDS = sorted(CODINGS)
coded = pytest.mark.parametrize("word", WORDS)
updates = arrays(np.float32, LAYOUT.size, elements=st.floats(-(2.0**100), 2.0**100, width=32))


def drawn(seed: int = 0, size: int = LAYOUT.size) -> np.ndarray:
    """Give numbers of very unequal size, some of them zero."""
    rng = np.random.default_rng(seed)
    made = rng.normal(size=size) * 10.0 ** rng.integers(-7, 3, size)
    return (made * (rng.random(size) < 0.9)).astype(np.float32)


def written(folder: Path, content: bytes | memoryview) -> Path:
    path = folder / "u"
    path.write_bytes(content)
    return path


def decoded(folder: Path, update: np.ndarray, word: str) -> np.ndarray:
    content, _ = encode(update, UpdateForm.of(LAYOUT, word))
    return np.concatenate([*read_parts_of(written(folder, content), LAYOUT.size)])


@coded
@given(update=updates)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_each_number_is_within_half_its_blocks_scale(
    tmp_path: Path, update: np.ndarray, word: str
) -> None:
    made, coding = decoded(tmp_path, update, word), CODINGS[word]
    given_, got = update[BODY].astype(np.float64), made[BODY].astype(np.float64)
    for at in range(0, given_.size, coding.block):
        here = slice(at, at + coding.block)
        scale = abs(given_[here]).max() / coding.top * (1 + 2**-7)
        assert (abs(given_[here] - got[here]) <= scale / 2 * (1 + 1e-6) + 1e-38).all()
    for part in KEPT:
        assert made[part].tobytes() == update[part].tobytes()


@coded
@given(update=updates)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_what_is_given_back_is_what_was_rounded_off(
    tmp_path: Path, update: np.ndarray, word: str
) -> None:
    before = update.copy()
    content, rest = encode(update, UpdateForm.of(LAYOUT, word))
    assert rest is not None
    assert np.array_equal(rest, update - decoded(tmp_path, update, word))
    assert update.tobytes() == before.tobytes()
    assert len(content) == UpdateForm.of(LAYOUT, word).length


@coded
def test_the_sum_of_coded_updates_is_that_of_the_true_ones_but_for_the_last_rest(
    tmp_path: Path, word: str
) -> None:
    true, sent = np.zeros(LAYOUT.size), np.zeros(LAYOUT.size)
    rest, form = np.zeros(LAYOUT.size, np.float32), UpdateForm.of(LAYOUT, word)
    for seed in range(25):
        update = np.random.default_rng(seed).normal(0.3, 1, LAYOUT.size).astype(np.float32)
        content, left = encode(update + rest, form)
        sent += np.concatenate([*read_parts_of(written(tmp_path, content), LAYOUT.size)])
        true += update
        assert left is not None
        rest = left
    assert sent + rest == pytest.approx(true, abs=1e-4)
    assert abs(rest).max() < 4 / CODINGS[word].top


@coded
@pytest.mark.parametrize("most", [1, 7, 63, 64, 65, 100, 256, 10**6])
def test_pieces_of_any_length_are_the_same_vector(tmp_path: Path, word: str, most: int) -> None:
    wanted = decoded(tmp_path, drawn(), word)
    parts = [*read_parts_of(tmp_path / "u", LAYOUT.size, most)]
    assert max(p.size for p in parts) <= most
    assert np.concatenate(parts).tobytes() == wanted.tobytes()


@coded
@pytest.mark.parametrize("size", [0, 1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1001])
def test_any_number_of_numbers_comes_back(tmp_path: Path, word: str, size: int) -> None:
    layout = Layout(("a",), ((size,),))
    form, update = UpdateForm.of(layout, word), drawn(1, size)
    content, rest = encode(update, form)
    path = written(tmp_path, content)
    check_form(path, form)
    made = np.concatenate([np.zeros(0), *read_parts_of(path, size)])
    assert rest is not None
    assert made + rest == pytest.approx(update, rel=1e-6)


def test_numbers_of_more_than_one_chunk_keep_their_places(tmp_path: Path) -> None:
    layout = Layout(("a", "b.running_var", "c"), ((262_144 + 77,), (5,), (300_001,)))
    update = np.random.default_rng(3).normal(size=layout.size).astype(np.float32)
    for word in WORDS:
        content, rest = encode(update, UpdateForm.of(layout, word))
        made = np.concatenate([*read_parts_of(written(tmp_path, content), layout.size)])
        assert rest is not None
        assert made + rest == pytest.approx(update, abs=1e-6)
        assert abs(rest).max() < 0.55 * abs(update).max() / CODINGS[word].top


def test_four_bits_are_less_than_a_sixth_of_float32_for_our_network() -> None:
    """54.3 million numbers, 60 thousand of them statistics."""
    layout = Layout(("a", "b.running_mean"), ((54_246_000,), (60_000,)))
    assert UpdateForm.of(layout, "int4").length < 4 * layout.size / 7.4
    assert UpdateForm.of(layout, "int8").length < 4 * layout.size / 3.9
    assert UpdateForm.of(layout, "bf16").length == 2 * layout.size


def test_bf16_is_as_it_always_was(tmp_path: Path) -> None:
    form, update = UpdateForm.of(LAYOUT, "bf16"), drawn()
    content, rest = encode(update, form)
    assert rest is None
    assert content == to_bf16(update)
    check_form(written(tmp_path, content), form)
    made = np.concatenate([*read_parts_of(tmp_path / "u", LAYOUT.size, 100)])
    assert made == pytest.approx(update, rel=2**-8)


@pytest.mark.parametrize("word", [*WORDS, "bf16"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_update_that_is_not_finite_is_not_coded(word: str, bad: float) -> None:
    update = drawn()
    update[200] = bad
    with pytest.raises(PayloadError, match="NaN or infinity"):
        encode(update, UpdateForm.of(LAYOUT, word))
    with pytest.raises(PayloadError, match="the model has"):
        encode(drawn()[1:], UpdateForm.of(LAYOUT, word))


@coded
def test_numbers_at_the_end_of_float32_are_refused_or_finite(tmp_path: Path, word: str) -> None:
    update = np.full(LAYOUT.size, np.finfo(np.float32).max, np.float32)
    try:
        assert np.isfinite(decoded(tmp_path, update, word)).all()
    except PayloadError as e:
        assert "too large for its encoding" in e.message  # noqa: PT017 - either is right


def spoilt(word: str, where: str) -> bytes:
    """Give a coded update with one thing wrong."""
    form = UpdateForm.of(LAYOUT, word)
    raw = bytearray(encode(drawn(), form)[0])
    scales = form.start + 4 * form.kept
    codes = scales + 2 * form.blocks
    match where:
        case "infinite scale":
            raw[scales : scales + 2] = b"\x80\x7f"
        case "scale that is no number":
            raw[codes - 2 : codes] = b"\xc0\x7f"
        case "negative scale":
            raw[codes - 2 : codes] = b"\x80\xbf"
        case "code":
            raw[codes + 9] = 0x80 if word == "int8" else 0x0F
        case "last code":
            raw[-1] = 0x80 if word == "int8" else 0xF0
    return bytes(raw)


@coded
@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("infinite scale", "scale"),
        ("scale that is no number", "scale"),
        ("negative scale", "scale"),
        ("code", "code .* beyond"),
        ("last code", "code .* beyond"),
    ],
)
@pytest.mark.parametrize("most", [17, 10**6])
def test_a_scale_or_code_that_cannot_be_is_refused_by_name(
    tmp_path: Path, word: str, where: str, words: str, most: int
) -> None:
    path = written(tmp_path, spoilt(word, where))
    check_form(path, UpdateForm.of(LAYOUT, word))
    with pytest.raises(PayloadError, match=words):
        [*read_parts_of(path, LAYOUT.size, most)]


def test_something_behind_the_last_number_is_refused(tmp_path: Path) -> None:
    layout = Layout(("a",), ((65,),))
    raw = bytearray(encode(drawn(2, 65), UpdateForm.of(layout, "int4"))[0])
    raw[-1] |= 0x30
    with pytest.raises(PayloadError, match="behind its last number"):
        [*read_parts_of(written(tmp_path, bytes(raw)), 65)]


def headed(header: object, size: int = 10) -> bytes:
    """Give a file with this header, as long as its own numbers ask for."""
    text = json.dumps(header).encode()
    return b"HFUPD001" + len(text).to_bytes(4, "little") + text + bytes(size)


@pytest.mark.parametrize(
    "header",
    [
        {}, [], 3, None, ["int4", 318], ["int4", 318, 4], ["int4", "x", []], ["int5", 318, []],
        ["bf16", 318, []], ["int4", 319, []], ["int4", 318, [[5, 3]]], ["int4", 318, [[-4, 3]]],
        ["int4", 318, [[0, 400]]], ["int4", 318, [[9, 20], [10, 30]]], ["int4", float("inf"), []],
        ["int4", 318, [[1, 2, 3]]], ["int4", 318, ["ab"]], [[], 318, []],
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_is_refused(tmp_path: Path, header: object) -> None:
    for size in (0, 10, 171, 500):
        with pytest.raises(PayloadError, match="must have 636 bytes"):
            [*read_parts_of(written(tmp_path, headed(header, size)), LAYOUT.size)]


@pytest.mark.parametrize(
    "exact", [((9, 20), (3, 5)), ((9, 20), (19, 25)), ((5, 3),), ((-4, 3),), ((300, 400),)]
)
def test_ranges_that_are_not_in_order_are_refused_though_the_length_fits(
    tmp_path: Path, exact: tuple[tuple[int, int], ...]
) -> None:
    form = UpdateForm("int4", LAYOUT.size, exact)
    raw = form.header.ljust(form.length, b"\x88")
    with pytest.raises(PayloadError, match="must have 636 bytes"):
        [*read_parts_of(written(tmp_path, raw), LAYOUT.size)]


@coded
@pytest.mark.parametrize("cut", [0, 1, 7, 8, 11, 12, 60, -1])
def test_a_file_of_another_length_is_refused(tmp_path: Path, word: str, cut: int) -> None:
    form = UpdateForm.of(LAYOUT, word)
    whole = bytes(encode(drawn(), form)[0])
    for raw in (whole[:cut], whole + b"\0"):
        path = written(tmp_path, raw)
        with pytest.raises(PayloadError, match="bytes"):
            check_form(path, form)
        with pytest.raises(PayloadError, match="bytes"):
            [*read_parts_of(path, LAYOUT.size)]


def test_a_header_longer_than_any_is_not_read(tmp_path: Path) -> None:
    raw = b"HFUPD001" + (2**32 - 1).to_bytes(4, "little") + b"[" * 2000
    with pytest.raises(PayloadError, match="bytes"):
        [*read_parts_of(written(tmp_path, raw), LAYOUT.size)]


def test_a_plan_of_one_encoding_takes_no_other(tmp_path: Path) -> None:
    content, _ = encode(drawn(), UpdateForm.of(LAYOUT, "int4"))
    with pytest.raises(PayloadError, match="bytes"):
        check_form(written(tmp_path, content), UpdateForm.of(LAYOUT, "int8"))
    other = UpdateForm("int4", LAYOUT.size, ((0, 8),))
    same_length = bytes(encode(drawn(), other)[0]).ljust(len(content), b"\0")[: len(content)]
    with pytest.raises(PayloadError, match=r"not in the plan's encoding, int4|bytes"):
        check_form(written(tmp_path, same_length), UpdateForm.of(LAYOUT, "int4"))


@coded
@given(place=st.integers(0, 10**6), bits=st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_any_byte_may_be_another_and_nothing_but_a_refusal_comes_of_it(
    tmp_path: Path, word: str, place: int, bits: int
) -> None:
    raw = bytearray(encode(drawn(), UpdateForm.of(LAYOUT, word))[0])
    raw[place % len(raw)] ^= bits
    try:
        made = np.concatenate([*read_parts_of(written(tmp_path, bytes(raw)), LAYOUT.size)])
    except PayloadError:
        return
    assert made.size == LAYOUT.size
