"""The commands' side of the API: HTTPS with the pinned CA and an access file."""

from pathlib import Path
from typing import Any

import httpx
from hepafed.common.certificates import pinned, untrusted
from hepafed.common.contract import Access, read_toml
from hepafed.common.errors import FederationError, UnreachableError

HINT = (
    "the coordinator makes access files (server init, server grant); name one with --access or "
    "in $HEPAFED_ACCESS"
)


class Remote:
    """Calls the coordinator; every refusal comes back as the error it was there."""

    def __init__(self, access_file: Path) -> None:
        self.access = read_toml(Access, access_file, HINT)
        self._http = httpx.Client(
            base_url=f"https://{self.access.address}",
            verify=pinned(self.access.ca),
            headers={"Authorization": f"Bearer {self.access.token}"},
            timeout=60,
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        """GET a JSON answer."""
        return self._answer("GET", path, params=query)

    def post(self, path: str, **values: Any) -> Any:  # noqa: ANN401 - JSON
        """POST JSON, get JSON."""
        return self._answer("POST", path, json=values)

    def post_long(self, path: str, seconds: float, **values: Any) -> Any:  # noqa: ANN401 - JSON
        """POST JSON, and wait up to `seconds` for the answer."""
        return self._answer("POST", path, json=values, timeout=seconds)

    def download(self, path: str, to: Path) -> None:
        """GET a file, whole or not at all."""
        from hepafed.common.files import whole_file

        try:
            with self._http.stream("GET", path) as answer, whole_file(to) as f:
                if answer.is_error:
                    answer.read()
                    _refused(answer)
                for part in answer.iter_bytes(1 << 20):
                    f.write(part)
        except httpx.HTTPError as e:
            raise self._unreachable(e) from e

    def _answer(self, method: str, path: str, **how: Any) -> Any:  # noqa: ANN401
        try:
            answer = self._http.request(method, path, **how)
        except httpx.HTTPError as e:
            raise self._unreachable(e) from e
        if answer.is_error:
            _refused(answer)
        return answer.json()

    def _unreachable(self, error: httpx.HTTPError) -> UnreachableError:
        why = untrusted(error)
        return UnreachableError(
            f"cannot reach the server at {self.access.address}: {why or 'no answer'}",
            "check the address, --home and this machine's clock"
            if why
            else "Is server start running there? Is the port open?",
        )


def _refused(answer: httpx.Response) -> None:
    try:
        values = answer.json()
        message, hint = str(values["error"]), str(values.get("hint", ""))
    except (ValueError, KeyError, TypeError):
        message, hint = f"the server answered {answer.status_code}", ""
    raise FederationError(message, hint)
