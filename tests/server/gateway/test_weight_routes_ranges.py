"""Of weights the rest is given, from one byte to the end, and no other range."""

import pytest

from .gates import Gate

CONTENT = bytes(range(251)) * 40
SIZE = len(CONTENT)


@pytest.mark.parametrize(
    ("asked", "code", "content"),
    [
        ("bytes=0-", 206, CONTENT),
        ("bytes=9000-", 206, CONTENT[9000:]),
        (f"bytes={SIZE - 1}-", 206, CONTENT[-1:]),
        (f"bytes={SIZE}-", 416, None),
        (f"bytes={'9' * 19}-", 416, None),
        ("bytes=0-1", 200, CONTENT),
        ("bytes=-5", 200, CONTENT),
        ("bytes=0-,5-", 200, CONTENT),
        (",".join(["bytes=0-0", *(f"{2 * i}-{2 * i}" for i in range(1, 900))]), 200, CONTENT),
        (f"bytes={'9' * 20}-", 200, CONTENT),
        ("items=0-", 200, CONTENT),
    ],
)
def test_of_weights_the_rest_is_given_and_no_other_range(
    gate: Gate, asked: str, code: int, content: bytes | None
) -> None:
    gate.site("a")
    digest = gate.stores.blobs.publish([CONTENT])
    answer = gate("GET", f"/weights/{digest}", "a", headers={"range": asked})
    assert answer.status_code == code
    if content is not None:
        assert answer.content == content
    if code == 206:
        start = asked.removeprefix("bytes=").rstrip("-")
        assert answer.headers["content-range"] == f"bytes {start}-{SIZE - 1}/{SIZE}"


def test_the_rest_of_weights_is_for_enrolled_sites_alone(gate: Gate) -> None:
    digest = gate.stores.blobs.publish([CONTENT])
    answer = gate("GET", f"/weights/{digest}", "ann", headers={"range": "bytes=5-"})
    assert answer.status_code == 403
