"""What a site's channel says and takes, against a small HTTPS server on loopback."""

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.release.transfer import Transfer
from hepafed.common.certificates import make_authority, make_server_certificate
from hepafed.common.contract.config import SiteConfig
from hepafed.common.errors import PayloadError, RefusedError, UnreachableError
from hepafed.common.network import Layout, to_bf16

LAYOUT = Layout(("b", "a"), ((3, 100_001), (7,)))
NUMBERS = (np.arange(LAYOUT.size) % 251 - 125).astype(np.float32)
"""Each of them is a bf16 number; as bytes they are several of the network's pieces."""
WIRE = bytes(to_bf16(NUMBERS))
DIGEST = hashlib.sha256(WIRE).hexdigest()


class Server(ThreadingHTTPServer):
    """Keeps what was asked; answers with `codes` in turn, then with 200 and `content`."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.codes: list[int] = []
        self.content = WIRE
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, body))
        code = self.server.codes.pop(0) if self.server.codes else 200
        self.send_response(code)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    do_GET = do_PUT = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    now = datetime.now(UTC)
    make_authority(tmp_path / "keys", now)
    make_server_certificate(tmp_path / "keys", ["127.0.0.1"], now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "keys" / "server.pem", tmp_path / "keys" / "server.key")
    made = Server()
    made.socket = context.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join(10)
    made.server_close()


@pytest.fixture
def channel(tmp_path: Path, server: Server) -> Iterator[Transfer]:
    """A channel that waits for nothing between its tries."""
    (tmp_path / "keys" / "token").write_text("the site's own\n")
    address = f"127.0.0.1:{server.server_address[1]}"
    config = SiteConfig(site="a", role="train", address=address)
    made = Transfer(tmp_path, config, 0.0, 0.0)
    with closing(made):
        yield made


def test_weights_are_fetched_by_their_digest_with_the_site_s_token(
    server: Server, channel: Transfer
) -> None:
    found = channel.fetch(DIGEST, LAYOUT)
    assert (found.dtype, found.tobytes()) == (np.float32, NUMBERS.tobytes())
    ((verb, path, headers, body),) = server.asked
    assert (verb, path, body) == ("GET", f"/weights/{DIGEST}", b"")
    assert headers["authorization"] == "Bearer the site's own"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (WIRE + b"\0", "longer than the plan's model"),
        (WIRE + b"\0\0" * 100_000, "longer than the plan's model"),
        (WIRE[:-2], "not those of the request's digest"),
        (WIRE[:-1] + b"\1", "not those of the request's digest"),
        (b"\1" + WIRE[1:], "not those of the request's digest"),
        (b"", "not those of the request's digest"),
    ],
    ids=["a byte more", "pieces more", "a number less", "last byte", "first byte", "nothing"],
)
def test_other_bytes_than_those_of_the_digest_are_refused_at_once(
    server: Server, channel: Transfer, content: bytes, why: str
) -> None:
    server.content = content
    with pytest.raises(PayloadError, match=why):
        channel.fetch(DIGEST, LAYOUT)
    assert len(server.asked) == 1


def test_bytes_of_their_digest_but_of_another_model_are_refused(
    server: Server, channel: Transfer
) -> None:
    server.content = WIRE[:-2]
    with pytest.raises(PayloadError, match="not those of the request's digest"):
        channel.fetch(hashlib.sha256(WIRE[:-2]).hexdigest(), LAYOUT)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_003])
@pytest.mark.parametrize("kind", [bytes, memoryview])
def test_an_update_arrives_whole_at_its_run_and_round(
    server: Server, channel: Transfer, size: int, kind: Callable[[bytes], bytes | memoryview]
) -> None:
    content = np.random.default_rng(size).bytes(size)
    channel.send("t2-1a2b3c", 17, kind(content))
    ((verb, path, headers, body),) = server.asked
    assert (verb, path, headers["content-length"]) == ("PUT", "/updates/t2-1a2b3c/17", str(size))
    assert "transfer-encoding" not in headers
    assert headers["authorization"] == "Bearer the site's own"
    assert body == content


def moved(channel: Transfer, what: str) -> None:
    if what == "fetch":
        channel.fetch(DIGEST, LAYOUT)
    else:
        channel.send("r", 1, WIRE)


@pytest.mark.parametrize("what", ["fetch", "send"])
@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_server_that_does_not_want_it_is_not_asked_again(
    server: Server, channel: Transfer, what: str, code: int
) -> None:
    server.codes = [code]
    with pytest.raises(RefusedError, match=rf"refused a transfer \({code}\)"):
        moved(channel, what)
    assert len(server.asked) == 1


@pytest.mark.parametrize("what", ["fetch", "send"])
@pytest.mark.parametrize("code", [401, 402, 405, 500, 502, 503])
def test_a_transfer_that_failed_is_made_again_from_its_start(
    server: Server, channel: Transfer, what: str, code: int
) -> None:
    server.codes = [code, code]
    moved(channel, what)
    assert len(server.asked) == 3
    assert {body for _, _, _, body in server.asked} == {WIRE if what == "send" else b""}


def test_a_server_of_another_authority_is_not_talked_to(server: Server, tmp_path: Path) -> None:
    make_authority(tmp_path / "b" / "keys", datetime.now(UTC))
    (tmp_path / "b" / "keys" / "token").write_text("t")
    address = f"127.0.0.1:{server.server_address[1]}"
    config = SiteConfig(site="a", role="train", address=address)
    with (
        closing(Transfer(tmp_path / "b", config, 0.0, 0.0)) as other,
        pytest.raises(UnreachableError, match="does not answer") as caught,
    ):
        other.send("r", 1, b"secret")
    assert caught.value.hint == "client check says why"
    assert server.asked == []


@pytest.mark.parametrize("what", ["fetch", "send"])
def test_a_coordinator_whose_disk_is_full_is_asked_until_it_has_room(
    server: Server, channel: Transfer, what: str
) -> None:
    server.codes = [507] * 30
    moved(channel, what)
    assert len(server.asked) == 31


def test_a_full_disk_takes_no_patience_from_an_outage_after_it(
    server: Server, channel: Transfer
) -> None:
    server.codes = [*[507] * 5, *[503] * 20]
    with pytest.raises(UnreachableError):
        moved(channel, "send")
    assert len(server.asked) == 6
    server.asked.clear()
    server.codes = [*[507] * 5, 403]
    with pytest.raises(RefusedError):
        moved(channel, "send")
    assert len(server.asked) == 6
