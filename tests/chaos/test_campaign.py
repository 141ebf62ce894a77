"""Twenty cases of the campaign (`make chaos` plays as many as wanted), and the table it prints."""

from pathlib import Path

import pytest

from .campaign import Campaign, table
from .prepared import STAND_IN
from .verdict import BAD, HANG, SAME

CASES = 20


@pytest.mark.slow
def test_twenty_cases_end_in_the_same_weights_or_a_named_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    campaign = Campaign(tmp_path, seed=1)
    found = {number: campaign.play(number) for number in range(CASES)}
    assert {n: v for n, v in found.items() if v.kind in BAD} == {}


def test_the_table_counts_each_case_once_by_fault_and_verdict() -> None:
    lines = {
        n: {"fault": fault, "verdict": verdict}
        for n, (fault, verdict) in enumerate((("a", SAME), ("a", SAME), ("b", HANG)))
    }
    rows = [line.split() for line in table(lines)]
    assert [*map(int, rows[1][1:])] == [2, 0, 0, 0, 0, 0]
    assert [*map(int, rows[2][1:])] == [0, 0, 0, 0, 0, 1]
