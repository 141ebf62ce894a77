"""Flower on the coordinator: its SuperLink behind us, and our executor in place of its own.

Everything that reaches below Flower's public API on the server's side is in this file
(tests/contracts holds each name to the pinned release). The SuperLink listens on loopback; the
installed ServerApp is called in this process, and the bundle that a Flower run must carry is
one pyproject.toml that nobody ever unpacks.
"""

import contextlib
import hashlib
import logging
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from flwr.app import Context, Message, RecordDict
from flwr.cli.build import build_fab_from_files
from flwr.common.constant import SubStatus
from flwr.common.serde import (
    context_from_proto,
    context_to_proto,
    fab_to_proto,
    run_from_proto,
    user_config_to_proto,
)
from flwr.proto.control_pb2 import (
    ListNodesRequest,
    RegisterNodeRequest,
    StartRunRequest,
    StopRunRequest,
    UnregisterNodeRequest,
)
from flwr.proto.runtime_pb2 import (
    AcquireTaskRequest,
    PullTaskInputRequest,
    PushTaskOutputRequest,
    SendTaskHeartbeatRequest,
)
from flwr.supercore.constant import TaskType
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.fab import Fab
from flwr.supercore.heartbeat import HeartbeatSender
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor, SuperExecAuthHttpInterceptor
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supercore.retry import RetryInvoker, exponential
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.grid.http_grid import HttpGrid
from hepafed.common.errors import EnrolmentError, RunError, UnreachableError
from hepafed.common.files import write_whole
from hepafed.common.processes import free_port, stop_process, tied_environment
from hepafed.common.retry import next_wait

BUNDLE = """[project]
name = "hepafed"
version = "{version}"
license = "Apache-2.0"

[tool.flwr.app]
publisher = "hepafed"
fab-include = ["pyproject.toml"]

[tool.flwr.app.components]
serverapp = "hepafed.server.coordinator.conductor:app"
clientapp = "hepafed.client.worker.app:app"

[tool.flwr.app.config]
hepafed-run = ""
"""

LOST = -1
"""In place of a Flower run's number: some attempt may have been lost on its way to us."""
IDLE_SECONDS = (0.1, 1.0)
"""Shortest and longest wait between two looks for a run."""

PATIENCE_SECONDS = 60.0
"""How long a call is tried again while the SuperLink lives but does not answer."""

log = logging.getLogger("hepafed.server")


def bundle() -> bytes:
    """Build the Flower bundle of a run: one pyproject.toml and Flower's own manifest."""
    text = BUNDLE.format(version=metadata.version("hepafed"))
    return build_fab_from_files({"pyproject.toml": text.encode()})[0]


@dataclass(frozen=True)
class _Link:
    """How to reach the SuperLink."""

    address: str
    ca: bytes
    secret: bytes


@contextlib.contextmanager
def _reached() -> Iterator[None]:
    """Turn whatever Flower's HTTP clients raise into UnreachableError."""
    try:
        yield
    except httpx.HTTPError as e:
        raise UnreachableError(
            "Flower's SuperLink does not answer",
            "it is started again by itself: try in a moment; flower/superlink.log says more",
        ) from e


class SuperLink:
    """The stock SuperLink as a child process on loopback, and clients of its APIs."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "flower"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._link: _Link | None = None

    def start(self) -> None:
        """Start the process and wait until it answers; RunError when it does not."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = self._folder / "executor.secret"
        if not secret.exists():
            write_whole(secret, secrets.token_bytes(32), private=True)
        self.port = free_port()
        keys = self._home / "keys"
        command = [
            sys.executable,
            "-m",
            "hepafed.common.processes",
            "flwr.superlink.cli",
            "flower_superlink",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--isolation",
            "process",
            "--database",
            str(self._folder / "state.db"),
            "--enable-supernode-auth",
            "--ssl-certfile",
            str(keys / "server.pem"),
            "--ssl-keyfile",
            str(keys / "server.key"),
            "--ssl-ca-certfile",
            str(keys / "ca.pem"),
            "--superexec-auth-secret-file",
            str(secret),
            "--disable-runtime-dependency-installation",
        ]
        with (self._folder / "superlink.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=tied_environment(self._folder)
            )
        self._link = _Link(
            f"127.0.0.1:{self.port}", (keys / "ca.pem").read_bytes(), secret.read_bytes()
        )
        limit = time.monotonic() + 90
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if not self.alive or time.monotonic() > limit:
                    self.stop()
                    raise RunError(
                        "Flower's SuperLink did not start", f"see {self._folder}/superlink.log"
                    ) from None
                time.sleep(0.1)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the process, by force after ten seconds."""
        if self._process is not None:
            stop_process(self._process)

    @property
    def link(self) -> _Link:
        """How to reach it, another one after each start; UnreachableError before."""
        if self._link is None:
            raise UnreachableError("Flower's SuperLink is not running", "run server start")
        return self._link

    @contextlib.contextmanager
    def _control(self) -> Iterator[ControlHttpClient]:
        """Open the Control API; UnreachableError without an answer, RunError for a refusal."""
        client = ControlHttpClient.from_server_address(
            self.link.address,
            insecure=False,
            root_certificates=self.link.ca,
            interceptors=[RuntimeVersionHttpInterceptor(component_name="flwr CLI")],
        )
        with _reached(), contextlib.closing(client):
            try:
                yield client
            except httpx.HTTPStatusError as e:
                if e.response.is_server_error:
                    raise
                raise RunError(
                    f"Flower's SuperLink refuses ({e.response.status_code})",
                    "flower/superlink.log says why",
                ) from e

    def register(self, public_key: str, site: str) -> str:
        """Let a node's key speak to Fleet; returns Flower's node id in decimal.

        Raises
        ------
        EnrolmentError
            Flower refuses the key (not a NIST curve, or known already).
        """
        unfit = ("the node's key is not acceptable", "join with a new key")
        try:
            key = public_key_to_bytes(load_ssh_public_key(public_key.encode()))  # type: ignore[arg-type]
        except ValueError as e:
            raise EnrolmentError(*unfit) from e
        try:
            with self._control() as control:
                answer = control.RegisterNode(RegisterNodeRequest(public_key=key, name=site))
        except RunError as e:
            raise EnrolmentError(*unfit) from e
        return str(answer.node_id)

    def unregister(self, node: str) -> None:
        """Shut a node out of Fleet; one that is out already stays so."""
        with contextlib.suppress(RunError), self._control() as control:
            control.UnregisterNode(UnregisterNodeRequest(node_id=int(node)))

    def online_nodes(self) -> set[str]:
        """Flower ids, in decimal, of the nodes whose heartbeat is fresh."""
        with self._control() as control:
            nodes = control.ListNodes(ListNodesRequest()).nodes_info
        return {str(n.node_id) for n in nodes if n.status == "online"}

    def start_run(self, run: str) -> int:
        """Submit a Flower run that carries the id of ours; returns Flower's."""
        content = bundle()
        fab = Fab(hashlib.sha256(content).hexdigest(), content, {})
        request = StartRunRequest(
            fab=fab_to_proto(fab), override_config=user_config_to_proto({"hepafed-run": run})
        )
        with self._control() as control:
            return int(control.StartRun(request).run_id)

    def stop_run(self, flower_run: int) -> None:
        """End a Flower run; one that has ended already is left as it is."""
        with contextlib.suppress(RunError), self._control() as control:
            control.StopRun(StopRunRequest(run_id=flower_run))


class Conversation:
    """Flower's grid during one attempt at a run; UnreachableError when the attempt is lost."""

    def __init__(self, grid: HttpGrid) -> None:
        self._grid = grid

    def get_node_ids(self) -> list[int]:
        """List the nodes that are connected."""
        with _reached():
            return list(self._grid.get_node_ids())

    def push_messages(self, messages: list[Message]) -> list[str]:
        """Send; returns the messages' ids, in order."""
        with _reached():
            return list(self._grid.push_messages(messages))

    def pull_messages(self, message_ids: list[str]) -> list[Message]:
        """Fetch the answers that are there."""
        with _reached():
            return list(self._grid.pull_messages(message_ids))


ServerApp = Callable[[Conversation, Context], None]


class Executor:
    """Takes ServerApp tasks from the SuperLink and calls ours, in this process."""

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
        """Is told of each Flower run that it was conducted, however that went."""

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

    def _take_tasks(self, link: _Link) -> None:
        client = RuntimeHttpClient.from_server_address(
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
        acquire = AcquireTaskRequest(supported_task_types=[TaskType.SERVER_APP])
        idle = time.monotonic()
        with contextlib.closing(client):
            while not self._stopping.is_set():
                answer = client.AcquireTask(acquire)
                if answer.HasField("task") and answer.token:
                    try:
                        self._call(answer.token, link)
                    finally:
                        self._over(answer.task.run_id)
                    idle = time.monotonic()
                else:
                    self._stopping.wait(next_wait(time.monotonic() - idle, *IDLE_SECONDS))

    def _patient(self, link: _Link) -> RetryInvoker:
        """Try calls again as Flower's own invoker does, but not for ever.

        A SuperLink that died, or refuses, took the attempt along. (Flower's invoker would go on
        without end, and on a refusal interrupt this whole process.)
        """

        def lost(error: Exception) -> bool:
            if isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 502:
                return True
            superlink = self._superlink
            return self._stopping.is_set() or not superlink.alive or superlink.link is not link

        return RetryInvoker(
            lambda: exponential(max_delay=5),
            (httpx.TransportError, httpx.HTTPStatusError),
            max_tries=None,
            max_time=PATIENCE_SECONDS,
            should_giveup=lost,
            wait_function=self._stopping.wait,  # type: ignore[arg-type]
        )

    def _call(self, token: str, link: _Link) -> None:
        grid = HttpGrid(link.address, insecure=False, root_certificates=link.ca, token=token)
        grid._retry_invoker = self._patient(link)
        client = grid._runtime_client
        heartbeat = HeartbeatSender(lambda: _beat(client))
        heartbeat.start()
        context: Context | None = None
        status, details = SubStatus.FAILED, "the run did not finish"
        try:
            task = client.PullTaskInput(PullTaskInputRequest())
            TaskIdentity.task_id = task.task_id
            TaskIdentity.run_id = task.run.run_id
            TaskIdentity.node_id = task.context.node_id
            context = context_from_proto(task.context)
            run = run_from_proto(task.run)
            context.run_config = dict(run.override_config)
            grid.set_run(run)
            self._app(Conversation(grid), context)
            status, details = SubStatus.COMPLETED, ""
            context.state = RecordDict()
        finally:
            with contextlib.suppress(httpx.HTTPError):  # then the next attempt ends this one
                client.PushTaskOutput(
                    PushTaskOutputRequest(
                        context=context_to_proto(context) if context else None,
                        sub_status=status,
                        details=details,
                    )
                )
            if heartbeat.is_running:
                heartbeat.stop()
            grid.close()


def _beat(client: RuntimeHttpClient) -> bool:
    """Tell the SuperLink that the attempt lives; what it answers, the next call learns too."""
    try:
        client.SendTaskHeartbeat(SendTaskHeartbeatRequest())
    except httpx.HTTPError:
        return False
    return True
