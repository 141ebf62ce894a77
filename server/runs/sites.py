"""One exchange with the sites over Flower: requests out, checked replies in."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from flwr.app import ConfigRecord, Message, RecordDict
from hepafed.common.contract import Refusal, pack, unpack
from hepafed.common.errors import PayloadError
from hepafed.common.retry import next_wait

POLL_SECONDS = (0.05, 1.0)
"""Shortest and longest wait between two looks for replies; in between a twentieth of the time
already waited, so that looking costs little and a reply loses at most 5 %."""


class Nodes(Protocol):
    """What of Flower's Grid we use."""

    def get_node_ids(self) -> list[int]: ...  # noqa: D102
    def push_messages(self, messages: list[Message]) -> list[str]: ...  # noqa: D102
    def pull_messages(self, message_ids: list[str]) -> list[Message]: ...  # noqa: D102


class Exchange:
    """Asks sites by name and gathers their replies until all answered or the deadline."""

    def __init__(
        self,
        grid: Nodes,
        nodes: Callable[[], Mapping[str, int]],
        may_go_on: Callable[[], bool],
        identities: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._grid = grid
        self._nodes = nodes
        self._may_go_on = may_go_on
        self.identities = identities
        """The enrolled public key of each site, an OpenSSH line."""

    def online(self) -> list[str]:
        """Name the sites whose SuperNode is connected, in order."""
        present = set(self._grid.get_node_ids())
        return sorted(s for s, node in self._nodes().items() if node in present)

    def ask(
        self,
        requests: Mapping[str, object],
        reply_type: type,
        deadline: float,
        on_reply: Callable[[str, object], None],
    ) -> dict[str, str]:
        """Send one request to each site; `on_reply(site, reply)` as answers come.

        Returns the sites that gave no usable answer, with the reason.
        """
        nodes = self._nodes()
        order = [s for s in requests if s in nodes]
        messages = [
            Message(
                RecordDict({"hepafed": ConfigRecord({"json": pack(requests[site])})}),
                dst_node_id=nodes[site],
                message_type="train" if reply_type.__name__ == "TrainReply" else "evaluate",
                ttl=deadline + 60,
            )
            for site in order
        ]
        ids = list(self._grid.push_messages(messages))
        waiting = {i: s for i, s in zip(ids, order, strict=True) if i}
        failed = {s: "not reachable" for i, s in zip(ids, order, strict=True) if not i}
        failed |= {s: "no longer enrolled" for s in requests if s not in nodes}
        started = time.monotonic()
        limit = started + deadline
        while waiting and self._may_go_on():
            for answer in self._grid.pull_messages(list(waiting)):
                site = waiting.pop(answer.metadata.reply_to_message_id, None)
                if site is None:
                    continue
                try:
                    on_reply(site, _reply(answer, reply_type))
                except PayloadError as e:
                    failed[site] = e.message
            if time.monotonic() > limit:
                break
            if waiting:
                time.sleep(next_wait(time.monotonic() - started, *POLL_SECONDS))
        return {**failed, **dict.fromkeys(waiting.values(), "no answer before the deadline")}


def _reply(answer: Message, reply_type: type) -> object:
    if answer.has_error():
        raise PayloadError("the site's worker failed; its log says why")
    try:
        text = answer.content["hepafed"]["json"]
    except (KeyError, TypeError) as e:
        raise PayloadError("the site's answer is not a HepaFed message") from e
    reply = unpack(str(text))
    if isinstance(reply, Refusal):
        raise PayloadError(f"refused: {reply.reason[:300]}")
    if type(reply) is not reply_type:
        raise PayloadError("the site answered something that was not asked")
    return reply
