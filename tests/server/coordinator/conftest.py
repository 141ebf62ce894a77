"""A coordinator with two training sites, both online."""

from pathlib import Path

import pytest

from .known import Known


@pytest.fixture
def known(tmp_path: Path) -> Known:
    made = Known(tmp_path)
    made.site("a")
    made.site("b")
    return made
