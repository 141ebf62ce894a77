"""What a site's channel says and takes, against a small HTTPS server on loopback."""

import hashlib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.release.transfer import Transfer
from hepafed.common.certificates import make_authority
from hepafed.common.contract.config import SiteConfig
from hepafed.common.errors import PayloadError, RefusedError, UnreachableError

from .blob_server import DIGEST, LAYOUT, NUMBERS, WIRE, Server


def test_weights_are_fetched_by_their_digest_with_the_site_s_token(
    server: Server, channel: Transfer
) -> None:
    found = channel.fetch(DIGEST, LAYOUT)
    assert (found.dtype, found.tobytes()) == (np.float32, NUMBERS.tobytes())
    ((verb, path, headers, body),) = server.asked
    assert (verb, path, body) == ("GET", f"/weights/{DIGEST}", b"")
    assert headers["authorization"] == "Bearer the site's own"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (WIRE + b"\0", "longer than the plan's model"),
        (WIRE + b"\0\0" * 100_000, "longer than the plan's model"),
        (WIRE[:-2], "not those of the request's digest"),
        (WIRE[:-1] + b"\1", "not those of the request's digest"),
        (b"\1" + WIRE[1:], "not those of the request's digest"),
        (b"", "not those of the request's digest"),
    ],
    ids=["a byte more", "pieces more", "a number less", "last byte", "first byte", "nothing"],
)
def test_other_bytes_than_those_of_the_digest_are_refused_at_once(
    server: Server, channel: Transfer, content: bytes, why: str
) -> None:
    server.content = content
    with pytest.raises(PayloadError, match=why):
        channel.fetch(DIGEST, LAYOUT)
    assert len(server.asked) == 1


def test_bytes_of_their_digest_but_of_another_model_are_refused(
    server: Server, channel: Transfer
) -> None:
    server.content = WIRE[:-2]
    with pytest.raises(PayloadError, match="not those of the request's digest"):
        channel.fetch(hashlib.sha256(WIRE[:-2]).hexdigest(), LAYOUT)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_003])
@pytest.mark.parametrize("kind", [bytes, memoryview])
def test_an_update_arrives_whole_at_its_run_and_round(
    server: Server, channel: Transfer, size: int, kind: Callable[[bytes], bytes | memoryview]
) -> None:
    content = np.random.default_rng(size).bytes(size)
    channel.send("t2-1a2b3c", 17, kind(content))
    (verb, path, headers, body) = server.asked[-1]
    assert [verb for verb, *_ in server.asked] == ["HEAD", "PUT"]
    assert (verb, path, headers["content-length"]) == ("PUT", "/updates/t2-1a2b3c/17", str(size))
    assert "transfer-encoding" not in headers
    assert headers["authorization"] == "Bearer the site's own"
    assert body == content


def moved(channel: Transfer, what: str) -> None:
    if what == "fetch":
        channel.fetch(DIGEST, LAYOUT)
    else:
        channel.send("r", 1, WIRE)


@pytest.mark.parametrize("what", ["fetch", "send"])
@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_server_that_does_not_want_it_is_not_asked_again(
    server: Server, channel: Transfer, what: str, code: int
) -> None:
    server.codes = [code]
    with pytest.raises(RefusedError, match=rf"refused a transfer \({code}\)"):
        moved(channel, what)
    assert len([a for a in server.asked if a[0] != "HEAD"]) == 1


@pytest.mark.parametrize("what", ["fetch", "send"])
@pytest.mark.parametrize("code", [401, 402, 405, 500, 502, 503])
def test_a_transfer_of_which_nothing_came_is_made_again_from_its_start(
    server: Server, channel: Transfer, what: str, code: int
) -> None:
    server.codes = [code, code]
    moved(channel, what)
    asked = [(headers, body) for verb, _, headers, body in server.asked if verb != "HEAD"]
    assert len(asked) == 3
    assert {body for _, body in asked} == {WIRE if what == "send" else b""}
    assert not any("range" in headers for headers, _ in asked)


def test_a_server_of_another_authority_is_not_talked_to(server: Server, tmp_path: Path) -> None:
    make_authority(tmp_path / "b" / "keys", datetime.now(UTC))
    (tmp_path / "b" / "keys" / "token").write_text("t")
    address = f"127.0.0.1:{server.server_address[1]}"
    config = SiteConfig(site="a", role="train", address=address)
    with (
        closing(Transfer(tmp_path / "b", config, 0.0, 0.0)) as other,
        pytest.raises(UnreachableError, match="does not answer") as caught,
    ):
        other.send("r", 1, b"secret")
    assert caught.value.hint == "client check says why"
    assert server.asked == []


@pytest.mark.parametrize("what", ["fetch", "send"])
def test_a_coordinator_whose_disk_is_full_is_asked_until_it_has_room(
    server: Server, channel: Transfer, what: str
) -> None:
    server.codes = [507] * 30
    moved(channel, what)
    assert len([a for a in server.asked if a[0] != "HEAD"]) == 31


def test_a_full_disk_takes_no_patience_from_an_outage_after_it(
    server: Server, channel: Transfer
) -> None:
    server.codes = [*[507] * 5, *[503] * 20]
    with pytest.raises(UnreachableError):
        moved(channel, "send")
    assert len([a for a in server.asked if a[0] != "HEAD"]) == 6
    server.asked.clear()
    server.codes = [*[507] * 5, 403]
    with pytest.raises(RefusedError):
        moved(channel, "send")
    assert len([a for a in server.asked if a[0] != "HEAD"]) == 6
