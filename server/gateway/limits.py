"""Limits of connections to the public port: how many, how long silent, how large a head."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_CONNECTIONS = 500
"""Further ones are answered 503; a site has two or three."""
HEAD_SECONDS = 30.0
"""How long a connection may be open without asking for anything, and a request's head take."""
LARGEST_HEAD = 64 << 10


class Impatient(HttpToolsProtocol):
    """Uvicorn's HTTP, without patience for a connection that stays silent or a head without end.

    Uvicorn times only the pause after an answer and bounds no head. Bodies in chunks are refused:
    no client of ours sends any, and their trailers would be heads without end again.
    """

    head_seconds = HEAD_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Watch from the first moment on."""
        super().connection_made(transport)
        self._served: RequestResponseCycle | None = None
        self._in_head, self._heads, self._head = True, 0, 0
        self._watch = self.loop.call_later(self.head_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no more."""
        self._watch.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close the connection unless a request is under way, or came since the last look."""
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.cycle is self._served:
            self.transport.abort()
            return
        self._served = self.cycle
        self._watch = self.loop.call_later(self.head_seconds, self._look)

    def data_received(self, data: bytes) -> None:
        """Count what comes without completing a head."""
        heads = self._heads if self._in_head else -1
        super().data_received(data)
        if self._in_head and heads == self._heads:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self.transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Let no body come in chunks."""
        if name.lower() == b"transfer-encoding":
            self.transport.abort()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Count no more: a body follows, or nothing."""
        self._in_head, self._heads, self._head = False, self._heads + 1, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count again: another head follows, or nothing."""
        self._in_head = True
        super().on_message_complete()
