"""GE: the b-value with its offset in (0043,1039), what kind of image in (0043,1030)."""

from pathlib import Path

from hepafed.deploy.demo.dialects import GE
from hepafed.deploy.demo.series import Mark

from tests.deploy.demo.series import written


def test_the_b_value_has_a_large_offset_and_a_flag_says_which_kind_it_is(tmp_path: Path) -> None:
    marks = (Mark(), Mark(direction=(0.0, 1.0, 0.0), number=2), Mark())
    files = written(tmp_path, GE, "dwi", (0.0, 800.0, 800.0), marks)[::4]
    b_values = [f[0x0043, 0x1039].value[0] for f in files]
    assert b_values == [1_000_000_000, 1_000_000_800, 1_000_000_800]
    assert [f[0x0043, 0x1030].value for f in files] == [14, 4, 15]
    assert [float(files[1][0x0019, low].value) for low in (0x10BB, 0x10BC, 0x10BD)] == [0, 1, 0]
    assert all("DiffusionBValue" not in f for f in files)


def test_instance_numbers_run_from_head_to_foot(tmp_path: Path) -> None:
    heights = [f.ImagePositionPatient[2] for f in written(tmp_path, GE)]
    assert heights == sorted(heights, reverse=True)
