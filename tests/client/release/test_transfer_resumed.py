"""A transfer that was cut goes on where it was, and what is wrong is thrown away once."""

import pytest
from hepafed.client.release.transfer import FEWEST_TRIES, Transfer
from hepafed.common.errors import PayloadError, RefusedError, UnreachableError

from .blob_server import DIGEST, LAYOUT, NUMBERS, WIRE, Server

SIZE = len(WIRE)


def ranges(server: Server) -> list[str]:
    return [headers.get("range", "") for verb, _, headers, _ in server.asked if verb == "GET"]


def uploads(server: Server) -> list[tuple[int, bytes]]:
    """Give the offset and the bytes of each part of an upload."""
    return [(int(h["upload-offset"]), body) for verb, _, h, body in server.asked if verb == "PUT"]


def test_of_a_download_that_was_cut_the_rest_is_asked_for(
    server: Server, channel: Transfer
) -> None:
    server.cuts = [1000, 200_001, 1]
    assert channel.fetch(DIGEST, LAYOUT).tobytes() == NUMBERS.tobytes()
    assert ranges(server) == ["", "bytes=1000-", "bytes=201001-", "bytes=201002-"]


def test_a_server_that_gives_everything_again_is_read_from_its_first_byte(
    server: Server, channel: Transfer
) -> None:
    server.cuts, server.ranges = [1000, 5], False
    assert channel.fetch(DIGEST, LAYOUT).tobytes() == NUMBERS.tobytes()
    assert ranges(server) == ["", "bytes=1000-", "bytes=5-"]


@pytest.mark.parametrize(
    "said",
    [
        f"bytes 999-{SIZE - 1}/{SIZE}",
        f"bytes 1000-{SIZE - 2}/{SIZE}",
        f"bytes 1000-{SIZE - 1}/{SIZE + 1}",
        f"bytes 1000-{SIZE - 1}/*",
        "no range",
    ],
)
def test_another_part_than_the_one_asked_for_is_refused(
    server: Server, channel: Transfer, said: str
) -> None:
    server.cuts, server.range_said = [1000], said
    with pytest.raises(PayloadError, match="gave another part of the weights"):
        channel.fetch(DIGEST, LAYOUT)
    assert len(server.asked) == 2


def test_parts_that_together_are_wrong_are_fetched_anew_once(
    server: Server, channel: Transfer
) -> None:
    """The content changes after the cut, for once."""
    wrong = bytes([WIRE[0] ^ 1]) + WIRE[1:]
    server.cuts, server.content = [1000], wrong
    fetched = server.shutdown_request  # called when a connection is over

    def mend(request: object) -> None:
        server.content = WIRE
        fetched(request)  # type: ignore[arg-type]

    server.shutdown_request = mend  # type: ignore[method-assign]
    assert channel.fetch(DIGEST, LAYOUT).tobytes() == NUMBERS.tobytes()
    assert ranges(server) == ["", "bytes=1000-", ""]


@pytest.mark.parametrize("cuts", [[1000], [1000, SIZE, 500]], ids=["once", "anew as well"])
def test_weights_that_stay_wrong_are_refused_and_not_fetched_for_ever(
    server: Server, channel: Transfer, cuts: list[int]
) -> None:
    server.cuts, server.content = cuts, WIRE[:-1] + b"\1"
    with pytest.raises(PayloadError, match="not those of the request's digest"):
        channel.fetch(DIGEST, LAYOUT)
    assert len(server.asked) <= 4


def test_where_the_server_has_less_by_now_it_is_begun_anew(
    server: Server, channel: Transfer
) -> None:
    server.cuts = [1000]
    fetched = server.shutdown_request

    def shorten(request: object) -> None:
        server.content = WIRE[:900]
        fetched(request)  # type: ignore[arg-type]

    server.shutdown_request = shorten  # type: ignore[method-assign]
    with pytest.raises(PayloadError, match="not those of the request's digest"):
        channel.fetch(DIGEST, LAYOUT)
    assert ranges(server) == ["", "bytes=1000-", ""]


def test_an_upload_that_was_cut_goes_on_where_the_server_has_it(
    server: Server, channel: Transfer
) -> None:
    server.cuts, server.there = [1000, 4000], ["0", "700", "4500"]
    channel.send("r", 1, WIRE)
    assert [at for at, _ in uploads(server)] == [0, 700, 4500]
    assert uploads(server)[-1][1] == WIRE[4500:]
    assert [verb for verb, *_ in server.asked] == [*["HEAD", "PUT"] * 3]
    for verb, path, headers, _ in server.asked:
        assert (path, headers["upload-digest"]) == ("/updates/r/1", DIGEST)
        if verb == "HEAD":
            assert headers["upload-length"] == str(SIZE)
            assert headers["authorization"] == "Bearer the site's own"


def test_where_only_the_answer_was_lost_nothing_is_sent_again(
    server: Server, channel: Transfer
) -> None:
    server.cuts, server.there = [SIZE], ["0", str(SIZE)]
    channel.send("r", 1, WIRE)
    assert uploads(server) == [(0, WIRE)]


def test_an_upload_of_a_process_before_goes_on_where_the_server_has_it(
    server: Server, channel: Transfer
) -> None:
    """The first upload of a process asks; the next ones do not, while nothing fails."""
    server.there = ["4500"]
    channel.send("r", 1, WIRE)
    assert uploads(server) == [(4500, WIRE[4500:])]
    channel.send("r", 2, WIRE)
    assert [verb for verb, *_ in server.asked] == ["HEAD", "PUT", "PUT"]
    assert uploads(server)[1] == (0, WIRE)


@pytest.mark.parametrize("code", [405, 501])
def test_where_nobody_says_how_much_came_all_is_sent(
    server: Server, channel: Transfer, code: int
) -> None:
    server.cuts, server.head, server.there = [1000], code, ["700"]
    channel.send("r", 1, WIRE)
    assert [at for at, _ in uploads(server)] == [0, 0]
    assert uploads(server)[-1][1] == WIRE


@pytest.mark.parametrize("code", [403, 404])
def test_of_an_upload_that_nobody_wants_no_byte_is_sent(
    server: Server, channel: Transfer, code: int
) -> None:
    server.head = code
    with pytest.raises(RefusedError, match=rf"refused a transfer \({code}\)"):
        channel.send("r", 1, WIRE)
    assert uploads(server) == []


@pytest.mark.parametrize("there", [str(SIZE + 1), "-1", "", "1e3", "9" * 30, "1.0"])
def test_an_offset_that_cannot_be_is_the_beginning(
    server: Server, channel: Transfer, there: str
) -> None:
    server.cuts, server.there = [1000], [there]
    channel.send("r", 1, WIRE)
    assert [at for at, _ in uploads(server)] == [0, 0]
    assert uploads(server)[-1][1] == WIRE


def test_an_upload_of_no_bytes_is_sent_whatever_the_server_has(
    server: Server, channel: Transfer
) -> None:
    server.codes = [503]
    channel.send("r", 1, b"")
    assert uploads(server) == [(0, b""), (0, b"")]


@pytest.mark.parametrize("further", [True, False])
def test_while_a_cut_line_carries_something_it_is_not_given_up(
    server: Server, channel: Transfer, further: bool
) -> None:
    """Without patience: the fewest tries are made, and begin anew with each byte that came."""
    tries = 3 * FEWEST_TRIES
    server.cuts = [10] * tries
    server.there = [str(10 * n) if further else "10" for n in range(1, tries + 1)]
    if further:
        channel.send("r", 1, WIRE)
        assert len(uploads(server)) == tries + 1
    else:
        with pytest.raises(UnreachableError, match="does not answer"):
            channel.send("r", 1, WIRE)
        assert len(uploads(server)) < tries


def test_a_download_of_which_something_came_is_not_given_up(
    server: Server, channel: Transfer
) -> None:
    server.cuts = [10] * (3 * FEWEST_TRIES)
    assert channel.fetch(DIGEST, LAYOUT).tobytes() == NUMBERS.tobytes()
    assert len(server.asked) == 3 * FEWEST_TRIES + 1
