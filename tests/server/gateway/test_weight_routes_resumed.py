"""An upload that broke off goes on where it was: for its sender, round and digest alone."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hepafed.server.runs.inbox import Expected

from .gates import Gate, said

CONTENT = bytes(range(251)) * 40
SIZE = len(CONTENT)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
PATH = "/updates/r/1"


@pytest.fixture
def open_gate(gate: Gate) -> Gate:
    """A gateway with two sites, whose uploads of round 1 are expected."""
    gate.site("a")
    gate.site("b")
    gate.stores.inbox.open_round(Expected("r", 1, frozenset(["a", "b"]), SIZE))
    return gate


def files(gate: Gate) -> list[str]:
    return sorted(p.suffix for p in gate.stores.inbox.folder.iterdir())


def break_off(gate: Gate, content: bytes, start: int = 0, digest: str = DIGEST) -> int:
    """Upload the beginning of the rest of an update, and then disconnect; return the code."""
    events = [
        {"type": "http.request", "body": content, "more_body": True},
        {"type": "http.disconnect"},
    ]
    answer: list[Any] = []

    async def receive() -> Any:  # noqa: ANN401
        return events.pop(0)

    async def send(message: Any) -> None:  # noqa: ANN401
        answer.append(message)

    stated = {
        "authorization": "Bearer token of a",
        "content-length": str(SIZE - start),
        "upload-offset": str(start),
        **({"upload-digest": digest} if digest else {}),
    }
    headers = [(k.encode(), v.encode()) for k, v in stated.items()]
    scope = {
        "type": "http", "method": "PUT", "path": PATH, "query_string": b"", "headers": headers,
    }  # fmt: skip
    gate.loop.run_until_complete(gate.app(scope, receive, send))
    return int(answer[0]["status"])


def held(gate: Gate, who: str = "a", digest: str = DIGEST, size: object = SIZE) -> Any:  # noqa: ANN401
    """Return how much of an upload the gateway has, or the code of its refusal."""
    headers = {"upload-digest": digest, "upload-length": str(size)}
    answer = gate("HEAD", PATH, who, headers=headers)
    assert answer.content == b"" or answer.status_code != 200
    return int(answer.headers["upload-offset"]) if answer.status_code == 200 else answer.status_code


def put(
    gate: Gate, content: bytes, start: object = 0, who: str = "a", digest: str = DIGEST
) -> httpx.Response:
    headers = {"upload-digest": digest, "upload-offset": str(start)}
    return gate("PUT", PATH, who, content=content, headers=headers)


def arrived(gate: Gate, who: str = "a") -> bytes | None:
    path = gate.stores.inbox.take(who, DIGEST)
    return None if path is None else path.read_bytes()


def test_an_upload_goes_on_where_it_broke_off_as_often_as_it_does(open_gate: Gate) -> None:
    assert held(open_gate) == 0
    at = 0
    for step in (1, 4000, 2, 5999):
        break_off(open_gate, CONTENT[at : at + step], at)
        at += step
        assert held(open_gate) == at
        assert files(open_gate) == [".part"]
    answer = put(open_gate, CONTENT[at:], at)
    assert (answer.status_code, answer.json()) == (200, {"sha256": DIGEST})
    assert files(open_gate) == [".update"]
    assert arrived(open_gate) == CONTENT


def test_of_an_upload_that_names_no_digest_nothing_is_kept(open_gate: Gate) -> None:
    break_off(open_gate, CONTENT[:100], digest="")
    assert files(open_gate) == []
    headers = {"upload-offset": "100"}
    answer = open_gate("PUT", PATH, "a", content=CONTENT[100:], headers=headers)
    assert said(answer) == (403, "an upload without its digest begins at its first byte")


def test_an_upload_that_came_whole_is_all_there(open_gate: Gate) -> None:
    assert put(open_gate, CONTENT).status_code == 200
    assert (held(open_gate), held(open_gate, digest=OTHER), held(open_gate, "b")) == (SIZE, 0, 0)
    assert arrived(open_gate) == CONTENT
    assert held(open_gate) == 403


def test_what_came_is_its_sender_s_alone(open_gate: Gate) -> None:
    break_off(open_gate, CONTENT[:100])
    assert held(open_gate, "b") == 0
    assert put(open_gate, CONTENT[100:], 100, "b").status_code == 503
    assert held(open_gate) == 100
    open_gate.tokens["stranger"] = "guessed"
    assert held(open_gate, "stranger") == held(open_gate, "") == held(open_gate, "ann") == 403
    assert put(open_gate, CONTENT[100:], 100).status_code == 200
    assert arrived(open_gate) == CONTENT
    assert arrived(open_gate, "b") is None


@pytest.mark.parametrize(
    ("start", "digest"), [(99, DIGEST), (101, DIGEST), (100, OTHER), (1, DIGEST)]
)
def test_an_upload_that_goes_on_elsewhere_is_made_from_its_beginning(
    open_gate: Gate, start: int, digest: str
) -> None:
    break_off(open_gate, CONTENT[:100])
    answer = put(open_gate, CONTENT[start:], start, digest=digest)
    assert said(answer) == (503, "the upload does not go on there")
    assert files(open_gate) == []
    assert held(open_gate) == 0
    assert put(open_gate, CONTENT).status_code == 200


def test_a_site_has_one_upload_that_broke_off(open_gate: Gate) -> None:
    break_off(open_gate, CONTENT[:100])
    break_off(open_gate, b"x" * 70, digest=OTHER)
    assert files(open_gate) == [".part"]
    assert (held(open_gate), held(open_gate, digest=OTHER)) == (0, 70)


@pytest.mark.parametrize("harm", ["flipped", "halved", "longer", "gone"])
def test_what_came_and_was_damaged_since_is_thrown_away(open_gate: Gate, harm: str) -> None:
    break_off(open_gate, CONTENT[:100])
    (part,) = open_gate.stores.inbox.folder.iterdir()
    content = part.read_bytes()
    match harm:
        case "flipped":
            part.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
        case "halved":
            part.write_bytes(content[:50])
        case "longer":
            part.write_bytes(content + b"\0")
        case _:
            part.unlink()
    assert put(open_gate, CONTENT[100:], 100).status_code == 503
    assert files(open_gate) == []
    assert held(open_gate) == 0
    assert put(open_gate, CONTENT).status_code == 200
    assert arrived(open_gate) == CONTENT


def test_parts_that_together_are_wrong_are_thrown_away_and_sent_anew(open_gate: Gate) -> None:
    break_off(open_gate, CONTENT[:100])
    answer = put(open_gate, CONTENT[100:-1] + b"\0", 100)
    assert said(answer) == (503, "the parts of the upload do not make what was announced")
    assert files(open_gate) == []
    assert held(open_gate) == 0


def test_a_whole_upload_that_is_not_what_was_announced_is_refused(open_gate: Gate) -> None:
    answer = put(open_gate, CONTENT[:-1] + b"\0")
    assert said(answer) == (400, "the upload is not what was announced")
    assert files(open_gate) == []


@pytest.mark.parametrize(
    ("rest", "start"),
    [
        (CONTENT[100:-1], 100),
        (CONTENT[100:] + b"\0", 100),
        (CONTENT, 100),
        (b"", 100),
        (b"", SIZE + 1),
        (b"x", 10**18),
    ],
)
def test_offset_and_length_make_the_model_s_size(open_gate: Gate, rest: bytes, start: int) -> None:
    break_off(open_gate, CONTENT[:100])
    answer = put(open_gate, rest, start)
    assert answer.status_code == 403
    assert f"an update must have {SIZE} bytes; this one has" in said(answer)[1]
    assert held(open_gate) == 100


@pytest.mark.parametrize("start", ["-1", "+1", "1.0", "0x1", " ", "9" * 20, "1e3"])
def test_an_offset_is_a_number(open_gate: Gate, start: str) -> None:
    answer = put(open_gate, CONTENT, start)
    assert said(answer) == (403, "the round or the length of an upload is not a number")
    assert files(open_gate) == []


@pytest.mark.parametrize("digest", [DIGEST[:-1], DIGEST.upper(), DIGEST + "0", "../a", "0"])
def test_a_digest_is_a_sha_256(open_gate: Gate, digest: str) -> None:
    answer = put(open_gate, CONTENT, digest=digest)
    assert said(answer) == (403, "the digest of an upload is not a SHA-256")
    assert held(open_gate, digest=digest) == 403
    assert files(open_gate) == []


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1, "", "-1", "9" * 20])
def test_it_is_asked_for_uploads_of_the_model_s_size(open_gate: Gate, size: object) -> None:
    break_off(open_gate, CONTENT[:100])
    assert held(open_gate, size=size) == 403


def test_more_bytes_than_the_rest_are_not_kept(open_gate: Gate) -> None:
    break_off(open_gate, CONTENT[:100])

    async def parts() -> AsyncIterator[bytes]:
        yield CONTENT[100:200]
        yield CONTENT[200:] + b"\0"

    headers = {
        "upload-digest": DIGEST,
        "upload-offset": "100",
        "content-length": str(SIZE - 100),
    }
    answer = open_gate("PUT", PATH, "a", content=parts(), headers=headers)
    assert said(answer) == (403, f"the upload is not of {SIZE} bytes")
    assert files(open_gate) == []


@pytest.mark.parametrize("how", ["closed", "opened again", "next round"])
def test_what_came_goes_with_its_round(open_gate: Gate, how: str) -> None:
    inbox = open_gate.stores.inbox
    break_off(open_gate, CONTENT[:100])
    if how == "closed":
        inbox.close_round()
        assert files(open_gate) == []
        assert held(open_gate) == 403
        assert [(late.site, late.round) for late in inbox.late("r")] == [("a", 1)]
        return
    number = 1 if how == "opened again" else 2
    inbox.open_round(Expected("r", number, frozenset(["a"]), SIZE))
    assert files(open_gate) == []
    assert held(open_gate) == (0 if number == 1 else 403)


@pytest.mark.parametrize("again", [False, True])
def test_of_an_upload_that_outlives_its_round_nothing_is_kept(open_gate: Gate, again: bool) -> None:
    inbox = open_gate.stores.inbox
    upload = inbox.begin("a", DIGEST, 0)
    upload.add(CONTENT[:100])
    inbox.close_round()
    if again:
        inbox.open_round(Expected("r", 1, frozenset(["a"]), SIZE))
    inbox.broke_off("a", "r", 1, upload)
    assert files(open_gate) == []
    assert inbox.held("a", DIGEST, SIZE) == 0


def test_where_a_file_was_deleted_no_other_one_takes_its_place(open_gate: Gate) -> None:
    """A round that began anew while the upload went on: its rest alone must not count."""
    inbox = open_gate.stores.inbox
    break_off(open_gate, CONTENT[:100])
    upload = inbox.begin("a", DIGEST, 100)
    inbox.open_round(Expected("r", 1, frozenset(["a"]), SIZE))
    upload.add(CONTENT[100:])
    upload.close()
    assert not upload.path.exists()


def test_an_upload_that_came_too_slowly_goes_on_too(tmp_path: Path) -> None:
    gate = Gate(tmp_path, block_seconds=0.2)
    gate.site("a")
    gate.stores.inbox.open_round(Expected("r", 1, frozenset(["a"]), SIZE))

    async def halting() -> AsyncIterator[bytes]:
        yield CONTENT[:100]
        await asyncio.sleep(30)

    headers = {"upload-digest": DIGEST, "content-length": str(SIZE)}
    answer = gate("PUT", PATH, "a", content=halting(), headers=headers)
    assert said(answer) == (503, "the upload came too slowly")
    assert held(gate) == 100
    assert put(gate, CONTENT[100:], 100).status_code == 200
    gate.close()
