"""Flower's Control API: nodes are registered and unregistered, runs started and stopped."""

import contextlib
import hashlib
from collections.abc import Iterator

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import (
    ListNodesRequest,
    RegisterNodeRequest,
    StartRunRequest,
    StopRunRequest,
    UnregisterNodeRequest,
)
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.fab import Fab
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supercore.protobuf.client import ProtobufCall, ProtobufRequestContext
from hepafed.common.errors import EnrolmentError, RunError
from hepafed.server.flower.bundle import bundle
from hepafed.server.flower.guard import HEADER
from hepafed.server.flower.superlink import SuperLink, reaching


class _SecretHeader:
    """Shows the secret of the Control API with each call."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret.hex()

    def intercept(self, context: ProtobufRequestContext, call_next: ProtobufCall) -> httpx.Response:
        context.request.headers[HEADER] = self._secret
        return call_next(context)


class Control:
    """The Control API of a SuperLink.

    Every call raises UnreachableError when the SuperLink does not answer.
    """

    def __init__(self, superlink: SuperLink) -> None:
        self._superlink = superlink

    @contextlib.contextmanager
    def _open(self) -> Iterator[ControlHttpClient]:
        """Open a client; RunError when the SuperLink refuses a call."""
        link = self._superlink.link
        client = ControlHttpClient.from_server_address(
            link.address,
            insecure=False,
            root_certificates=link.ca,
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="flwr CLI"),
                _SecretHeader(link.control),
            ],
        )
        with reaching(), contextlib.closing(client):
            try:
                yield client
            except httpx.HTTPStatusError as e:
                if e.response.is_server_error:
                    raise
                raise RunError(
                    f"Flower's SuperLink refuses ({e.response.status_code})",
                    "the reason is in flower/superlink.log",
                ) from e

    def register(self, public_key: str, site: str) -> str:
        """Let a node's key (an OpenSSH line) speak to Fleet; return Flower's node id in decimal.

        Raises
        ------
        EnrolmentError
            Flower refuses the key: it is not of a NIST curve, or is known already.
        """
        unfit = ("the node's key is not acceptable", "join with a new key")
        try:
            key = public_key_to_bytes(load_ssh_public_key(public_key.encode()))  # type: ignore[arg-type]
        except (ValueError, UnsupportedAlgorithm) as e:
            raise EnrolmentError(*unfit) from e
        try:
            with self._open() as control:
                answer = control.RegisterNode(RegisterNodeRequest(public_key=key, name=site))
        except RunError as e:
            raise EnrolmentError(*unfit) from e
        return str(answer.node_id)

    def unregister(self, node: str) -> None:
        """Shut a node out of Fleet; one that is out already stays so."""
        with contextlib.suppress(RunError), self._open() as control:
            control.UnregisterNode(UnregisterNodeRequest(node_id=int(node)))

    def online_nodes(self) -> set[str]:
        """Return the ids, in decimal, of the nodes whose heartbeat is fresh."""
        return {node for node, status in self._nodes().items() if status == "online"}

    def registered_nodes(self) -> set[str]:
        """Return the ids, in decimal, of the nodes that may connect."""
        return {node for node, status in self._nodes().items() if status != "unregistered"}

    def _nodes(self) -> dict[str, str]:
        with self._open() as control:
            nodes = control.ListNodes(ListNodesRequest()).nodes_info
        return {str(n.node_id): n.status for n in nodes}

    def start_run(self, run: str) -> int:
        """Submit a Flower run that carries the id of our run; return Flower's id."""
        content = bundle()
        fab = Fab(hashlib.sha256(content).hexdigest(), content, {})
        request = StartRunRequest(
            fab=fab_to_proto(fab), override_config=user_config_to_proto({"hepafed-run": run})
        )
        with self._open() as control:
            return int(control.StartRun(request).run_id)

    def stop_run(self, flower_run: int) -> None:
        """End a Flower run; one that has ended already is left as it is."""
        with contextlib.suppress(RunError), self._open() as control:
            control.StopRun(StopRunRequest(run_id=flower_run))
