"""Twenty cases of the campaign (`make chaos` plays as many as wanted), and the table it prints."""

import pytest

from .campaign import Campaign, table
from .verdict import BAD, HANG, SAME, VERDICTS

CASES = 20


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return Campaign(tmp_path_factory.mktemp("chaos"), seed=1)


@pytest.mark.timeout(1800)
def test_faults_end_in_the_weights_of_the_undisturbed_training_or_a_named_stop(
    campaign: Campaign,
) -> None:
    found = campaign.play(range(CASES))
    assert [f for f in found if f.verdict.kind in BAD] == []
    assert [f.case.number for f in found] == [*range(CASES)]


def test_the_table_counts_each_case_once_by_fault_and_verdict() -> None:
    lines = {
        n: {"fault": fault, "verdict": verdict}
        for n, (fault, verdict) in enumerate((("a", SAME), ("a", SAME), ("b", HANG)))
    }
    rows = [line.split() for line in table(lines)]
    assert [*map(int, rows[1][1:])] == [2 * (v == SAME) for v in VERDICTS]
    assert [*map(int, rows[2][1:])] == [int(v == HANG) for v in VERDICTS]
