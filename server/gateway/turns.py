"""The one upload that a site may have under way; a newer request for the same one takes over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hepafed.common.errors import BusyError

Upload = tuple[str, int, str]
"""Run, round and stated SHA-256 of an upload; "" where its sender states none."""


@dataclass(eq=False)
class _Turn:
    upload: Upload
    limit: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Have what is done in this turn cancelled at its next step."""
        if not self.limit.expired() and self.limit.when() is None:
            self.limit.reschedule(0.0)


class UploadTurns:
    """Who has the turn, by site. A connection can die without a word; its site need not wait."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def turn(self, site: str, upload: Upload) -> AsyncIterator[None]:
        """Do one thing with an upload of a site; an older request for the same upload is ended.

        What is done for an older request is cancelled, and is over before the newer one begins.

        Raises
        ------
        BusyError
            Another upload of the site is under way, or a newer request has taken this one over.
        """
        while (older := self._turns.get(site)) is not None:
            if older.upload != upload or not upload[-1]:
                raise BusyError("an upload of this site is under way")
            older.end()
            await older.over.wait()
        mine = self._turns[site] = _Turn(upload)
        try:
            async with mine.limit:
                yield
        except TimeoutError:
            if not mine.limit.expired():
                raise
            raise BusyError("a newer request has taken this upload over") from None
        finally:
            del self._turns[site]
            mine.over.set()
