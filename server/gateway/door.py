"""The first look at every request: an address of our letters, and no traceback for a bad one."""

import logging
import re
import time
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("hepafed.server")

PATH = re.compile(r"[A-Za-z0-9/._-]{1,600}")
"""Every path that exists is of these: names, numbers, digests."""
QUERY = re.compile(rb"[A-Za-z0-9=&._-]{0,200}")
MOST_LINES, SECONDS = 20, 60.0
"""Lines of the log a minute that one kind of bad request can fill."""


class Door:
    """Lets requests with a usable address in; answers 500 once for what goes wrong behind it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lines = sparse()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path, query = scope.get("path", ""), scope.get("query_string", b"")
        if not PATH.fullmatch(path) or not QUERY.fullmatch(query):
            refusal = JSONResponse({"error": "not found"}, 404)
            await refusal(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:  # ours to mend: told in the log, and not as often as anybody likes
            if self._lines.one_more():
                log.exception("an answer failed")
            if begun:
                raise
            failure = JSONResponse({"error": "the coordinator failed; its log says why"}, 500)
            await failure(scope, receive, send)


class Sparse(logging.Filter):
    """Lets so many records pass in a span of time, so that nobody can push older ones out."""

    def __init__(
        self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most, self._seconds, self._clock = most, seconds, clock
        self._from, self._count = clock(), 0

    def one_more(self) -> bool:
        """Return whether one more record may be written now."""
        now = self._clock()
        if now - self._from >= self._seconds:
            self._from, self._count = now, 0
        self._count += 1
        return self._count <= self._most

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record of a logger with this filter is written."""
        return self.one_more()


def sparse() -> Sparse:
    """Return a filter for a logger that strangers can make write."""
    return Sparse(MOST_LINES, SECONDS)
