"""Nobody can hold the public port open by saying nothing, too much or slowly.

The server is uvicorn as `server start` runs it, but without TLS and with shorter times.
"""

import asyncio
import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from hepafed.server.gateway.limits import Impatient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

LARGE = 3 << 20


async def _length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _slow(_request: Request) -> Response:
    await asyncio.sleep(1.0)
    return PlainTextResponse("done")


async def _no(_request: Request) -> Response:
    return PlainTextResponse("no", 403)


class Quick(Impatient):
    head_seconds = 0.3


@pytest.fixture
def port() -> Iterator[int]:
    with serving(Quick) as number:
        yield number


@contextlib.contextmanager
def serving(protocol: type[Impatient]) -> Iterator[int]:
    app = Starlette(
        routes=[
            Route("/length", _length, methods=["POST"]),
            Route("/slow", _slow),
            Route("/no", _no, methods=["POST"]),
        ]
    )
    config = uvicorn.Config(app, http=protocol, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def _closed(peer: socket.socket, seconds: float) -> bool:
    peer.settimeout(seconds)
    try:
        return peer.recv(1000) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as peer:
        assert _closed(peer, 5)


def test_a_request_that_never_gets_to_its_end_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"GET /slow HTTP/1.1\r\n")
        limit = time.monotonic() + 5
        while not _closed(peer, 0.1):
            assert time.monotonic() < limit
            try:
                peer.sendall(b"a")
            except ConnectionError:
                break


@pytest.mark.parametrize("part", [b"x" * 1000, b"x: y\r\n" * 200], ids=("one", "many"))
def test_an_endless_head_is_cut_off(part: bytes) -> None:
    with (
        serving(Impatient) as port,
        socket.create_connection(("127.0.0.1", port)) as peer,
    ):
        peer.sendall(b"GET /slow HTTP/1.1\r\nx-long: ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64 << 20:
                peer.sendall(part)
                sent += len(part)
        assert sent < 16 << 20  # what the kernel's buffers took


def test_a_body_in_chunks_is_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        assert _closed(peer, 5)


def test_large_bodies_and_slow_answers_are_let_be(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as peer:
        for size in (0, 200_000, LARGE, LARGE, 10):
            peer.request("POST", "/length", b"x" * size)
            assert peer.getresponse().read() == str(size).encode()
        peer.request("GET", "/slow")
        assert peer.getresponse().read() == b"done"


def test_a_refusal_arrives_although_the_body_was_not_read(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as peer:
        peer.request("POST", "/no", b"x" * LARGE)
        assert peer.getresponse().status == 403
