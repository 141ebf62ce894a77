"""A case is known by its seed and number, and damages what it says."""

from pathlib import Path

import pytest

from .cases import ROTS, WEIGHTS, Case, alike, damage, draw, flipped, state_files

SITES = ("a", "b")


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    for who in ("server", *SITES):
        crops = tmp_path / who / "cohort/crops"
        crops.mkdir(parents=True)
        for n in range(30):
            (crops / f"{n:064x}.npy").write_bytes(b"crop")
        (tmp_path / who / "state.json").write_bytes(b"{}")
        (tmp_path / who / "worker.log").write_bytes(b"said")
        (tmp_path / who / "lock").touch()
    return tmp_path


def _cases(homes: Path, seed: int, count: int = 300) -> list[Case]:
    return [draw(seed, n, homes, SITES, 7) for n in range(count)]


def test_a_seed_and_a_number_are_one_case(homes: Path) -> None:
    assert _cases(homes, 1) == _cases(homes, 1)
    assert _cases(homes, 1) != _cases(homes, 2)
    assert draw(1, 17, homes, SITES, 7) == _cases(homes, 1)[17]


def test_every_fault_is_drawn_and_strikes_who_has_such_a_program(homes: Path) -> None:
    cases = _cases(homes, 1)
    assert {c.fault for c in cases} == {*WEIGHTS}
    struck = {(c.fault, c.who) for c in cases if c.fault.startswith("kill ")}
    assert {who for fault, who in struck if fault == "kill server start"} == {"server"}
    assert {who for fault, who in struck if fault == "kill worker"} == {*SITES}
    assert {c.after for c in cases if not c.rots} == {*range(7)}


def test_a_file_that_is_new_in_a_home_is_damaged_as_well(homes: Path) -> None:
    (homes / "a/new").mkdir()
    (homes / "a/new/file").write_bytes(b"1")
    assert "new/file" in {c.file for c in _cases(homes, 1) if c.rots}


def test_logs_and_empty_files_are_not_damaged(homes: Path) -> None:
    files = state_files(homes / "a")
    assert "state.json" in files
    assert not {"lock", "worker.log"} & {*files}


def test_many_files_named_by_digests_are_drawn_as_often_as_one_file(homes: Path) -> None:
    assert sorted(map(len, alike(state_files(homes / "a")))) == [1, 30]


@pytest.mark.parametrize("at", [0.0, 0.49, 0.999999])
def test_one_bit_and_no_other_is_flipped(at: float) -> None:
    content = bytes(range(40))
    differing = [a ^ b for a, b in zip(content, flipped(content, at), strict=True)]
    assert sorted(b.bit_count() for b in differing) == [0] * 39 + [1]
    assert flipped(content, at) == flipped(content, at)


@pytest.mark.parametrize(
    ("fault", "left"), [("emptied", b""), ("halved", b"ab"), ("missing", None)]
)
def test_a_file_is_damaged_as_the_case_says(homes: Path, fault: str, left: bytes | None) -> None:
    path = homes / "a/state.json"
    path.write_bytes(b"abcde")
    damage(Case(number=0, fault=f"rot {fault}", who="a", file="state.json"), homes / "a")
    assert (path.read_bytes() if path.exists() else None) == left
    assert {*ROTS} > {"emptied", "halved"}
