"""A reader of the ledger sees what was allowed, by whom it may be used, and for what."""

import pytest
from hepafed.client.release.ledger.changes import PermissionChange, change_words
from hepafed.client.release.ledger.plain_words import said_of

ALLOWED = PermissionChange(
    what="allowed", permission="p-1", study="liver", purpose="vote 17", until="2027-06-30T00"
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ALLOWED,
            "A person here allowed the study liver; until 2027-06-30; purpose: vote 17",
        ),
        (
            PermissionChange(what="allowed", study="*", requester="eva"),
            "A person here allowed every study; only if eva asks",
        ),
        (
            PermissionChange(what="withdrawn", digest="ab" * 32),
            "A person here withdrew the permission of the plan or model abababab",
        ),
        (
            PermissionChange(what="used", study="liver", rounds=1, models=2, bytes=1),
            "Counted as used of the permission of the study liver: 1 round of training, "
            "2 models, 1 byte",
        ),
        (
            PermissionChange(what="used", study="liver"),
            "Counted as used of the permission of the study liver: an answer, which its limits do "
            "not count again",
        ),
        (
            PermissionChange(what="waits", study="liver", kind="plan", digest="ab" * 32),
            "The plan abababab of the study liver began to wait for a person here",
        ),
        (
            PermissionChange(what="ended", study="liver", kind="model", digest="ab" * 32),
            "The model abababab of the study liver is not listed as waiting any more; nobody here "
            "allowed it",
        ),
    ],
    ids=lambda v: v.what if isinstance(v, PermissionChange) else "",
)
def test_a_change_of_permissions_is_a_sentence(change: PermissionChange, words: str) -> None:
    assert change_words(change) == words


def test_no_control_character_of_a_purpose_or_reason_is_shown() -> None:
    assert "\x1b" not in change_words(
        PermissionChange(what="allowed", study="a", purpose="\x1b[2J")
    )
    gap = {"kind": "gap", "gaps": [{"reason": "disk\x1b[2J"}]}
    assert said_of(gap) == "A person acknowledged that entries are missing: disk\ufffd[2J"


def test_a_wait_says_how_often_and_when() -> None:
    entry = {
        "kind": "waited", "times": 37, "first": "2026-11-28T09:00:10+00:00",
        "last": "2026-11-28T09:06:20+00:00",
    }  # fmt: skip
    assert said_of(entry).endswith(
        "37 times, first at 2026-11-28 09:00:10, last at 2026-11-28 09:06:20 (UTC)"
    )
