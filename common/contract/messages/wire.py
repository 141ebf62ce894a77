"""A message as JSON text, written and read."""

import json
import math
import re
from collections.abc import Iterator

from hepafed.common.contract.messages.kinds import KINDS
from hepafed.common.errors import PayloadError
from hepafed.common.printable import printable
from hepafed.common.records import read_record, write_record

LARGEST_MESSAGE = 32 * 2**20
"""The most bytes of a message; a longer one is refused before it is parsed."""

LARGEST_WHOLE = 2**64
"""The largest size of a whole number; sums are 64 bits."""
LONGEST_TEXT = 4096
"""The most characters of one text in a message."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def pack(message: object) -> str:
    """Return a message as JSON text; its kind is that of its class in `KINDS`.

    Characters that `unpack` refuses are replaced.
    """
    kind = next(k for k, c in KINDS.items() if c is type(message))
    body = {"kind": kind, "body": _cleaned(write_record(message))}
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def _finite(number: str) -> float:
    """Return a number; ValueError for NaN, infinity, and what a float cannot hold (1e999)."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(number)
    return value


def _whole(digits: str) -> int:
    """Return a whole number; ValueError for one that no sum of ours can reach."""
    if len(digits) > 21 or abs(value := int(digits)) > LARGEST_WHOLE:
        raise ValueError(digits[:30])
    return value


def _cleaned(value: object) -> object:
    """Return plain values with every text printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {k: _cleaned(v) for k, v in value.items()}
    return [_cleaned(v) for v in value] if isinstance(value, list) else value


def _texts(value: object) -> Iterator[str]:
    """Yield every text in plain values, keys included."""
    waiting = [value]
    while waiting:
        at = waiting.pop()
        if isinstance(at, str):
            yield at
        elif isinstance(at, dict):
            waiting += [*at, *at.values()]
        elif isinstance(at, list):
            waiting += [v for v in at if not isinstance(v, (int, float))]


def unpack(text: str) -> object:
    """Return the message that a JSON text holds, of any kind in `KINDS`.

    Raises
    ------
    PayloadError
        Too long, not JSON, of no known kind, or a field is missing, unknown or of a wrong type;
        a number that is not finite or not within 64 bits, text that UTF-8 cannot hold (half a
        surrogate pair) or that cannot be printed.
    """
    if len(text) > LARGEST_MESSAGE:
        raise PayloadError(
            f"a message has {len(text)} bytes; at most {LARGEST_MESSAGE} are allowed"
        )
    try:
        values = json.loads(text, parse_constant=_finite, parse_float=_finite, parse_int=_whole)
        if _SURROGATE.search(text):
            json.dumps(values, ensure_ascii=False).encode()
        cls = KINDS[values["kind"]]
        body = values["body"]
        shown = all(len(t) <= LONGEST_TEXT and t.isprintable() for t in _texts(body))
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise PayloadError("a message has an unknown kind") from e
    if not shown:
        raise PayloadError("a message has text that cannot be printed, or is too long")
    return read_record(cls, body, PayloadError, str(values["kind"]))
