"""The evaluator's guide shows an evaluation that HepaFed takes, and a picture that exists."""

import re
import struct
from pathlib import Path

from hepafed.common.contract.evaluation import evaluation_from

DOCS = Path(__file__).parents[2] / "docs"


def test_the_example_evaluation_of_the_guide_is_one() -> None:
    guide = (DOCS / "evaluator-guide.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", guide, flags=re.DOTALL)
    assert examples
    for text in examples:
        assert any(e.primary for e in evaluation_from(text).endpoints)


def test_the_picture_of_a_report_is_a_png_of_at_most_300_kb() -> None:
    raw = (DOCS / "images/report.png").read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", raw[16:24])
    assert width >= 800
    assert height >= 800
    assert len(raw) <= 300 * 1024
