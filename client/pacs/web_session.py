"""The HTTP session with a DICOMweb service: it only reads, and every answer has a largest size."""

from collections.abc import Iterator
from typing import Any

import requests
from hepafed.client.pacs.config import PacsConfig, secret_of
from hepafed.client.pacs.connection import PacsError
from hepafed.common.errors import PayloadError
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer to a question."""
DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Transfer syntax Deflated Explicit VR Little Endian."""


class _BoundedResponse(requests.Response):
    """A response that ends in an error when it holds more than `limit` bytes."""

    limit = 0

    def iter_content(self, *args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401
        taken = 0
        for chunk in super().iter_content(*args, **kwargs):
            taken += len(chunk)
            if taken > self.limit:
                self.close()
                raise PayloadError(f"an answer is larger than {self.limit // 2**20} MB")
            yield chunk

    @property
    def content(self) -> bytes:
        """The body; a deflated data set is refused: its size is known only after inflating."""
        body = bytes(super().content or b"")
        if DEFLATED in body:
            raise PayloadError("an instance is deflated", "fetch this one over DIMSE")
        return body


class _BoundedAdapter(HTTPAdapter):
    """Makes responses that hold at most `limit` bytes."""

    limit = LARGEST_ANSWER

    def build_response(self, req: Any, resp: Any) -> requests.Response:  # noqa: ANN401
        made = _BoundedResponse()
        made.__dict__.update(super().build_response(req, resp).__dict__)
        made.limit = self.limit
        return made


class ReadOnlySession(requests.Session):
    """A session with the service that pacs.toml names; it can do nothing but GET."""

    def __init__(self, config: PacsConfig) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, .netrc or CA that pacs.toml does not name
        self.max_redirects = 0  # to another host it would carry identifiers there
        self.verify = config.ca or True
        if config.certificate:
            self.cert = (config.certificate, config.key)
        self.bound = _BoundedAdapter(max_retries=0)
        """`bound.limit` is the most bytes of the next answer."""
        self.warned = False
        """Whether the last answer came with a warning (299): there are more results."""
        for scheme in ("http://", "https://"):
            self.mount(scheme, self.bound)
        if config.auth == "basic":
            user, _, password = secret_of(config).partition(":")
            self.auth = HTTPBasicAuth(user.encode(), password.encode())
        elif config.auth == "bearer":
            self.headers["Authorization"] = f"Bearer {secret_of(config)}"

    def request(
        self,
        method: str | bytes,
        url: str | bytes,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Send a GET; anything else is a mistake of the program."""
        if method != "GET":
            raise PacsError(f"{method!r} is never sent to a PACS")
        answer = super().request(method, url, *args, **kwargs)
        self.warned = answer.headers.get("Warning", "").lstrip().startswith("299")
        return answer
