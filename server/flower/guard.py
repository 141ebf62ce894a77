"""The stock SuperLink behind a guard: its Control API asks for the coordinator's secret.

Flower's Control API has no login in its open-source release: whoever reaches the loopback port
could start and stop runs and shut sites out. `superlink.py` starts this in place of
`flower-superlink`, and looks whether the guard stands before anything else is done.
"""

import hmac
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

HEADER = "hepafed-control"
"""The header with the secret, in hex."""
OPEN = ("/v1/fleet/", "/v1/runtime/")
"""Paths where Flower itself asks who calls: node keys, and the executor's secret and tokens."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ControlGuard:
    """An ASGI application around another: without the secret only paths of `OPEN` are answered."""

    def __init__(self, app: App, secret: bytes) -> None:
        self._app = app
        self._secret = secret.hex().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403, or pass the call on."""
        if scope["type"] == "lifespan" or self._admits(scope):
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # a websocket that is not accepted is closed
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def _admits(self, scope: Scope) -> bool:
        if scope["path"].startswith(OPEN):
            return True
        shown = [value for name, value in scope["headers"] if name == HEADER.encode()]
        return len(shown) == 1 and hmac.compare_digest(shown[0], self._secret)


def guarded_superlink() -> None:
    """Run `flower-superlink` behind the guard; the first argument is the file of the secret."""
    import uvicorn
    from flwr.superlink.cli import flower_superlink

    secret = Path(sys.argv.pop(1)).read_bytes()
    serve = uvicorn.run

    def run(app: App, **options: Any) -> None:  # noqa: ANN401 - uvicorn's options, as Flower sets them
        serve(ControlGuard(app, secret), **options)

    uvicorn.run = run  # type: ignore[assignment]
    flower_superlink()
