"""The ids of requests that were answered, so that none is answered twice, also after a restart."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hepafed.common.contract.messages import Stamp
from hepafed.common.errors import RefusedError
from hepafed.common.json_file import JsonFile

MOST_STAMPS = 20_000
"""Ids that are kept; each is forgotten when its request has expired, 8 days later at most."""


@dataclass(frozen=True, kw_only=True)
class _PastStamps:
    """What the file holds: when each request expires, by its id."""

    expires: dict[str, str]


class AnsweredStamps:
    """The file answered.json of a site."""

    def __init__(self, home: Path, most: int = MOST_STAMPS) -> None:
        self._most = most
        self._file = JsonFile(
            path=home / "answered.json",
            record=_PastStamps,
            hint="nothing is answered meanwhile; move the file away: a request of the last 8 days "
            "could then be sent a second time",
        )

    def take(self, stamp: Stamp, now: datetime) -> None:
        """Write down that a request is about to be answered.

        Raises
        ------
        RefusedError
            It was answered before, or too many are valid at this time.
        ConfigError
            The file is damaged.
        """
        held = self._file.read(missing=_PastStamps(expires={})).expires
        if stamp.id in held:
            raise RefusedError("the request was answered before: it is sent a second time")
        valid = {i: at for i, at in held.items() if datetime.fromisoformat(at) >= now}
        if len(valid) >= self._most:
            raise RefusedError(f"{self._most} requests were answered within a few days")
        self._file.write(_PastStamps(expires={**valid, stamp.id: stamp.expires}))
