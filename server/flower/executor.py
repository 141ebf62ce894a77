"""The executor on the coordinator: it takes Flower's ServerApp tasks and calls our app for each."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable

import httpx
from flwr.proto.runtime_pb2 import AcquireTaskRequest
from flwr.supercore.constant import TaskType
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor, SuperExecAuthHttpInterceptor
from flwr.supercore.runtime import RuntimeHttpClient
from hepafed.common.retry import next_wait
from hepafed.server.flower.attempt import ServerApp, make_attempt
from hepafed.server.flower.superlink import Link, SuperLink

LOST = -1
"""In place of a Flower run's number: some attempt may have been lost on its way to us."""
IDLE_SECONDS = (0.1, 1.0)
"""Shortest and longest wait between two looks for a run."""

log = logging.getLogger("hepafed.server")


class ServerAppExecutor:
    """Takes ServerApp tasks from the SuperLink and calls `app` for each, in this process.

    `over` is told the number of each Flower run that was conducted, however that went.
    """

    def __init__(
        self,
        superlink: SuperLink,
        app: ServerApp,
        stopping: threading.Event,
        over: Callable[[int], None],
    ) -> None:
        self._superlink = superlink
        self._app = app
        self._stopping = stopping
        self._over = over

    def serve(self) -> None:
        """Take tasks one after the other until told to stop, whatever becomes of one."""
        while not self._stopping.is_set():
            try:
                self._take_tasks(self._superlink.link)
            except httpx.HTTPError as e:
                log.debug("the executor waits for the SuperLink: %s", type(e).__name__)
            except Exception:  # the run gets another attempt; the log has the traceback
                log.exception("the executor lost a task")
            self._over(LOST)  # the answer that is missing may have held one
            self._stopping.wait(1.0)

    def _take_tasks(self, link: Link) -> None:
        acquire = AcquireTaskRequest(supported_task_types=[TaskType.SERVER_APP])
        idle = time.monotonic()
        with contextlib.closing(_client(link)) as client:
            while not self._stopping.is_set():
                answer = client.AcquireTask(acquire)
                if answer.HasField("task") and answer.token:
                    try:
                        make_attempt(answer.token, link, self._superlink, self._app, self._stopping)
                    finally:
                        self._over(answer.task.run_id)
                    idle = time.monotonic()
                else:
                    self._stopping.wait(next_wait(time.monotonic() - idle, *IDLE_SECONDS))


def _client(link: Link) -> RuntimeHttpClient:
    return RuntimeHttpClient.from_server_address(
        link.address,
        insecure=False,
        root_certificates=link.ca,
        interceptors=[
            RuntimeVersionHttpInterceptor(component_name="SuperExec"),
            SuperExecAuthHttpInterceptor(
                master_secret=link.secret,
                protected_methods={"/flwr.proto.Runtime/AcquireTask"},
            ),
        ],
    )
