"""How clients and connections of one key are told apart: each states an id of its own."""

import re
import secrets

INSTANCE = "hepafed-instance"
"""The header in which a client states its id."""
CONNECTION = "hepafed-connection"
"""The header in which a client states the id of its SuperNode: another after each start."""
BEAT_SECONDS = 60.0
"""How often a running client states both."""
LIVE_SECONDS = 150.0
"""How long after it was last heard a client counts as running: two beats, and their delays."""
_STATED = re.compile(r"[0-9a-f]{16}")


def new_instance() -> str:
    """Return an id that no other client or connection has."""
    return secrets.token_hex(8)


def instance_stated(text: str) -> str:
    """Return the id that the other side states; "" where it is none."""
    return text if _STATED.fullmatch(text) else ""
