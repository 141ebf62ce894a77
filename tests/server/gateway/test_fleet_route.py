"""A site's calls of Flower's Fleet are passed on as they are; no other call and nobody else's."""

import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from flwr.proto.fleet_pb2 import PushMessagesRequest
from flwr.proto.message_pb2 import Message, Metadata
from flwr.proto.node_pb2 import Node
from hepafed.common.certificates import make_server_certificate
from hepafed.common.releases import RELEASE

from .gates import Gate, said


class SuperLink(ThreadingHTTPServer):
    """In place of Flower's: keeps what was asked and gives one answer."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.code = 200


class Handler(BaseHTTPRequestHandler):
    server: SuperLink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.server.asked.append((self.path, headers, body))
        self.send_response(self.server.code)
        for name, value in (
            ("Content-Type", "application/protobuf"),
            ("X-Flwr-Version", "1.9"),
            ("Set-Cookie", "a=b"),
            ("Content-Length", "5"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"\0told")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def superlink() -> Iterator[SuperLink]:
    made = SuperLink()
    yield made
    made.server_close()


@pytest.fixture
def fleet(tmp_path: Path, superlink: SuperLink) -> Iterator[Gate]:
    """The gateway before that SuperLink."""
    made = Gate(tmp_path, superlink.server_address[1])
    make_server_certificate(tmp_path / "keys", ["127.0.0.1"], datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "keys" / "server.pem", tmp_path / "keys" / "server.key")
    superlink.socket = context.wrap_socket(superlink.socket, server_side=True)
    thread = threading.Thread(target=superlink.serve_forever, args=(0.02,))
    thread.start()
    yield made
    superlink.shutdown()
    thread.join(10)
    made.close()


def pushed(node: int, *senders: int) -> bytes:
    """Return a body of `push-messages` of a node, with messages in the names of others."""
    messages = [Message(metadata=Metadata(src_node_id=sender)) for sender in senders]
    made = PushMessagesRequest(node=Node(node_id=node), messages_list=messages)
    return bytes(made.SerializeToString())


def test_a_call_goes_to_the_superlink_with_its_own_and_flower_s_headers(
    fleet: Gate, superlink: SuperLink
) -> None:
    headers = {
        **fleet.signed("a"),
        "x-flwr-component": "supernode",
        "content-type": "application/protobuf",
        "accept": "application/protobuf",
        "cookie": "a=b",
        "authorization": "Bearer secret",
        "x-forwarded-for": "10.0.0.1",
    }
    body = bytes(range(256)) * 9000
    answer = fleet("POST", "/v1/fleet/push-object", content=body, headers=headers)
    ((path, passed, arrived),) = superlink.asked
    assert (path, arrived) == ("/v1/fleet/push-object", body)
    assert passed["content-length"] == str(len(body))
    assert "transfer-encoding" not in passed
    for name in list(headers)[:6]:
        assert passed[name] == headers[name]
    assert not {"cookie", "authorization", "x-forwarded-for"} & set(passed)
    assert (answer.status_code, answer.content) == (200, b"\0told")
    assert answer.headers["content-type"] == "application/protobuf"
    assert answer.headers["x-flwr-version"] == "1.9"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("stated", ["", "99.0"])
@pytest.mark.parametrize(("name", "code"), [("activate-node", 412), ("pull-messages", 401)])
def test_a_site_of_another_release_does_not_come_online_until_it_states_ours(
    fleet: Gate, superlink: SuperLink, stated: str, name: str, code: int
) -> None:
    headers = fleet.signed("a")
    fleet.members.stated("a", stated)
    answer = fleet("POST", f"/v1/fleet/{name}", content=b"x", headers=headers)
    assert said(answer) == (code, f"the site needs release {RELEASE} of HepaFed")
    assert superlink.asked == []
    fleet.members.stated("a", RELEASE)
    answer = fleet("POST", f"/v1/fleet/{name}", content=b"x", headers=headers)
    assert answer.status_code == 200


def test_what_the_superlink_refuses_is_refused(fleet: Gate, superlink: SuperLink) -> None:
    headers = fleet.signed("a")
    for code in (400, 412, 500):
        superlink.code = code
        answer = fleet("POST", "/v1/fleet/activate-node", headers=headers)
        assert (answer.status_code, answer.content) == (code, b"\0told")


CALLS = (
    "activate-node", "deactivate-node", "send-node-heartbeat", "pull-messages", "get-run",
    "get-fab", "pull-object", "confirm-message-received", "push-messages", "push-object",
)  # fmt: skip


def test_every_call_of_a_supernode_is_passed_on(fleet: Gate, superlink: SuperLink) -> None:
    headers = fleet.signed("a")
    for name in CALLS:
        node = fleet.node("a")
        content = pushed(node, node) if name == "push-messages" else b""
        answer = fleet("POST", f"/v1/fleet/{name}", headers=headers, content=content)
        assert answer.status_code == 200
    assert [path for path, _, _ in superlink.asked] == [f"/v1/fleet/{n}" for n in CALLS]


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/v1/fleet/register-node"),
        ("POST", "/v1/fleet/unregister-node"),
        ("POST", "/v1/fleet/"),
        ("POST", "/v1/fleet/pull-messages/x"),
        ("POST", "/v1/control/start-run"),
        ("GET", "/v1/fleet/pull-messages"),
        ("GET", "/"),
        ("POST", "/flwr.proto.Control/StartRun"),
        ("PUT", "/anything/at/all"),
        ("DELETE", "/anything"),
        ("PATCH", "/anything"),
    ],
)
def test_other_paths_do_not_exist(fleet: Gate, superlink: SuperLink, verb: str, path: str) -> None:
    headers = fleet.signed("a")
    assert said(fleet(verb, path, "ann", headers=headers)) == (404, "not found")
    assert superlink.asked == []


@pytest.mark.parametrize(("name", "code"), [("activate-node", 412), ("pull-messages", 401)])
def test_a_stranger_s_call_reaches_no_superlink(
    fleet: Gate, superlink: SuperLink, tmp_path: Path, name: str, code: int
) -> None:
    fleet.site("a")
    stranger = Gate(tmp_path / "other")
    headers = stranger.signed("a")
    stranger.close()
    answer = fleet("POST", f"/v1/fleet/{name}", headers=headers)
    assert said(answer) == (code, "not an enrolled site")
    assert superlink.asked == []


def test_a_superlink_that_is_away_is_said_so_that_a_supernode_tries_again(gate: Gate) -> None:
    headers = gate.signed("a")
    answer = gate("POST", "/v1/fleet/pull-messages", headers=headers)
    assert said(answer) == (503, "the SuperLink does not answer")


def test_a_superlink_of_another_authority_is_not_talked_to(
    fleet: Gate, superlink: SuperLink, tmp_path: Path
) -> None:
    other = Gate(tmp_path / "other", superlink.server_address[1])
    headers = other.signed("a")
    answer = other("POST", "/v1/fleet/pull-messages", content=b"secret", headers=headers)
    other.close()
    assert answer.status_code == 503
    assert superlink.asked == []


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("flwr-signature", ""),
        ("flwr-signature", "c2lnbmVk"),
        ("flwr-signature", "no base64"),
        ("flwr-timestamp", ""),
        ("flwr-timestamp", "yesterday"),
        ("flwr-timestamp", "now"),
    ],
)
def test_a_copied_public_key_opens_nothing(
    fleet: Gate, superlink: SuperLink, header: str, value: str
) -> None:
    """Every site of a masked sum has the others' public keys, and so has one that was revoked."""
    value = datetime.now(UTC).isoformat() if value == "now" else value
    answer = fleet("POST", "/v1/fleet/pull-messages", headers=fleet.signed("a") | {header: value})
    assert said(answer) == (401, "not signed with the site's key, at this time")
    assert superlink.asked == []


def test_a_signature_of_another_site_or_another_time_opens_nothing(
    fleet: Gate, superlink: SuperLink
) -> None:
    copied = fleet.signed("b") | {"flwr-public-key": fleet.signed("a")["flwr-public-key"]}
    now = datetime.now(UTC)
    old, early = (fleet.signed("a", now + timedelta(seconds=s)) for s in (-660, 120))
    for headers in (copied, old, early):
        assert fleet("POST", "/v1/fleet/get-run", headers=headers).status_code == 401
    for seconds in (-500, 30):
        headers = fleet.signed("a", now + timedelta(seconds=seconds))
        assert fleet("POST", "/v1/fleet/get-run", headers=headers).status_code == 200
    assert len(superlink.asked) == 2


def test_not_a_byte_of_a_body_is_read_without_a_signature(fleet: Gate) -> None:
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b"0" * 1_000_000

    headers = fleet.signed("a") | {"flwr-signature": "", "content-length": "100000000"}
    answer = fleet("POST", "/v1/fleet/push-object", headers=headers, content=body())
    assert (answer.status_code, taken) == (401, 0)


def test_a_site_answers_in_its_own_name_only(fleet: Gate, superlink: SuperLink) -> None:
    headers, other = fleet.signed("a"), fleet.signed("b")
    a, b = fleet.node("a"), fleet.node("b")
    for body in (pushed(a, b), pushed(a, a, b), pushed(b, b), pushed(b, a), b"\xff\xff"):
        answer = fleet("POST", "/v1/fleet/push-messages", headers=headers, content=body)
        assert said(answer) == (403, "a site answers in its own name only")
    assert superlink.asked == []
    for name, content in ((headers, pushed(a, a)), (other, pushed(b, b, b))):
        answer = fleet("POST", "/v1/fleet/push-messages", headers=name, content=content)
        assert answer.status_code == 200
