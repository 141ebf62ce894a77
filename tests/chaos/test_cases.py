"""A case is known by its seed and number, and damages what it says."""

from dataclasses import replace
from pathlib import Path

import pytest

from .cases import MOST_LINES, ROTS, WEIGHTS, Case, alike, damage, draw, flipped, state_files

SITES = ("a", "b")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    crops = tmp_path / "cohort/crops"
    crops.mkdir(parents=True)
    for n in range(30):
        (crops / f"{n:064x}.npy").write_bytes(b"crop")
    (tmp_path / "state.json").write_bytes(b"{}")
    (tmp_path / "worker.log").write_bytes(b"said")
    (tmp_path / "lock").touch()
    return tmp_path


def _cases(seed: int, count: int = 300) -> list[Case]:
    return [draw(seed, n, SITES) for n in range(count)]


def test_a_seed_and_a_number_are_one_case() -> None:
    assert _cases(1) == _cases(1)
    assert _cases(1) != _cases(2)
    assert draw(1, 17, SITES) == _cases(1)[17]
    assert len({c.seed for c in _cases(1)}) == 300


def test_every_fault_is_drawn_and_strikes_who_has_such_a_program() -> None:
    cases = _cases(1)
    assert {c.fault for c in cases} == {*WEIGHTS}
    struck = {(c.fault, c.who) for c in cases if c.fault.startswith("kill ")}
    assert {who for fault, who in struck if fault == "kill server start"} == {"server"}
    assert {who for fault, who in struck if fault == "kill worker"} == {*SITES}
    assert {c.who for c in cases if c.rots} == {"server", *SITES}
    assert {c.lines for c in cases} == {*range(MOST_LINES)}


def test_a_file_that_is_new_in_a_home_is_damaged_as_well(home: Path) -> None:
    (home / "new").mkdir()
    (home / "new/file").write_bytes(b"12")
    rot = Case(number=0, fault="rot halved")
    damaged = set()
    for n in range(60):
        made = damage(replace(rot, seed=f"{n}"), home)
        damaged.add(made.file)
        made.put_back()
    assert "new/file" in damaged
    assert not {"lock", "worker.log"} & damaged


def test_logs_and_empty_files_are_no_state(home: Path) -> None:
    assert "state.json" in state_files(home)
    assert not {"lock", "worker.log"} & {*state_files(home)}


def test_many_files_named_by_digests_are_drawn_as_often_as_one_file(home: Path) -> None:
    assert sorted(map(len, alike(state_files(home)))) == [1, 30]


@pytest.mark.parametrize("at", [0.0, 0.49, 0.999999])
def test_one_bit_and_no_other_is_flipped(at: float) -> None:
    content = bytes(range(40))
    differing = [a ^ b for a, b in zip(content, flipped(content, at), strict=True)]
    assert sorted(b.bit_count() for b in differing) == [0] * 39 + [1]
    assert flipped(content, at) == flipped(content, at)


@pytest.mark.parametrize(
    ("fault", "left"), [("emptied", b""), ("halved", b"ab"), ("missing", None)]
)
def test_a_file_is_damaged_as_the_case_says_and_put_back(
    tmp_path: Path, fault: str, left: bytes | None
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"abcde")
    made = damage(Case(number=0, fault=f"rot {fault}"), tmp_path)
    assert (path.read_bytes() if path.exists() else None) == left
    assert {*ROTS} > {"emptied", "halved"}
    made.put_back()
    assert path.read_bytes() == b"abcde"


def test_a_file_that_a_program_mended_is_not_put_back(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"abcde")
    made = damage(Case(number=0, fault="rot missing"), tmp_path)
    path.write_bytes(b"anew")
    made.put_back()
    assert path.read_bytes() == b"anew"
