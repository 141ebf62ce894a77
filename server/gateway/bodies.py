"""Bodies of requests in memory: each is bounded in bytes and time, and all together in bytes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hepafed.common.errors import BusyError, RefusedError
from starlette.requests import ClientDisconnect, Request

SMALL = 64 << 10
"""Up to this length, as a request states it, a body has the room that is kept for small ones."""


class Bodies:
    """Reads bodies of which at most `most` bytes are in memory, `most_of_one` of one sender.

    Small ones have `reserve` bytes to themselves: large ones cannot keep them out.
    """

    def __init__(self, most: int, most_of_one: int | None = None, reserve: int = 0) -> None:
        self._left = {True: reserve, False: most}
        self._most_of_one = most if most_of_one is None else most_of_one
        self._reserve = reserve
        self._held: Counter[str] = Counter()

    @asynccontextmanager
    async def read(
        self, request: Request, most: int, seconds: float, sender: str = ""
    ) -> AsyncIterator[list[bytes]]:
        """Read a body of at most `most` bytes within `seconds`, and yield its parts.

        Raises
        ------
        RefusedError
            The body is longer, or broke off.
        BusyError
            It came too slowly, or there is no room beside the others under way.
        """
        small = bool(self._reserve) and _stated(request) <= SMALL
        most = min(most, SMALL) if small else most
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(seconds):
                async for part in request.stream():
                    size += len(part)
                    self._left[small] -= len(part)
                    self._held[sender] += len(part)
                    if size > most:
                        raise RefusedError("the request is too long")
                    if self._left[small] < 0 or self._held[sender] > self._most_of_one:
                        raise BusyError("too many large requests at once")
                    parts.append(part)
            yield parts
        except TimeoutError:
            raise BusyError("the request came too slowly") from None
        except ClientDisconnect:
            raise RefusedError("the request broke off") from None
        finally:
            self._left[small] += size
            self._held[sender] -= size
            if not self._held[sender]:
                del self._held[sender]


def _stated(request: Request) -> float:
    """Return the length of the body that its head states; infinity where it states none."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else float("inf")
