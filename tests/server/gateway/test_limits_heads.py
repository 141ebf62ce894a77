"""Uvicorn with our limits: how large a head may be, and when an idle connection is closed."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from hepafed.server.gateway.limits import LARGEST_HEAD, Impatient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

CLOSED = b""


class Quick(Impatient):
    head_seconds = 0.4


async def _answer(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())}.")


@pytest.fixture
def protocol() -> type[Impatient]:
    return Impatient


@pytest.fixture
def port(protocol: type[Impatient]) -> Iterator[int]:
    app = Starlette(routes=[Route("/", _answer, methods=["GET", "POST"])])
    config = uvicorn.Config(app, http=protocol, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield int(listening.getsockname()[1])
    server.should_exit = True
    thread.join(10)
    listening.close()


def told(peer: socket.socket, data: bytes) -> bytes:
    """Send bytes; return the answer up to its last sign, or nothing when cut off."""
    peer.settimeout(20)
    heard = b""
    try:
        peer.sendall(data)
        while not heard.endswith(b"."):
            part = peer.recv(1000)
            if not part:
                return CLOSED
            heard += part
    except ConnectionError:
        return CLOSED
    return heard


def unended(size: int) -> bytes:
    """Return a head of so many bytes whose end is missing."""
    start = b"GET / HTTP/1.1\r\nhost: x\r\nx-long: "
    return start + b"a" * (size - len(start))


@pytest.mark.parametrize(("size", "answered"), [(LARGEST_HEAD, True), (LARGEST_HEAD + 1, False)])
def test_a_head_may_have_sixty_four_kilobytes(port: int, size: int, answered: bool) -> None:
    assert size // 1024 == 64
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(unended(size))
        time.sleep(0.3)
        heard = told(peer, b"\r\n\r\n")
    assert (heard.endswith(b"0."), heard == CLOSED) == (answered, not answered)


def test_each_request_of_a_connection_has_its_own_head(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as peer:
        for _ in range(3):
            peer.sendall(unended(40_000))
            time.sleep(0.1)
            assert told(peer, b"\r\n\r\n").endswith(b"0.")
            head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n"
            assert told(peer, head + b"b" * 300_000).endswith(b"300000.")


def test_a_long_head_after_a_body_is_cut_off(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as peer:
        head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n"
        assert told(peer, head + b"abc").endswith(b"3.")
        peer.sendall(unended(40_000))
        time.sleep(0.1)
        assert told(peer, b"a" * 40_000) == CLOSED


@pytest.mark.parametrize("name", ["Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING"])
def test_a_body_in_chunks_is_cut_off_however_it_is_written(port: int, name: str) -> None:
    head = f"POST / HTTP/1.1\r\nhost: x\r\n{name}: chunked\r\n\r\n0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as peer:
        assert told(peer, head.encode()) == CLOSED


@pytest.mark.parametrize("protocol", [Quick])
def test_a_connection_that_asks_nothing_more_is_closed(port: int) -> None:
    """Uvicorn's own patience after an answer is five seconds."""
    with socket.create_connection(("127.0.0.1", port)) as peer:
        assert told(peer, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").endswith(b"0.")
        peer.settimeout(4)
        with contextlib.suppress(ConnectionError):
            assert peer.recv(100) == CLOSED


@pytest.mark.parametrize("protocol", [Quick])
def test_a_connection_that_goes_on_asking_stays_open(port: int) -> None:
    peer = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(12):
        peer.request("GET", "/")
        assert peer.getresponse().read() == b"0."
        assert peer.sock is not None
        time.sleep(0.1)
    peer.close()
