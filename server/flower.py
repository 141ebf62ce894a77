"""Flower on the coordinator: its SuperLink behind us, and our executor in place of its own.

Everything that reaches below Flower's public API on the server's side is in this file
(tests/contracts holds each name to the pinned release). The SuperLink listens on loopback; the
installed ServerApp is called in this process, and the bundle that a Flower run must carry is
one pyproject.toml that nobody ever unpacks.
"""

import hashlib
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from flwr.app import Context, RecordDict
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
)
from flwr.supercore.constant import TaskType
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.fab import Fab
from flwr.supercore.heartbeat import HeartbeatSender, make_task_heartbeat_fn_http
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor, SuperExecAuthHttpInterceptor
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.grid.http_grid import HttpGrid
from hepafed.common.errors import EnrolmentError, RunError
from hepafed.common.files import write_whole
from hepafed.common.processes import free_port, stop_process, tied_environment
from hepafed.common.waiting import next_wait

BUNDLE = """[project]
name = "hepafed"
version = "{version}"
license = "Apache-2.0"

[tool.flwr.app]
publisher = "hepafed"
fab-include = ["pyproject.toml"]

[tool.flwr.app.components]
serverapp = "hepafed.server.app:app"
clientapp = "hepafed.client.app:app"

[tool.flwr.app.config]
hepafed-run = ""
"""

IDLE_SECONDS = (0.1, 1.0)
"""Shortest and longest wait between two looks for a run."""

ServerApp = Callable[[HttpGrid, Context], None]


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
            sys.executable, "-m", "hepafed.common.processes", "flwr.superlink.cli",
            "flower_superlink",
            "--host", "127.0.0.1", "--port", str(self.port), "--isolation", "process",
            "--database", str(self._folder / "state.db"), "--enable-supernode-auth",
            "--ssl-certfile", str(keys / "server.pem"), "--ssl-keyfile", str(keys / "server.key"),
            "--ssl-ca-certfile", str(keys / "ca.pem"),
            "--superexec-auth-secret-file", str(secret),
            "--disable-runtime-dependency-installation",
        ]  # fmt: skip
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
                if self._process.poll() is not None or time.monotonic() > limit:
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
        """How to reach it; RunError before `start`."""
        if self._link is None:
            raise RunError("the SuperLink is not running", "run server start")
        return self._link

    def _control(self) -> ControlHttpClient:
        return ControlHttpClient.from_server_address(
            self.link.address,
            insecure=False,
            root_certificates=self.link.ca,
            interceptors=[RuntimeVersionHttpInterceptor(component_name="flwr CLI")],
        )

    def register(self, public_key: str, site: str) -> str:
        """Let a node's key speak to Fleet; returns Flower's node id in decimal.

        Raises
        ------
        EnrolmentError
            Flower refuses the key (not a NIST curve, or known already).
        """
        try:
            key = public_key_to_bytes(load_ssh_public_key(public_key.encode()))  # type: ignore[arg-type]
            with self._control_open() as control:
                answer = control.RegisterNode(RegisterNodeRequest(public_key=key, name=site))
        except (ValueError, httpx.HTTPError) as e:
            raise EnrolmentError("the node's key is not acceptable", "join with a new key") from e
        return str(answer.node_id)

    def unregister(self, node: str) -> None:
        """Shut a node out of Fleet."""
        with self._control_open() as control:
            control.UnregisterNode(UnregisterNodeRequest(node_id=int(node)))

    def online_nodes(self) -> set[str]:
        """Flower ids, in decimal, of the nodes whose heartbeat is fresh."""
        with self._control_open() as control:
            nodes = control.ListNodes(ListNodesRequest()).nodes_info
        return {str(n.node_id) for n in nodes if n.status == "online"}

    def start_run(self, run: str) -> int:
        """Submit a Flower run that carries the id of ours; returns Flower's."""
        content = bundle()
        fab = Fab(hashlib.sha256(content).hexdigest(), content, {})
        request = StartRunRequest(
            fab=fab_to_proto(fab), override_config=user_config_to_proto({"hepafed-run": run})
        )
        with self._control_open() as control:
            return int(control.StartRun(request).run_id)

    def stop_run(self, flower_run: int) -> None:
        """End a Flower run; one that has ended already is left as it is."""
        try:
            with self._control_open() as control:
                control.StopRun(StopRunRequest(run_id=flower_run))
        except httpx.HTTPError:
            return

    def _control_open(self) -> "_Closing":
        return _Closing(self._control())


class _Closing:
    def __init__(self, control: ControlHttpClient) -> None:
        self._control = control

    def __enter__(self) -> ControlHttpClient:
        return self._control

    def __exit__(self, *_: object) -> None:
        self._control.close()


class Executor:
    """Takes ServerApp tasks from the SuperLink and calls ours, in this process."""

    def __init__(self, link: _Link, app: ServerApp, stopping: threading.Event) -> None:
        self._link = link
        self._app = app
        self._stopping = stopping

    def serve(self) -> None:
        """Take tasks one after the other until told to stop."""
        client = RuntimeHttpClient.from_server_address(
            self._link.address,
            insecure=False,
            root_certificates=self._link.ca,
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="SuperExec"),
                SuperExecAuthHttpInterceptor(
                    master_secret=self._link.secret,
                    protected_methods={"/flwr.proto.Runtime/AcquireTask"},
                ),
            ],
        )
        idle = time.monotonic()
        while not self._stopping.is_set():
            try:
                answer = client.AcquireTask(
                    AcquireTaskRequest(supported_task_types=[TaskType.SERVER_APP])
                )
            except httpx.HTTPError:
                self._stopping.wait(1.0)
                continue
            if answer.HasField("task") and answer.token:
                self._call(answer.token)
                idle = time.monotonic()
            else:
                self._stopping.wait(next_wait(time.monotonic() - idle, *IDLE_SECONDS))
        client.close()

    def _call(self, token: str) -> None:
        grid = HttpGrid(
            self._link.address, insecure=False, root_certificates=self._link.ca, token=token
        )
        client = grid._runtime_client
        heartbeat = HeartbeatSender(make_task_heartbeat_fn_http(client))
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
            self._app(grid, context)
            status, details = SubStatus.COMPLETED, ""
            context.state = RecordDict()
        finally:
            try:
                client.PushTaskOutput(
                    PushTaskOutputRequest(
                        context=context_to_proto(context) if context else None,
                        sub_status=status,
                        details=details,
                    )
                )
            except httpx.HTTPError:
                details = "the SuperLink went away"
            if heartbeat.is_running:
                heartbeat.stop()
            grid.close()
