"""Weights in and updates out, beside Flower: HTTPS through the gateway, checked by SHA-256."""

import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import numpy as np
from hepafed.client.outbound import trusted
from hepafed.common.contract import SiteConfig
from hepafed.common.errors import PayloadError, RefusedError, UnreachableError
from hepafed.common.network import Layout, from_bf16
from hepafed.common.retry import Backoff
from numpy.typing import NDArray

T = TypeVar("T")
FULL_DISK = 507
"""What the coordinator answers while its disk is full."""
PATIENCE_SECONDS = 180.0
"""How long a transfer is tried again after its first failure. A coordinator starts again within
seconds, and gives up an upload that broke off without a word only after two minutes."""
FEWEST_TRIES = 4
"""The fewest tries, however long each takes."""
LONGEST_WAIT_SECONDS = 10.0
"""The longest wait between two tries."""
_PART = 1 << 20
"""The bytes that are handed to the network at a time."""


class Transfer:
    """A site's channel for blobs."""

    def __init__(
        self,
        home: Path,
        config: SiteConfig,
        patience: float = PATIENCE_SECONDS,
        longest_wait: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        self._patience, self._longest_wait = patience, longest_wait
        self._http = httpx.Client(
            base_url=f"https://{config.address}",
            verify=trusted(home),
            headers={"Authorization": f"Bearer {(home / 'keys' / 'token').read_text().strip()}"},
            timeout=httpx.Timeout(60, write=300),
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def fetch(self, digest: str, layout: Layout) -> NDArray[np.float32]:
        """Return the weights of a digest, float32[layout.size].

        Raises
        ------
        PayloadError
            The bytes are not of that digest, or are not the model's.
        UnreachableError
            The server did not answer for `PATIENCE_SECONDS`.
        """
        return from_bf16(self.tried(lambda: self._get(digest, 2 * layout.size)), layout)

    def _get(self, digest: str, size: int) -> memoryview:
        """Return a blob, read into one piece of memory of its known size."""
        content, sha, read = memoryview(bytearray(size)), hashlib.sha256(), 0
        with self._http.stream("GET", f"/weights/{digest}") as answer:
            _check(answer)
            for part in answer.iter_raw():
                if read + len(part) > size:
                    raise PayloadError("the weights are longer than the plan's model")
                content[read : read + len(part)] = part
                sha.update(part)
                read += len(part)
        if read != size or sha.hexdigest() != digest:
            raise PayloadError("the weights are not those of the request's digest")
        return content

    def send(self, run: str, round_: int, content: bytes | memoryview) -> None:
        """Upload an update.

        Raises
        ------
        RefusedError
            The server does not want it (any more).
        UnreachableError
            The server did not answer for `PATIENCE_SECONDS`.
        """

        def put() -> None:
            answer = self._http.put(
                f"/updates/{run}/{round_}",
                content=(bytes(content[i : i + _PART]) for i in range(0, len(content), _PART)),
                headers={"Content-Length": str(len(content))},
            )
            _check(answer)

        self.tried(put)

    def tried(self, call: Callable[[], T]) -> T:
        """Return what a call returns, tried again while the connection fails.

        A coordinator whose disk is full is asked until it has room.

        Raises
        ------
        UnreachableError
            The fewest tries were made, and the patience since the first failure is over.
        """
        limit, waits = math.inf, Backoff(self._longest_wait)
        while True:
            try:
                return call()
            except httpx.HTTPError as e:
                wait = waits.after_failure()
                limit = min(limit, time.monotonic() + self._patience)
                if isinstance(e, httpx.HTTPStatusError) and e.response.status_code == FULL_DISK:
                    limit = math.inf  # it lives, and refuses when nobody waits for this any more
                if waits.failures >= FEWEST_TRIES and time.monotonic() > limit:
                    raise UnreachableError(
                        "the server does not answer", "client check says why"
                    ) from e
            time.sleep(wait)


def _check(answer: httpx.Response) -> None:
    if answer.status_code in (400, 403, 404):
        raise RefusedError(f"the server refused a transfer ({answer.status_code})")
    answer.raise_for_status()
