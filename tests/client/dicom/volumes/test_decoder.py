"""The decoding process: its limits, its answers, and what a dead, hung or lying one costs."""

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.reasons import BrokenFileError
from hepafed.client.dicom.volumes.decoder import DecoderKeeper, DecoderProcess, decode
from hepafed.client.dicom.volumes.decoder_child import serve
from pydicom.uid import RLELossless

from tests.client.dicom.builder import axial, classic, encoded, enhanced, headers
from tests.client.dicom.slices import header


def compressed(folder: Path) -> list[Header]:
    for k, ds in enumerate(classic(axial())):
        ds.compress(RLELossless, generate_instance_uid=False)
        (folder / f"{k}").write_bytes(encoded(ds, RLELossless))
    return headers(folder)


@pytest.fixture
def keeper() -> Iterator[DecoderKeeper]:
    made = DecoderKeeper()
    yield made
    made.close()


def test_one_child_serves_slice_after_slice(tmp_path: Path, keeper: DecoderKeeper) -> None:
    found = compressed(tmp_path)
    assert keeper.child is None
    first = keeper.decode(found[3])
    child = keeper.child
    assert np.array_equal(first, axial().voxels[3])
    assert np.array_equal(keeper.decode(found[0]), axial().voxels[0])
    assert keeper.child is child


def test_a_decoder_that_dies_costs_one_slice_and_comes_back(
    tmp_path: Path, keeper: DecoderKeeper
) -> None:
    found = compressed(tmp_path)
    keeper.decode(found[0])
    assert keeper.child is not None
    os.kill(keeper.child.process.pid, signal.SIGABRT)
    with pytest.raises(BrokenFileError, match="cannot be decoded"):
        keeper.decode(found[1])
    assert keeper.child is None
    assert np.array_equal(keeper.decode(found[1]), axial().voxels[1])


def test_a_slice_that_cannot_be_decoded_does_not_end_the_child(
    tmp_path: Path, keeper: DecoderKeeper
) -> None:
    found = compressed(tmp_path)
    keeper.decode(found[0])
    child = keeper.child
    path = Path(found[2].path)
    path.write_bytes(path.read_bytes()[:-80])
    with pytest.raises(BrokenFileError, match="cannot be decoded"):
        keeper.decode(found[2])
    assert keeper.child is child
    assert np.array_equal(keeper.decode(found[3]), axial().voxels[3])


def test_a_closed_keeper_has_ended_its_child_and_starts_another_when_asked(
    tmp_path: Path, keeper: DecoderKeeper
) -> None:
    found = compressed(tmp_path)
    keeper.decode(found[0])
    child = keeper.child
    assert child is not None
    keeper.close()
    assert keeper.child is None
    assert child.process.returncode == -signal.SIGKILL
    assert child.process.stdin is not None
    assert child.process.stdout is not None
    assert (child.process.stdin.closed, child.process.stdout.closed) == (True, True)
    assert np.array_equal(keeper.decode(found[1]), axial().voxels[1])


def test_a_forked_process_forgets_its_parents_child_and_lock(
    tmp_path: Path, keeper: DecoderKeeper
) -> None:
    found = compressed(tmp_path)
    keeper.decode(found[0])
    child = keeper.child
    assert child is not None
    keeper.lock.acquire()
    keeper.forget()
    keeper.forget()
    assert (keeper.child, keeper.foreign) == (None, child)
    assert np.array_equal(keeper.decode(found[1]), axial().voxels[1])
    assert child.process.poll() is None
    child.close()


def test_the_decoding_process_is_held_to_its_memory_and_leaves_no_core() -> None:
    process = DecoderProcess()
    try:
        limits = Path(f"/proc/{process.process.pid}/limits").read_text()
        (line,) = [x for x in limits.splitlines() if x.startswith("Max address space")]
        soft, hard = line.split()[3:5]
        assert soft == hard
        size = int(Path(f"/proc/{process.process.pid}/statm").read_text().split()[0])
        beyond = int(soft) - size * os.sysconf("SC_PAGE_SIZE")
        assert 600 << 20 < beyond < 800 << 20
        core = next(x for x in limits.splitlines() if "core file" in x).split()
        assert core[4:6] == ["0", "0"]
    finally:
        process.close()


def test_the_decoding_process_uses_one_thread_of_its_libraries() -> None:
    process = DecoderProcess()
    try:
        environment = Path(f"/proc/{process.process.pid}/environ").read_bytes().split(b"\0")
        assert {b"OPENBLAS_NUM_THREADS=1", b"OMP_NUM_THREADS=1"} <= set(environment)
        assert f"PATH={os.environ['PATH']}".encode() in environment
    finally:
        process.close()


def test_ctrl_c_is_not_the_childs_to_handle(tmp_path: Path, keeper: DecoderKeeper) -> None:
    found = compressed(tmp_path)
    keeper.decode(found[0])
    assert keeper.child is not None
    os.kill(keeper.child.process.pid, signal.SIGINT)
    assert np.array_equal(keeper.decode(found[1]), axial().voxels[1])


def talking(*lines: str) -> Callable[[], DecoderProcess]:
    """Give a start of a child that says it is ready and then does something else."""
    script = "\n".join(
        (
            "import sys, time",
            "out = sys.stdout.buffer",
            "def say(what): out.write(what); out.flush()",
            "say(b'ready\\n')",
            "sys.stdin.buffer.readline()",
            *lines,
        )
    )
    return lambda: DecoderProcess((sys.executable, "-c", script), 30.0, 0.5)


@pytest.mark.parametrize(
    "answer",
    [
        ("time.sleep(60)",),
        ("sys.exit()",),
        ("say(b'nonsense\\n')",),
        ("say(b'{}\\n')",),
        ('say(b\'{"kind": "<f8"}\\n\' + bytes(400))',),
        ('say(b\'{"kind": "<u2"}\\n\' + bytes(59))', "time.sleep(60)"),
        ('say(b\'{"kind": "<u2"}\\n\' + bytes(59))',),
        ("say(b'{' + b' ' * 5000 + b'\"kind\": \"u1\"}\\n' + bytes(60))",),
    ],
    ids=[
        "hangs", "ends", "no JSON", "no pixels", "another kind", "stops short", "ends short",
        "a long line",
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_broken_file(answer: tuple[str, ...]) -> None:
    keeper = DecoderKeeper(talking(*answer))
    begun = time.monotonic()
    with pytest.raises(BrokenFileError, match="cannot be decoded"):
        keeper.decode(header(rows=6, columns=5))
    assert time.monotonic() - begun < 20
    keeper.close()


def test_a_hung_child_is_ended() -> None:
    made: list[DecoderProcess] = []
    start = talking("time.sleep(60)")

    def kept() -> DecoderProcess:
        made.append(start())
        return made[0]

    keeper = DecoderKeeper(kept)
    with pytest.raises(BrokenFileError):
        keeper.decode(header())
    assert made[0].process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("kind", "size"), [("u1", 1), ("i1", 1), ("<u2", 2), ("<i2", 2), ("<u4", 4), ("<i4", 4)]
)
def test_an_answer_in_two_pieces_is_put_together(kind: str, size: int) -> None:
    half = f"bytes(range({3 * size})), bytes(range({3 * size}, {6 * size}))"
    start = talking(
        f"first, second = {half}",
        f'say(b\'{{"kind": "{kind}"}}\\n\' + first)',
        "time.sleep(0.05)",
        "say(second + b'more')",
    )
    process = start()
    found = process.decode(header(rows=2, columns=3))
    process.close()
    expected = np.frombuffer(bytes(range(6 * size)), kind).reshape(2, 3)
    assert found.dtype == np.dtype(kind)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("script", ["import time; time.sleep(60)", ""], ids=["hangs", "ends"])
def test_a_child_that_does_not_start_is_ended_and_costs_one_slice(script: str) -> None:
    keeper = DecoderKeeper(lambda: DecoderProcess((sys.executable, "-c", script), 0.3))
    for _ in range(2):
        with pytest.raises(BrokenFileError, match="cannot be decoded"):
            keeper.decode(header())
    assert keeper.child is None


@pytest.mark.parametrize(
    ("rows", "told"), [(8192, "cannot be decoded"), (8193, "the image is too large")]
)
def test_a_slice_of_more_than_2_to_the_26_voxels_is_not_tried(rows: int, told: str) -> None:
    with pytest.raises(BrokenFileError, match=told):
        decode(header(rows=rows, columns=8192, path="/nowhere/at/all"))


def answered(*requests: tuple[Path, int, list[int]]) -> bytes:
    """Give what the child's loop answers to requests of (path, frame, shape)."""
    lines = [
        json.dumps({"path": str(p), "member": "", "frame": f, "shape": s}).encode() + b"\n"
        for p, f, s in requests
    ]
    out = io.BytesIO()
    serve(io.BytesIO(b"".join(lines)), out)
    return out.getvalue()


def test_the_child_answers_with_kind_and_pixels_of_the_frame_asked_for(tmp_path: Path) -> None:
    stack = axial(slices=3)
    (tmp_path / "e").write_bytes(encoded(enhanced([stack])))
    (tmp_path / "c").write_bytes(encoded(classic(stack)[1]))
    e, c = tmp_path / "e", tmp_path / "c"
    head = b'{"kind": "<u2"}\n'
    planes = [head + plane.astype("<u2").tobytes() for plane in stack.voxels]
    found = answered((e, 2, [6, 5]), (e, 0, [6, 5]), (c, 0, [6, 5]), (c, 5, [6, 5]), (e, 1, [6, 5]))
    assert found == planes[2] + planes[0] + planes[1] + planes[1] + planes[1]


def test_the_child_has_no_answer_for_another_shape_or_a_bad_file_and_goes_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "c").write_bytes(encoded(classic(axial())[0]))
    c, bad = tmp_path / "c", tmp_path / "none"
    found = answered((c, 0, [5, 6]), (bad, 0, [6, 5]), (bad, 0, [6, 5]), (c, 0, [6, 5]))
    assert found.startswith(b'{}\n{}\n{}\n{"kind": "<u2"}\n')
    assert found.count(b"kind") == 1
