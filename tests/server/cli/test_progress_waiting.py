"""A run that waits says for whom: a person at a site, or the run that is before it."""

from typing import Any

import pytest
from hepafed.server.cli.progress import before, describe, follow, queue_words


class Coordinator:
    """Stands for the coordinator: `v-1` is queued while `t-1` waits for a person, then it ends."""

    def __init__(self, *others: str) -> None:
        self.asked = 0
        self.others = others

    def get(self, path: str, **_query: str) -> Any:  # noqa: ANN401 - JSON
        if path == "/api/runs":
            queued = [{"id": o, "status": "queued"} for o in self.others]
            return [*queued, {"id": "t-1", "status": "running"}, {"id": "v-1", "status": "queued"}]
        if path == "/api/runs/t-1":
            waits = {"event": "waits", "site": "b", "study": "liver", "thing": "plan t2"}
            return {"kind": "train", "events": [waits, {"event": "unknown"}]}
        self.asked += 1
        status = "queued" if self.asked < 4 else "completed"
        return {"id": "v-1", "kind": "validate", "status": status, "round": 0, "events": []}


SAID = (
    "Queued: runs go one at a time, and t-1 (train) goes before. Its last line: b: plan t2 of the "
    "study liver waits for a person there, who types: client allow --study liver"
)


def test_a_queued_run_names_the_run_before_it_and_what_that_one_waits_for() -> None:
    assert before(Coordinator("v-0"), "v-1") == "t-1"  # type: ignore[arg-type]
    assert queue_words(Coordinator(), "t-1") == SAID  # type: ignore[arg-type]


def test_a_run_that_is_under_way_itself_has_none_before_it() -> None:
    assert before(Coordinator(), "t-1") == ""  # type: ignore[arg-type]


def test_who_watches_a_queued_run_reads_that_once(capfd: pytest.CaptureFixture[str]) -> None:
    follow(Coordinator(), "v-1")  # type: ignore[arg-type]
    shown = capfd.readouterr()
    assert " ".join((shown.out + shown.err).split()).count("goes before.") == 1


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            {"event": "waits", "site": "b", "digest": "d", "study": "liver", "thing": ""},
            "  b: of the study liver waits for a person there, who types: "
            "client allow --study liver",
        ),
        (
            {"event": "waits", "site": "b", "digest": "d"},
            "  b: waits for a person there, who types: client pending, then client allow",
        ),
        (
            {"event": "tune", "sites": ["a", "b"]},
            "last weights on the tuning patients: a, b",
        ),
    ],
    ids=["a digest of no plan", "an earlier event", "tuning"],
)
def test_a_wait_and_the_tuning_step_are_said(event: dict[str, Any], words: str) -> None:
    assert describe(event) == words
