"""A site's calls of Flower's Fleet are passed on as they are; no other call and nobody else's."""

import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from hepafed.common.certificates import make_server_certificate

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


def sent_key(line: str) -> str:
    """Return a node's key as its SuperNode sends it."""
    return b64encode(public_key_to_bytes(load_ssh_public_key(line.encode()))).decode()  # type: ignore[arg-type]


def test_a_call_goes_to_the_superlink_with_its_own_and_flower_s_headers(
    fleet: Gate, superlink: SuperLink
) -> None:
    headers = {
        "flwr-public-key": sent_key(fleet.site("a")),
        "flwr-signature": "signed",
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
    for name in list(headers)[:5]:
        assert passed[name] == headers[name]
    assert not {"cookie", "authorization", "x-forwarded-for"} & set(passed)
    assert (answer.status_code, answer.content) == (200, b"\0told")
    assert answer.headers["content-type"] == "application/protobuf"
    assert answer.headers["x-flwr-version"] == "1.9"
    assert "set-cookie" not in answer.headers


def test_what_the_superlink_refuses_is_refused(fleet: Gate, superlink: SuperLink) -> None:
    headers = {"flwr-public-key": sent_key(fleet.site("a"))}
    for code in (400, 412, 500):
        superlink.code = code
        answer = fleet("POST", "/v1/fleet/activate-node", headers=headers)
        assert (answer.status_code, answer.content) == (code, b"\0told")


CALLS = (
    "activate-node", "deactivate-node", "send-node-heartbeat", "pull-messages", "get-run",
    "get-fab", "pull-object", "confirm-message-received", "push-messages", "push-object",
)  # fmt: skip


def test_every_call_of_a_supernode_is_passed_on(fleet: Gate, superlink: SuperLink) -> None:
    headers = {"flwr-public-key": sent_key(fleet.site("a"))}
    for name in CALLS:
        assert fleet("POST", f"/v1/fleet/{name}", headers=headers).status_code == 200
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
    headers = {"flwr-public-key": sent_key(fleet.site("a"))}
    assert said(fleet(verb, path, "ann", headers=headers)) == (404, "not found")
    assert superlink.asked == []


@pytest.mark.parametrize(("name", "code"), [("activate-node", 412), ("pull-messages", 401)])
def test_a_stranger_s_call_reaches_no_superlink(
    fleet: Gate, superlink: SuperLink, tmp_path: Path, name: str, code: int
) -> None:
    fleet.site("a")
    stranger = Gate(tmp_path / "other")
    headers = {"flwr-public-key": sent_key(stranger.site("a"))}
    stranger.close()
    answer = fleet("POST", f"/v1/fleet/{name}", headers=headers)
    assert said(answer) == (code, "not an enrolled site")
    assert superlink.asked == []


def test_a_superlink_that_is_away_is_said_so_that_a_supernode_tries_again(gate: Gate) -> None:
    headers = {"flwr-public-key": sent_key(gate.site("a"))}
    answer = gate("POST", "/v1/fleet/pull-messages", headers=headers)
    assert said(answer) == (503, "the SuperLink does not answer")


def test_a_superlink_of_another_authority_is_not_talked_to(
    fleet: Gate, superlink: SuperLink, tmp_path: Path
) -> None:
    other = Gate(tmp_path / "other", superlink.server_address[1])
    headers = {"flwr-public-key": sent_key(other.site("a"))}
    answer = other("POST", "/v1/fleet/pull-messages", content=b"secret", headers=headers)
    other.close()
    assert answer.status_code == 503
    assert superlink.asked == []
