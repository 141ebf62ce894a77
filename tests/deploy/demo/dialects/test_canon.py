"""Canon: the b-value and the direction in the image comment."""

from pathlib import Path

from hepafed.deploy.demo.dialects import CANON
from hepafed.deploy.demo.series import Mark

from tests.deploy.demo.series import written


def test_the_comment_holds_the_b_value_and_the_direction_and_none_at_b_0(tmp_path: Path) -> None:
    marks = (Mark(), Mark(direction=(0.0, 0.6, 0.8), number=2), Mark())
    files = written(tmp_path, CANON, "dwi", (0.0, 800.0, 800.0), marks)[::4]
    comments = [f.get("ImageComments", "") for f in files]
    assert comments == ["", "b=800(0.000,0.600,0.800)", "b=800"]
    assert all("DiffusionBValue" not in f for f in files)
