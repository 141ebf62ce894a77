"""A small HTTPS server on loopback in place of the gateway, which can break off and tell lies."""

import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from hepafed.common.network import Layout, to_bf16

LAYOUT = Layout(("b", "a"), ((3, 100_001), (7,)))
NUMBERS = (np.arange(LAYOUT.size) % 251 - 125).astype(np.float32)
"""Each of them is a bf16 number; as bytes they are several of the network's pieces."""
WIRE = bytes(to_bf16(NUMBERS))
DIGEST = hashlib.sha256(WIRE).hexdigest()


class Server(ThreadingHTTPServer):
    """Keeps what was asked; answers with `codes` in turn, then with 200 and `content`.

    Only what is asked about an upload (HEAD) is always answered, with `there`.
    """

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.codes: list[int] = []
        self.cuts: list[int] = []
        """After so many bytes of the content, sent or taken in, a connection is closed; in turn."""
        self.ranges, self.range_said = True, ""
        """Whether it gives the rest of the content, and what it says about it ("": the truth)."""
        self.head = 200
        """What it answers where it is asked about an upload."""
        self.there = ["0"]
        """How many bytes of an upload it says to have, in turn; the last one stays."""
        self.content = WIRE
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        server = self.server
        cut = server.cuts.pop(0) if server.cuts and self.command != "HEAD" else None
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(length if cut is None else min(length, cut))
        headers = {k.lower(): v for k, v in self.headers.items()}
        server.asked.append((self.command, self.path, headers, body))
        if self.command == "HEAD":
            self.send_response(server.head)
            self.send_header(
                "Upload-Offset", server.there.pop(0) if server.there[1:] else server.there[0]
            )
            self.end_headers()
            return
        if self.command == "PUT" and cut is not None:
            self.close_connection = True
            return
        code, content = server.codes.pop(0) if server.codes else 200, server.content
        start = int(headers.get("range", "bytes=0-")[6:-1]) if server.ranges else 0
        if start >= len(content) > 0:
            code = 416
        elif code == 200 and start:
            code, content = 206, content[start:]
        self.send_response(code)
        if code == 206:
            total = len(server.content)
            said = server.range_said or f"bytes {start}-{total - 1}/{total}"
            self.send_header("Content-Range", said)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if cut is None else content[:cut])
        self.close_connection = cut is not None

    do_GET = do_PUT = do_HEAD = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
