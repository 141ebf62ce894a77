"""Philips: the b-value in (2001,1003), b = 0 on what is no diffusion, interleaved numbers."""

from pathlib import Path

from hepafed.deploy.demo.dialects import PHILIPS
from hepafed.deploy.demo.series import Mark

from tests.deploy.demo.series import written


def test_the_b_value_stands_in_private_and_the_kind_in_a_letter(tmp_path: Path) -> None:
    marks = (Mark(), Mark(direction=(0.0, 1.0, 0.0), number=2), Mark())
    files = written(tmp_path, PHILIPS, "dwi", (0.0, 800.0, 800.0), marks)[:3]
    assert [f[0x2001, 0x1003].value for f in files] == [0.0, 800.0, 800.0]
    assert [0x20011004 in f for f in files] == [False, True, True]
    assert [f[0x2001, 0x1004].value for f in files[1:]] == ["P", "I"]
    assert [files[1][0x2005, low].value for low in (0x10B0, 0x10B1, 0x10B2)] == [0, 1, 0]


def test_what_is_no_diffusion_states_b_0_and_diffusion_says_spin_echo(tmp_path: Path) -> None:
    assert {f.DiffusionBValue for f in written(tmp_path / "t2", PHILIPS)} == {0.0}
    assert {f.ScanningSequence for f in written(tmp_path / "d", PHILIPS, "dwi", (50.0,))} == {"SE"}


def test_instance_numbers_run_through_the_images_of_one_place_first(tmp_path: Path) -> None:
    files = written(tmp_path, PHILIPS, "dwi", (50.0, 800.0))
    assert [f.DiffusionBValue for f in files] == [50.0, 800.0] * 4
    heights = [f.ImagePositionPatient[2] for f in files[::2]]
    assert heights == sorted(heights)
    assert {f.SeriesNumber for f in files} == {301}
