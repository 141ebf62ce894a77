"""The evaluator's guide shows an evaluation that HepaFed takes, and a picture that exists."""

import re
import struct
from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.common.contract.evaluation import evaluation_from
from hepafed.common.statistics import COLUMNS, read_scores
from hepafed.server.cli.main import main as server

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


def _block(after: str, kind: str) -> str:
    """Give the first block of a kind after a sentence of the guide."""
    guide = (DOCS / "evaluator-guide.md").read_text(encoding="utf-8")
    found = re.search(rf"```{kind}\n(.*?)```", guide.partition(after)[2], flags=re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("after", "patients"), [("a reader study), run:", 3), ("scikit-learn take:", 2)]
)
def test_the_tables_of_the_guide_are_read(tmp_path: Path, after: str, patients: int) -> None:
    (tmp_path / "t.csv").write_text(_block(after, "text"))
    assert len(set(read_scores(tmp_path / "t.csv").patient.tolist())) == patients


def test_the_guide_shows_what_is_said_of_a_wrong_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = iter(["haemangioma"] * 111 + ["metastasis"] * 35 + ["HCC"] * 31)
    lines = [",".join(COLUMNS)]
    for row in range(2, 182):
        site = {7: "S01"}.get(row, "s01")
        patient = "" if row in (5, 9) else f"p{row}"
        truth = "benign" if row in (5, 7, 9) else next(words)
        lines.append(f"{site},{patient},l{row},{truth},0.5,0.25,0.25")
    monkeypatch.chdir(tmp_path)
    Path("scores.csv").write_text("\n".join([*lines, ""]))
    said = CliRunner().invoke(server, ["report", "--scores", "scores.csv", "-o", "report/"])
    assert said.exit_code == 1
    assert said.stderr == _block("All problems are\ntold at once", "text")
