"""Who watches a validation, and who reads its report, is told the form of the counts and why."""

from pathlib import Path

import pytest
from hepafed.server.cli.progress import describe

from tests.server.federation import Federation

pytestmark = pytest.mark.usefixtures("in_flower")
ALONE = "no other site takes part in the masked sum"


@pytest.fixture
def federation(tmp_path: Path) -> Federation:
    return Federation(tmp_path)


def told(federation: Federation, run: str) -> list[str]:
    return [describe(e) for e in federation.events(run, "form")]


def test_one_masking_site_falls_to_cells_and_both_are_told_why(federation: Federation) -> None:
    federation.site("a")
    report = federation.run()
    assert told(federation, report["run"]) == [
        f"  a: score counts in cells of at least 5 ({ALONE})"
    ]
    (note,) = [n for n in report["notes"] if "score counts" in n]
    assert note == (
        "The score counts of a came in cells of at least 5, not in a masked sum; figures from "
        f"cells have an error bound. Reason: {ALONE}."
    )


def test_a_site_that_gives_nothing_then_is_told_as_withheld(federation: Federation) -> None:
    federation.site("a", fallback="none")
    report = federation.run()
    (line,) = told(federation, report["run"])
    assert line.startswith(f"  a: score counts withheld ({ALONE}; ")
    assert any("of a were withheld: only the site's own figures" in n for n in report["notes"])


def test_beside_a_site_of_cells_one_masking_site_is_alone(federation: Federation) -> None:
    federation.site("a", release="cells")
    federation.site("b")
    report = federation.run()
    assert told(federation, report["run"]) == [
        "  a: score counts in cells of at least 5 (the site's policy says so)",
        f"  b: score counts in cells of at least 5 ({ALONE})",
    ]
    assert ["of b" in n for n in report["notes"] if "score counts" in n] == [True]


def test_a_masked_sum_is_told_without_a_note(federation: Federation) -> None:
    federation.site("a")
    federation.site("b")
    report = federation.run()
    assert told(federation, report["run"]) == [
        f"  {s}: score counts in a masked sum of a, b" for s in ("a", "b")
    ]
    assert [n for n in report["notes"] if "score counts" in n] == []
