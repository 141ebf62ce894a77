"""How this site stands with the coordinator: a question over TLS with the site's own token."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from hepafed.client.outbound import trusted
from hepafed.common.certificates import untrusted
from hepafed.common.contract import CONNECTION, INSTANCE, SiteConfig
from hepafed.common.errors import (
    ConfigError,
    OtherReleaseError,
    PayloadError,
    RefusedError,
    UnreachableError,
)
from hepafed.common.releases import HEADER, RELEASE, may_work_together

AHEAD_SECONDS, BEHIND_SECONDS = 5, 305
"""Flower refuses a signature of a clock that is further off
(flwr.superlink.routers.fleet.node_auth; tests/contracts holds these to it)."""
_LONGEST_ANSWER = 1 << 16
MOST_OTHERS = 8
"""Other clients that are shown."""
JOIN = "run client join first"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The standing of a site: what the coordinator answers of itself and of the site."""

    site: str
    """Name under which the coordinator knows the site."""
    role: str
    """`train` or `validate`."""
    ahead: float
    """Seconds by which this machine's clock is ahead of the coordinator's; negative: behind."""
    hepafed: str
    """Release that the coordinator runs."""
    flwr: str
    certificate: datetime
    """Time at which the server's certificate expires."""
    others: tuple[str, ...] = ()
    """Since when other clients than the one of this home use the site's key: times in UTC."""
    flower: str = ""
    """Whether Flower there has the site's key: `known`, `unknown`, `silent` if it does not answer;
    "" if it was not asked."""


def clock_ahead(answered: object, asked: datetime, received: datetime) -> float:
    """Return the seconds by which this machine's clock is ahead of the one that answered.

    Half the time between question and answer is taken for the way back.

    Raises
    ------
    PayloadError
        `answered` is not a time.
    """
    try:
        there = datetime.fromisoformat(str(answered))
        return (asked + (received - asked) / 2 - there) / timedelta(seconds=1)
    except (ValueError, TypeError) as e:
        raise PayloadError("the server's answer contains no time") from e


def clock_fault(ahead: float) -> str:
    """Return what is wrong with a clock that is `ahead` by so many seconds; empty: nothing."""
    if -BEHIND_SECONDS < ahead < AHEAD_SECONDS:
        return ""
    way = "ahead of" if ahead > 0 else "behind"
    return f"this machine's clock is {abs(ahead):.0f} s {way} the coordinator's"


CLOCK_HINT = (
    "set it by NTP (or ask the coordinator to do so): Flower refuses a site that is "
    f"{AHEAD_SECONDS} s "
    f"ahead or {BEHIND_SECONDS} s behind"
)


def ask(
    home: Path,
    config: SiteConfig,
    seconds: float = 10,
    *,
    starts: bool = False,
    instance: str = "",
    connection: str = "",
) -> Standing:
    """Ask the coordinator how this site stands; nothing but the token is sent.

    With `starts` this site's release of HepaFed goes with it: the coordinator notes it, and that
    the client `instance` runs, with the SuperNode `connection`. Without, it is asked which other
    clients run.

    Raises
    ------
    ConfigError
        The keys that `client join` made are not there.
    UnreachableError
        No answer, or not from the coordinator whose CA is pinned here.
    RefusedError
        The coordinator does not know the token (any more).
    PayloadError
        The answer is not one.
    """
    asked = datetime.now(UTC)
    ids = {name: id for name, id in ((INSTANCE, instance), (CONNECTION, connection)) if id}
    stated = ({HEADER: RELEASE} if starts else {}) | ids
    values, certificate = _call(home, config, "GET", "/site", seconds, stated)
    ahead = clock_ahead(values.get("time"), asked, datetime.now(UTC))
    words = {k: str(values.get(k, "")) for k in ("site", "role", "hepafed", "flwr")}
    return Standing(
        **words,
        ahead=ahead,
        certificate=certificate,
        others=_times(values.get("others", ())),
        flower=str(values.get("flower", ""))[:20],
    )


def _times(found: object) -> tuple[str, ...]:
    """Return times as `2026-01-31 14:05 UTC`; PayloadError for what is none."""
    try:
        times = [datetime.fromisoformat(str(f)).astimezone(UTC) for f in list(found)[:MOST_OTHERS]]  # type: ignore[call-overload]
    except (ValueError, TypeError, OverflowError) as e:
        raise PayloadError("the server's answer has a time that is none") from e
    return tuple(f"{t:%Y-%m-%d %H:%M} UTC" for t in times)


def must_fit(standing: Standing) -> None:
    """Check that this site's release works with the coordinator's.

    Raises
    ------
    OtherReleaseError
        It does not; the hint says what to install.
    """
    if not may_work_together(standing.hepafed, RELEASE):
        raise OtherReleaseError(
            f"this site runs release {RELEASE} of HepaFed, which does not work with release "
            f"{standing.hepafed[:40]} of the coordinator",
            f"install release {standing.hepafed[:40]} here, then client start",
        )


def end(home: Path, config: SiteConfig) -> None:
    """Have the coordinator end this site's membership; raises what `ask` raises."""
    _call(home, config, "POST", "/site/leave", 30)


def _call(
    home: Path,
    config: SiteConfig,
    method: str,
    path: str,
    seconds: float,
    stated: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], datetime]:
    try:
        token = (home / "keys" / "token").read_text().strip()
    except OSError as e:
        raise ConfigError("the keys of this site are missing", JOIN) from e
    if not token:
        raise ConfigError(
            "the token of this site is empty",
            "run client leave, then client join with a new invite",
        )
    headers, trust = {"Authorization": f"Bearer {token}", **(stated or {})}, trusted(home)
    url = f"https://{config.address}{path}"
    try:
        with (
            httpx.Client(verify=trust, timeout=seconds) as http,
            http.stream(method, url, headers=headers) as answer,
        ):
            stream = answer.extensions["network_stream"].get_extra_info("ssl_object")
            expires = ssl.cert_time_to_seconds(stream.getpeercert()["notAfter"])
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > _LONGEST_ANSWER:
                    raise PayloadError("the server's answer is too long")
    except httpx.HTTPError as e:
        raise UnreachableError(
            f"cannot reach the server at {config.address}: {untrusted(e) or why(e)}",
            "Is the server running? Does the firewall allow HTTPS to it?",
        ) from e
    return _values(answer, content), datetime.fromtimestamp(expires, UTC)


def _values(answer: httpx.Response, content: bytes) -> dict[str, Any]:
    if answer.status_code == 403:
        raise RefusedError(
            "the coordinator does not accept this site's token",
            "ask the coordinator whether it was revoked; then client leave, and client join with a "
            "new invite",
        )
    try:
        values = httpx.Response(answer.status_code, content=content).json()
    except ValueError:
        values = None
    if answer.is_server_error:
        raise UnreachableError(
            f"the server cannot answer now ({answer.status_code})", "try again in a moment"
        )
    if answer.is_error or not isinstance(values, dict):
        raise PayloadError(f"the server answered {answer.status_code}")
    return values


def why(error: httpx.HTTPError) -> str:
    """Return why nothing came back, in words without addresses."""
    words = str(error).lower()
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if "refused" in words:
        return "the connection was refused"
    if any(w in words for w in ("name or service", "resolution", "nodename", "getaddrinfo")):
        return "its name cannot be resolved (DNS)"
    return "no answer"
