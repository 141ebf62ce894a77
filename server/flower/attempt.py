"""One attempt at a run: a ServerApp task is pulled, our app called, and the outcome pushed."""

import contextlib
import functools
import threading
from collections.abc import Callable

import httpx
from flwr.app import Context, Message, RecordDict
from flwr.common.constant import SubStatus
from flwr.common.serde import context_from_proto, context_to_proto, run_from_proto
from flwr.proto.runtime_pb2 import (
    PullTaskInputRequest,
    PushTaskOutputRequest,
    SendTaskHeartbeatRequest,
)
from flwr.supercore.heartbeat import HeartbeatSender
from flwr.supercore.retry import RetryInvoker, exponential
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.grid import http_grid
from flwr.superlink.grid.http_grid import HttpGrid
from hepafed.server.flower.superlink import Link, SuperLink, reaching

PATIENCE_SECONDS = 60.0
"""How long a call is tried again while the SuperLink lives but does not answer."""
LOST_SECONDS = 30.0
"""How long an object is waited for, which a killed process may never have sent; Flower: 2 h."""
OBJECT_SECONDS = 0.02
"""The first wait before an object of an answer is tried again; Flower's is 1 s, doubled each time.

An answer is seen before its objects have arrived, so that each would be late by a second.
"""
vars(http_grid)["pull_objects"] = functools.partial(
    vars(http_grid)["pull_objects"], initial_backoff=OBJECT_SECONDS, max_time=LOST_SECONDS
)


class Conversation:
    """Flower's grid during one attempt at a run; UnreachableError when the attempt is lost."""

    def __init__(self, grid: HttpGrid) -> None:
        self._grid = grid

    def get_node_ids(self) -> list[int]:
        """Return the ids of the nodes that are connected."""
        with reaching():
            return list(self._grid.get_node_ids())

    def push_messages(self, messages: list[Message]) -> list[str]:
        """Send messages; return their ids in the same order."""
        with reaching():
            return list(self._grid.push_messages(messages))

    def pull_messages(self, message_ids: list[str]) -> list[Message]:
        """Return the answers to these messages that have come so far."""
        with reaching():
            return list(self._grid.pull_messages(message_ids))


ServerApp = Callable[[Conversation, Context], None]


def make_attempt(
    token: str, link: Link, superlink: SuperLink, app: ServerApp, stopping: threading.Event
) -> None:
    """Call `app` for the task that `token` opens, and tell the SuperLink how it went."""
    grid = HttpGrid(link.address, insecure=False, root_certificates=link.ca, token=token)
    grid._retry_invoker = _patient(link, superlink, stopping)
    client = grid._runtime_client
    heartbeat = HeartbeatSender(lambda: _beat(client))
    heartbeat.start()
    context: Context | None = None
    status, details = SubStatus.FAILED, "the run did not finish"
    try:
        context = _pull_input(grid)
        app(Conversation(grid), context)
        status, details = SubStatus.COMPLETED, ""
        context.state = RecordDict()
    finally:
        outcome = PushTaskOutputRequest(
            context=context_to_proto(context) if context else None,
            sub_status=status,
            details=details,
        )
        with contextlib.suppress(httpx.HTTPError):  # then the next attempt ends this one
            client.PushTaskOutput(outcome)
        if heartbeat.is_running:
            heartbeat.stop()
        grid.close()


def _pull_input(grid: HttpGrid) -> Context:
    """Return the context of the grid's task, with the configuration of its run."""
    task = grid._runtime_client.PullTaskInput(PullTaskInputRequest())
    TaskIdentity.task_id = task.task_id
    TaskIdentity.run_id = task.run.run_id
    TaskIdentity.node_id = task.context.node_id
    context = context_from_proto(task.context)
    run = run_from_proto(task.run)
    context.run_config = dict(run.override_config)
    grid.set_run(run)
    return context


def _patient(link: Link, superlink: SuperLink, stopping: threading.Event) -> RetryInvoker:
    """Make an invoker that tries calls again as Flower's own does, but not for ever.

    A SuperLink that died, or refuses, took the attempt along. (Flower's invoker would go on
    without end, and on a refusal interrupt this whole process.)
    """

    def lost(error: Exception) -> bool:
        if isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 502:
            return True
        return stopping.is_set() or not superlink.alive or superlink.link is not link

    return RetryInvoker(
        lambda: exponential(max_delay=5),
        (httpx.TransportError, httpx.HTTPStatusError),
        max_tries=None,
        max_time=PATIENCE_SECONDS,
        should_giveup=lost,
        wait_function=stopping.wait,  # type: ignore[arg-type]
    )


def _beat(client: RuntimeHttpClient) -> bool:
    """Tell the SuperLink that the attempt lives; what it answers, the next call learns too."""
    try:
        client.SendTaskHeartbeat(SendTaskHeartbeatRequest())
    except httpx.HTTPError:
        return False
    return True
