"""Join a federation: make keys here, spend the invite, write site.toml."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import httpx
from hepafed.common.certificates import make_node_key, pinned
from hepafed.common.config import Invite, SiteConfig, read_toml, write_toml
from hepafed.common.errors import ConfigError, EnrolmentError, UnreachableError
from hepafed.common.files import write_whole

HINT = "name the .invite file that the coordinator gave you"


def join(home: Path, invite_file: Path) -> SiteConfig:
    """Enrol this site; nothing is written when it fails.

    Raises
    ------
    ConfigError
        The invite cannot be read, or this home has joined already.
    EnrolmentError
        The invite is expired, used or unknown.
    UnreachableError
        The server does not answer, or its certificate is not the invite's.
    """
    invite = read_toml(Invite, invite_file, HINT)
    if (home / "site.toml").exists():
        raise ConfigError(
            f"{home} has joined a federation already", "client leave first, or another --home"
        )
    try:
        expired = datetime.now(UTC) > datetime.fromisoformat(invite.expires)
    except (ValueError, TypeError) as e:
        raise ConfigError(f"{invite_file}: expires is not a UTC time", HINT) from e
    if expired:
        raise EnrolmentError(
            f"the invite expired at {invite.expires}",
            "ask the coordinator for a new one (server invite)",
        )
    config = SiteConfig(site=invite.site, role=invite.role, address=invite.address)
    new = [p for p in (home, *home.parents) if not p.exists()]
    home.mkdir(parents=True, exist_ok=True)
    keys = home / "keys"
    try:
        home.chmod(0o700)
        public_key = make_node_key(keys / "node.key")
        answer = _post(invite, public_key)
        write_whole(keys / "ca.pem", invite.ca)
        write_whole(keys / "token", answer["token"], private=True)
    except BaseException:
        shutil.rmtree(keys, ignore_errors=True)
        for folder in new:
            folder.rmdir()
        raise
    write_toml(config, home / "site.toml")
    return config


def _post(invite: Invite, public_key: str) -> dict[str, str]:
    try:
        answer = httpx.post(
            f"https://{invite.address}/enrol",
            json={"token": invite.token, "public_key": public_key},
            verify=pinned(invite.ca),
            timeout=30,
        )
        values = answer.json()
    except (httpx.HTTPError, ValueError) as e:
        why = "its certificate is not the invite's" if "CERTIFICATE" in str(e) else "no answer"
        raise UnreachableError(
            f"cannot reach the server at {invite.address}: {why}",
            "is it running, and outgoing HTTPS to it allowed? The invite still works.",
        ) from e
    if answer.is_error:
        raise EnrolmentError(str(values.get("error", "refused")), str(values.get("hint", "")))
    if values.get("site") != invite.site or values.get("role") != invite.role:
        raise EnrolmentError("the server enrolled another site than the invite says", HINT)
    return {k: str(v) for k, v in values.items()}
