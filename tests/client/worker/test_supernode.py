"""A reply that Flower's loop would leave behind is sent without a further message."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hepafed.client.worker.supernode import also_for_replies


def state_of(*messages: tuple[str, bool]) -> Any:  # noqa: ANN401
    """Give a node's state with messages: what each answers, and whether it was taken."""
    return SimpleNamespace(
        lock_msg_store=threading.RLock(),
        msg_store={
            f"{n}": SimpleNamespace(
                is_retrieved=taken,
                message=SimpleNamespace(metadata=SimpleNamespace(reply_to_message_id=answers)),
            )
            for n, (answers, taken) in enumerate(messages)
        },
    )


@pytest.mark.parametrize(
    ("messages", "pulled", "wanted"),
    [
        ([], None, None),
        ([("", False)], None, None),
        ([("q", True)], None, None),
        ([("q", True), ("", False)], None, None),
        ([("", True), ("q", False)], None, 0),
        ([("q", False)], 7, 7),
        ([], 7, 7),
    ],
)
def test_a_reply_that_waits_is_sent_though_nothing_was_pulled(
    messages: list[tuple[str, bool]], pulled: int | None, wanted: int | None
) -> None:
    asked: list[object] = []

    def pull(*, state: object, store: str) -> int | None:
        asked.append((state, store))
        return pulled

    state = state_of(*messages)
    assert also_for_replies(pull)(state=state, store="s") == wanted
    assert asked == [(state, "s")]
