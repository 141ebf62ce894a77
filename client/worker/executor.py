"""Flower on a site: our executor takes ClientApp tasks from the SuperNode, in a warm process.

Everything that reaches below Flower's public API on the site's side is in this file and
supernode.py (tests/contracts holds each name to the pinned release). The bundle that comes with
a task is never unpacked: what runs is the ClientApp of the installed release.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from flwr.app import Context, Error, Message
from flwr.common.constant import ErrorCode, SubStatus
from flwr.proto.runtime_pb2 import AcquireTaskRequest
from flwr.supercore.constant import TaskType
from flwr.supercore.heartbeat import HeartbeatSender, make_task_heartbeat_fn_http
from flwr.supercore.interceptors import (
    RuntimeTokenHttpInterceptor,
    RuntimeVersionHttpInterceptor,
    SuperExecAuthHttpInterceptor,
)
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supernode.runtime import run_clientapp
from flwr.supernode.runtime.run_clientapp import pull_task_input, push_message, push_task_output
from hepafed.common.processes import give_back_memory
from hepafed.common.retry import next_wait

log = logging.getLogger("hepafed.client")

App = Callable[[Message, Context], Message]
IDLE_SECONDS = (0.05, 1.0)
"""The shortest and the longest wait between two looks for a task."""
REST_SECONDS = 5.0
"""After so long without a task the memory that the last one took is given back."""
LOST_SECONDS = 30.0
"""How long an object is waited for, which a killed process may never have sent; Flower: 2 h."""
OBJECT_SECONDS = 0.02
"""The first wait before a message's object, which the SuperNode may yet be fetching, is tried
again; Flower's is 1 s, doubled each time."""
vars(run_clientapp)["pull_and_inflate_object_from_tree"] = functools.partial(
    vars(run_clientapp)["pull_and_inflate_object_from_tree"],
    initial_backoff=OBJECT_SECONDS,
    max_time=LOST_SECONDS,
)
_ACQUIRE = "/flwr.proto.Runtime/AcquireTask"


class ClientAppExecutor:
    """Takes tasks from the SuperNode on `address` (loopback) and calls `app`."""

    def __init__(self, address: str, secret_file: Path, app: App) -> None:
        self._address = address
        self._secret = secret_file.read_bytes()
        self._app = app

    def _client(self, interceptor: object) -> RuntimeHttpClient:
        return RuntimeHttpClient.from_server_address(
            self._address,
            insecure=True,
            root_certificates=None,
            interceptors=[RuntimeVersionHttpInterceptor(component_name="SuperExec"), interceptor],  # type: ignore[list-item]
        )

    def serve(self, stopping: threading.Event) -> None:
        """Take tasks one after the other until told to stop."""
        acquire = AcquireTaskRequest(supported_task_types=[TaskType.CLIENT_APP])
        signer = SuperExecAuthHttpInterceptor(
            master_secret=self._secret, protected_methods={_ACQUIRE}
        )
        client = self._client(signer)
        idle, resting = time.monotonic(), False
        while not stopping.is_set():
            try:
                answer = client.AcquireTask(acquire)
            except httpx.HTTPError:
                stopping.wait(0.5)
                continue
            if answer.HasField("task") and answer.token:
                self._serve_task(answer.token)
                idle, resting = time.monotonic(), False
            else:
                if not resting and time.monotonic() - idle > REST_SECONDS:
                    give_back_memory()
                    resting = True
                stopping.wait(next_wait(time.monotonic() - idle, *IDLE_SECONDS))
        client.close()

    def _serve_task(self, token: str) -> None:
        client = self._client(RuntimeTokenHttpInterceptor(token))
        heartbeat = HeartbeatSender(make_task_heartbeat_fn_http(client))
        heartbeat.start()
        context: Context | None = None
        status, details = SubStatus.COMPLETED, ""
        try:
            message, context, _run, _bundle = pull_task_input(client)
            try:
                reply = self._app(message, context)
            except Exception as e:  # no text of the error leaves: it could hold anything
                log.exception("a request failed")
                status, details = SubStatus.FAILED, type(e).__name__
                error = Error(code=ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason=details)
                reply = Message(error, reply_to=message)
            push_message(client, reply, context)
        except (httpx.HTTPError, RuntimeError) as e:
            log.warning("a task was lost on its way: %s", type(e).__name__)
            status, details = SubStatus.FAILED, "lost"
        finally:
            push_task_output(client, context, status, details)
            if heartbeat.is_running:
                heartbeat.stop()
            client.close()
