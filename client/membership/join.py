"""Join a federation: make keys here, spend the invite, write site.toml.

It can be repeated. Key and token are made before the coordinator is asked and kept until the
enrolment is known to have failed: an answer that is lost on its way costs nothing, the same
command asks again with the same key.
"""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from hepafed.client.membership.home_state import note_keys
from hepafed.client.membership.status import clock_ahead, why
from hepafed.client.outbound import PROXY_CA, read_proxy_ca
from hepafed.client.release import Ledger, read_own_identity
from hepafed.common.certificates import make_node_key, pinned, untrusted
from hepafed.common.contract import Invite, SiteConfig, read_toml, write_toml
from hepafed.common.disclosure import public_line
from hepafed.common.errors import ConfigError, EnrolmentError, UnreachableError
from hepafed.common.files import write_whole
from hepafed.common.kept_files import REGISTER
from hepafed.common.releases import HEADER, RELEASE

HINT = "name the .invite file that the coordinator gave you"
AGAIN = "run the same command again: the key is kept, and the invite still works for it"
MADE = ("node.key", "token", "joining", "ca.pem", PROXY_CA, REGISTER)
"""What joining writes into keys/; `joining` names the invite until the enrolment is known."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """The result of an enrolment."""

    config: SiteConfig
    ahead: float
    """Seconds by which this machine's clock is ahead of the coordinator's."""


def join(home: Path, invite_file: Path, proxy_ca: Path | None = None) -> Joined:
    """Enrol this site; nothing is left when it is known to have failed.

    `proxy_ca` is the authority, PEM, of a proxy on the way that decrypts TLS.

    Raises
    ------
    ConfigError
        The invite or `proxy_ca` cannot be read, or this home has joined already.
    EnrolmentError
        The invite is expired, used or unknown.
    UnreachableError
        The server does not answer, or its certificate is not the invite's. Where the request may
        have arrived all the same, the keys stay and the same call asks again.
    """
    invite = read_toml(Invite, invite_file, HINT)
    if (home / "site.toml").exists():
        raise ConfigError(
            f"{home} has joined a federation already",
            "run client leave first, or choose another --home",
        )
    _check_expiry(invite, invite_file)
    also_trusted = read_proxy_ca(proxy_ca) if proxy_ca else ""
    config = SiteConfig(site=invite.site, role=invite.role, address=invite.address)
    new = [p for p in (home, *home.parents) if not p.exists()]
    asked_before = _is_pending(home, invite)
    if not asked_before:
        _make_keys(home, invite, new)
    try:
        asked = datetime.now(UTC)
        answer = _post(home, invite, also_trusted)
        ahead = clock_ahead(answer.get("time"), asked, datetime.now(UTC))
    except _NeverSentError as e:
        if not asked_before:
            _forget(home, new)
        raise UnreachableError(e.message, e.hint) from e
    except (EnrolmentError, ConfigError):
        _forget(home, new)
        raise
    write_whole(home / "keys" / "ca.pem", invite.ca)
    if also_trusted:
        write_whole(home / "keys" / PROXY_CA, also_trusted)
    write_toml(config, home / "site.toml")
    line = public_line(read_own_identity(home)).encode()
    Ledger(home).record("enrolled", "", line)
    note_keys(home)
    (home / "keys" / "joining").unlink()
    return Joined(config=config, ahead=ahead)


class _NeverSentError(UnreachableError):
    """No connection was made, so the server has received nothing."""


def _check_expiry(invite: Invite, file: Path) -> None:
    now = datetime.now(UTC)
    try:
        expired = now > datetime.fromisoformat(invite.expires)
    except (ValueError, TypeError) as e:
        raise ConfigError(f"{file}: expires is not a UTC time", HINT) from e
    if expired:
        raise EnrolmentError(
            f"the invite expired at {invite.expires}; this machine's clock says "
            f"{now.isoformat(timespec='seconds')}",
            "ask the coordinator for a new one (server invite)",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_pending(home: Path, invite: Invite) -> bool:
    """Return whether this very invite was sent from here before, with an outcome unknown."""
    try:
        named = (home / "keys" / "joining").read_text()
    except OSError:
        return False
    return named == _digest(invite.token)


def _make_keys(home: Path, invite: Invite, new: list[Path]) -> None:
    keys = home / "keys"
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        (keys / "joining").unlink(missing_ok=True)
        make_node_key(keys / "node.key")
        write_whole(keys / "token", secrets.token_urlsafe(32), private=True)
        write_whole(keys / "joining", _digest(invite.token), private=True)
    except BaseException:
        _forget(home, new)
        raise


def _forget(home: Path, new: list[Path]) -> None:
    """Remove what joining made, and the folders that it made for that."""
    keys = home / "keys"
    for name in MADE:
        with suppress(OSError):
            (keys / name).unlink()
    for folder in (keys, *new):
        with suppress(OSError):  # other files are in it
            folder.rmdir()


def _post(home: Path, invite: Invite, also_trusted: str) -> dict[str, Any]:
    own = (home / "keys" / "token").read_text().strip()
    question = {
        "token": invite.token,
        "public_key": public_line(read_own_identity(home)),
        "own": _digest(own),
    }
    where = f"cannot reach the server at {invite.address}"
    try:
        answer = httpx.post(
            f"https://{invite.address}/enrol",
            json=question,
            headers={HEADER: RELEASE},
            verify=pinned(invite.ca + also_trusted),
            timeout=30,
        )
    except (httpx.ConnectError, httpx.ConnectTimeout) as e:
        raise _NeverSentError(
            f"{where}: {untrusted(e) or why(e)}",
            "Is the server running? Does the firewall allow HTTPS to it? The invite still works.",
        ) from e
    except httpx.HTTPError as e:
        raise UnreachableError(f"{where}: the connection was interrupted", AGAIN) from e
    try:
        values = answer.json()
    except ValueError:
        values = None
    if answer.is_server_error or not isinstance(values, dict):
        raise UnreachableError(f"{where}: it answered {answer.status_code}", AGAIN)
    if answer.is_error:
        raise EnrolmentError(str(values.get("error", "refused")), str(values.get("hint", "")))
    if values.get("site") != invite.site or values.get("role") != invite.role:
        raise EnrolmentError("the server enrolled another site than the one in the invite", HINT)
    return values
