"""The stock SuperNode, with shorter waits and without a lost reply, as a process of its own.

Flower's loop sleeps 3 s when there is no message and looks for the reply every 0.5 s; both are
constants in `flwr.supernode.start_client_internal`. A message is seen before its objects have
arrived, and Flower first tries these again after 1 s. Those waits are shortened here.

Flower's loop sends one time for each message that it received. A message whose run ends while it is
being received is worked on and not counted; its reply takes the turn of the next message's reply,
which then stays here until a further message comes. So what waits is sent without one
(tests/contracts holds the module to all this).
"""

import functools
import time
import types
from collections.abc import Callable
from typing import Any

from hepafed.common.retry import next_wait

IDLE_SECONDS = (0.05, 3.0)
REPLY_SECONDS = (0.02, 0.5)
"""The shortest and the longest sleep of each kind, by the time since the last sleep of the other
kind (common/retry.py): what was just busy is looked at often, and an idle site costs little."""
LOST_SECONDS = 30.0
"""How long an object is waited for, which a killed process may never have sent; Flower: 2 h."""
OBJECT_SECONDS = 0.02
"""The first wait before an object of a message is tried again; Flower doubles it each time."""


class ShorterSleep:
    """A shorter sleep than Flower asks for; Flower polls, so only latency depends on it."""

    def __init__(
        self,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._idle = True
        self._since = clock()

    def __call__(self, seconds: float) -> None:
        """Stand in for `time.sleep`."""
        idle = seconds >= 1
        if idle != self._idle:
            self._idle, self._since = idle, self._clock()
        shortest, longest = IDLE_SECONDS if idle else REPLY_SECONDS
        self._sleep(next_wait(self._clock() - self._since, shortest, longest))


def also_for_replies(pull: Callable[..., int | None]) -> Callable[..., int | None]:
    """Have Flower's loop send where nothing was pulled and a reply waits in the node's state."""

    def pulled(*words: Any, state: Any, **more: Any) -> int | None:  # noqa: ANN401 - Flower's
        run = pull(*words, state=state, **more)
        return 0 if run is None and _has_reply(state) else run

    return pulled


def _has_reply(state: Any) -> bool:  # noqa: ANN401 - Flower's NodeState
    with state.lock_msg_store:
        return any(
            not entry.is_retrieved and entry.message.metadata.reply_to_message_id
            for entry in state.msg_store.values()
        )


def main() -> None:
    """Run Flower's SuperNode command in this process."""
    from flwr.supernode import start_client_internal
    from flwr.supernode.cli import flower_supernode

    quick = types.SimpleNamespace(**{**vars(time), "sleep": ShorterSleep()})
    start_client_internal.time = quick  # type: ignore[attr-defined, assignment]
    vars(start_client_internal)["pull_objects"] = functools.partial(
        vars(start_client_internal)["pull_objects"],
        initial_backoff=OBJECT_SECONDS,
        max_time=LOST_SECONDS,
    )
    vars(start_client_internal)["_pull_and_store_message"] = also_for_replies(
        vars(start_client_internal)["_pull_and_store_message"]
    )
    flower_supernode()
