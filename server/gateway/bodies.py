"""Bodies of requests in memory: each is bounded in bytes and time, and all together in bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hepafed.common.errors import BusyError, RefusedError
from starlette.requests import ClientDisconnect, Request


class Bodies:
    """Reads bodies of which at most `most` bytes are in memory at any time."""

    def __init__(self, most: int) -> None:
        self._left = most

    @asynccontextmanager
    async def read(self, request: Request, most: int, seconds: float) -> AsyncIterator[list[bytes]]:
        """Read a body of at most `most` bytes within `seconds`, and yield its parts.

        Raises
        ------
        RefusedError
            The body is longer, or broke off.
        BusyError
            It came too slowly, or there is no room beside the others under way.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(seconds):
                async for part in request.stream():
                    size += len(part)
                    self._left -= len(part)
                    if size > most:
                        raise RefusedError("the request is too long")
                    if self._left < 0:
                        raise BusyError("too many large requests at once")
                    parts.append(part)
            yield parts
        except TimeoutError:
            raise BusyError("the request came too slowly") from None
        except ClientDisconnect:
            raise RefusedError("the request broke off") from None
        finally:
            self._left += size
