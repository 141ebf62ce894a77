"""The word that somebody meant who wrote another one."""

import difflib
import re
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that somebody meant with `word`; "" if none is near."""
    plain = {_plain(k): k for k in known}
    found = difflib.get_close_matches(_plain(word[:60]), plain, 1, 0.7)
    return plain[found[0]] if found else ""


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")
