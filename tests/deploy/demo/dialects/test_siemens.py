"""Siemens: the b-value in (0019,100C) and in the sequence name."""

from pathlib import Path

from hepafed.deploy.demo.dialects import SIEMENS
from hepafed.deploy.demo.series import Mark

from tests.deploy.demo.series import written


def test_the_sequence_name_tells_b_values_directions_and_traces_apart(tmp_path: Path) -> None:
    marks = (Mark(), Mark(direction=(0.0, 1.0, 0.0), number=2), Mark())
    files = written(tmp_path, SIEMENS, "dwi", (0.0, 800.0, 800.0), marks)[::4]
    assert [f.SequenceName for f in files] == ["*ep_b0", "*ep_b800#2", "*ep_b800t"]
    assert [f[0x0019, 0x100C].value for f in files] == [0, 800, 800]
    assert all("DiffusionBValue" not in f for f in files)
    assert files[1][0x0019, 0x100E].value == [0.0, 1.0, 0.0]
    assert files[2].ImageType[2:] == ["DIFFUSION", "TRACEW", "NORM", "DIS2D"]


def test_slices_of_a_two_dimensional_series_have_times_of_their_own(tmp_path: Path) -> None:
    flat = written(tmp_path / "t2", SIEMENS)
    assert [f.AcquisitionTime for f in flat[:2]] == ["100100.000000", "100100.850000"]
    deep = written(tmp_path / "t1", SIEMENS, "portal")
    assert {f.AcquisitionTime for f in deep} == {"100100"}
