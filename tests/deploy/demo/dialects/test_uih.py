"""United Imaging: the b-value as applied in (0065,1009), the direction in (0065,1037)."""

from pathlib import Path

from hepafed.deploy.demo.dialects import UIH
from hepafed.deploy.demo.series import Mark

from tests.deploy.demo.series import written


def test_the_b_value_is_a_real_number_in_private(tmp_path: Path) -> None:
    marks = (Mark(), Mark(direction=(0.0, 1.0, 0.0), number=2))
    files = written(tmp_path, UIH, "dwi", (50.25, 799.5), marks)[::4]
    assert [f[0x0065, 0x1009].value for f in files] == [50.25, 799.5]
    assert files[1][0x0065, 0x1037].value == [0.0, 1.0, 0.0]
    assert 0x00651037 not in files[0]
    assert all("DiffusionBValue" not in f for f in files)
