"""Weights in and updates out, beside Flower: HTTPS through the gateway, checked by SHA-256.

A transfer that was cut goes on where it was, both ways (docs/decisions/0030).
"""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
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
seconds, and gives up another upload of the site, which died without a word, after two minutes."""
FEWEST_TRIES = 4
"""The fewest tries, however long each takes."""
LONGEST_WAIT_SECONDS = 10.0
"""The longest wait between two tries."""
_NO_HEAD = (405, 501)
"""What a proxy says that lets no HEAD pass: then each try sends all."""
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
        self._has_sent = False
        """Whether this process has begun an upload; one before it may have left a part there."""
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

        A download that was cut goes on with the bytes that are missing.

        Raises
        ------
        PayloadError
            The bytes are not of that digest, or are not the model's.
        UnreachableError
            The server did not answer for `PATIENCE_SECONDS`.
        """
        blob = _Blob(digest, np.empty(2 * layout.size, np.uint8).data)
        return from_bf16(self.tried(lambda: self._get(blob), lambda: blob.furthest), layout)

    def _get(self, blob: "_Blob") -> memoryview:
        """Return a blob that is whole; parts that together are wrong are fetched anew, once."""
        while True:
            parts = blob.held > 0
            if not parts or blob.held < len(blob.content):
                parts = self._read_on(blob)
            if blob.is_whole():
                return blob.content
            if not parts or blob.anew:
                raise PayloadError("the weights are not those of the request's digest")
            blob.anew = True
            blob.forget()

    def _read_on(self, blob: "_Blob") -> bool:
        """Read what is missing of a blob; return whether it was added to what was here.

        Raises
        ------
        PayloadError
            The server gives more than the blob's size, or another part of it.
        """
        start, size = blob.held, len(blob.content)
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._http.stream("GET", f"/weights/{blob.digest}", headers=headers) as answer:
            if answer.status_code == 416:  # the server has less of it: from the beginning
                blob.forget()
            _check(answer)
            if answer.status_code != 206:
                blob.forget()
            elif answer.headers.get("content-range") != f"bytes {start}-{size - 1}/{size}":
                raise PayloadError("the server gave another part of the weights")
            added = blob.held > 0
            for part in answer.iter_raw():
                blob.add(part)
        return added

    def send(self, run: str, round_: int, content: bytes | memoryview) -> None:
        """Upload an update; an upload that was cut goes on where the server has it.

        So does one that a process before this one began, if its bytes are the same.

        Raises
        ------
        RefusedError
            The server does not want it (any more).
        UnreachableError
            The server did not answer for `PATIENCE_SECONDS`.
        """
        digest = hashlib.sha256(content).hexdigest()
        sending = _Sending(f"/updates/{run}/{round_}", digest, memoryview(content))
        self.tried(lambda: self._put(sending), lambda: sending.furthest)

    def _put(self, sending: "_Sending") -> None:
        """Send what the server does not have of an upload.

        At the first try that is all of it, and the server is not asked, but for a process's first.
        """
        content, size = sending.content, len(sending.content)
        start = self._there(sending) if sending.tried or not self._has_sent else 0
        sending.tried = self._has_sent = True
        if start and start == size:  # only the answer was lost
            return
        answer = self._http.put(
            sending.path,
            content=(bytes(content[i : i + _PART]) for i in range(start, size, _PART)),
            headers={
                "Content-Length": str(size - start),
                "Upload-Digest": sending.digest,
                "Upload-Offset": str(start),
            },
        )
        _check(answer)

    def _there(self, sending: "_Sending") -> int:
        """Return how many bytes of an upload the server has; 0 where its answer cannot be."""
        size = len(sending.content)
        headers = {"Upload-Digest": sending.digest, "Upload-Length": str(size)}
        answer = self._http.head(sending.path, headers=headers)
        if answer.status_code in _NO_HEAD:
            return 0
        _check(answer)
        text = answer.headers.get("upload-offset", "")
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= size):
            return 0
        sending.furthest = max(sending.furthest, int(text))
        return int(text)

    def tried(self, call: Callable[[], T], furthest: Callable[[], int] = lambda: 0) -> T:
        """Return what a call returns, tried again while the connection fails.

        A coordinator whose disk is full is asked until it has room. `furthest`: the most bytes that
        the calls have moved; with more of them patience begins anew.

        Raises
        ------
        UnreachableError
            The fewest tries were made, and the patience since the first failure is over.
        """
        limit, waits, reached = math.inf, Backoff(self._longest_wait), furthest()
        while True:
            try:
                return call()
            except httpx.HTTPError as e:
                if furthest() > reached:
                    limit, reached = math.inf, furthest()
                    waits.after_success()
                wait = waits.after_failure()
                limit = min(limit, time.monotonic() + self._patience)
                if isinstance(e, httpx.HTTPStatusError) and e.response.status_code == FULL_DISK:
                    limit = math.inf  # it lives, and refuses when nobody waits for this any more
                if waits.failures >= FEWEST_TRIES and time.monotonic() > limit:
                    raise UnreachableError(
                        "the server does not answer", "client check says why"
                    ) from e
            time.sleep(wait)


@dataclass
class _Blob:
    """A download as it comes, over however many connections."""

    digest: str
    content: memoryview
    """All its bytes; the first `held` are here."""
    held: int = 0
    furthest: int = 0
    """The most bytes that were here at any time."""
    anew: bool = False
    """Whether parts that were together wrong were thrown away."""
    _sha: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, part: bytes) -> None:
        """Add the bytes that came next; PayloadError for more than there can be."""
        end = self.held + len(part)
        if end > len(self.content):
            raise PayloadError("the weights are longer than the plan's model")
        self.content[self.held : end] = part
        self._sha.update(part)
        self.held, self.furthest = end, max(self.furthest, end)

    def forget(self) -> None:
        """Begin at the first byte again."""
        self.held, self._sha = 0, hashlib.sha256()

    def is_whole(self) -> bool:
        """Return whether all bytes are here and are those of the digest."""
        return self.held == len(self.content) and self._sha.hexdigest() == self.digest


@dataclass
class _Sending:
    """An upload as it goes, over however many connections."""

    path: str
    digest: str
    content: memoryview
    tried: bool = False
    furthest: int = 0
    """The most bytes that the server said to have."""


def _check(answer: httpx.Response) -> None:
    if answer.status_code in (400, 403, 404):
        raise RefusedError(f"the server refused a transfer ({answer.status_code})")
    answer.raise_for_status()
