"""`server sites` shows each gap of a site's ledger with its day and reason."""

from typing import Any

from hepafed.server.cli.members import said_of_sites


def site(name: str, **values: Any) -> dict[str, Any]:  # noqa: ANN401
    usual = {"site": name, "role": "validate", "state": "enrolled", "online": True, "ledger": None}
    return {**usual, **values}


SEEN = {"entry": 123456, "chain": "a" * 64, "at": "2026-11-28T09:00:00+00:00", "gaps": []}
GAPS = [
    {"entry": 40, "at": "2026-11-20T09:00:00+00:00", "reason": "the disk failed " * 12},
    {"entry": 77, "at": "2026-11-21T09:00:00+00:00", "reason": "again"},
]


def test_each_gap_of_a_ledger_is_shown_with_day_and_reason() -> None:
    lines = said_of_sites([site("hospital-a", ledger={**SEEN, "gaps": GAPS}), site("hospital-b")])
    assert lines == [
        (
            "hospital-a: entry 40 and what belonged to it is missing in its ledger",
            f"acknowledged on 2026-11-20: {GAPS[0]['reason']}",
        ),
        (
            "hospital-a: entry 77 and what belonged to it is missing in its ledger",
            "acknowledged on 2026-11-21: again",
        ),
    ]


def test_two_clients_of_one_site_are_said_with_their_times_and_what_to_do() -> None:
    times = ["2026-11-28T09:00:00+00:00", "2026-11-28T10:30:00+00:00"]
    ((head, fact),) = said_of_sites([site("a", clients=times), site("b", clients=[]), site("c")])
    assert head == "a: 2 clients use its key at once"
    assert fact.startswith("since 2026-11-28 09:00 and 2026-11-28 10:30 UTC.")
    assert "server revoke a" in fact
