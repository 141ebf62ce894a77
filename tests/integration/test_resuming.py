"""A transfer that is cut goes on: the site's channel, a real gateway and a real cut."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
import numpy as np
import pytest
import uvicorn
from hepafed.client.release import Transfer
from hepafed.common.certificates import make_authority, make_server_certificate
from hepafed.common.contract import SiteConfig
from hepafed.common.network import Layout, from_bf16, to_bf16
from hepafed.server.coordinator import Coordinator
from hepafed.server.gateway import Impatient, make_gateway
from hepafed.server.members.roster import digest_of
from hepafed.server.runs import Expected, Stores

from tests.integration.lines import BULK, DOWN, UP, Line

LAYOUT = Layout(("w",), ((4_000_001,),))
WIRE = to_bf16(np.random.default_rng(5).standard_normal(LAYOUT.size, np.float32))
SIZE = len(WIRE)
T = TypeVar("T")
TLS = 0.01
"""Part of the payload that TLS and HTTP add at most."""


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Stores, int]]:
    """A gateway as `server start` runs it, with one enrolled site, and its port."""
    home, now = tmp_path / "server", datetime.now(UTC)
    make_authority(home / "keys", now)
    make_server_certificate(home / "keys", ["127.0.0.1"], now)
    coordinator = Coordinator(home)
    token, _ = coordinator.members.invite("a", "train", 1, now)
    entry = coordinator.members.invited(token, now)
    coordinator.members.enrol(entry, "key", digest_of("token"), "1", now)
    config = uvicorn.Config(
        make_gateway(coordinator, (home / "keys" / "ca.pem").read_text()),
        http=Impatient,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=3,
        log_config=None,
        ssl_certfile=str(home / "keys" / "server.pem"),
        ssl_keyfile=str(home / "keys" / "server.key"),
    )
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield coordinator.stores, int(listening.getsockname()[1])
    server.should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture
def line(stores: tuple[Stores, int]) -> Iterator[Line]:
    with closing(Line(stores[1])) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, line: Line) -> tuple[Path, SiteConfig]:
    keys = tmp_path / "site" / "keys"
    keys.mkdir(parents=True)
    (keys / "ca.pem").write_bytes((tmp_path / "server" / "keys" / "ca.pem").read_bytes())
    (keys / "token").write_text("token")
    config = SiteConfig(site="a", role="train", address=f"127.0.0.1:{line.port}")
    return tmp_path / "site", config


@pytest.fixture
def channel(site: tuple[Path, SiteConfig]) -> Iterator[Transfer]:
    with closing(Transfer(*site, 20.0, 0.1)) as made:
        yield made


@pytest.mark.parametrize("cuts", [[0.9], [0.3, 0.6, 1.0]], ids=["at 90 %", "three times"])
def test_an_upload_that_is_cut_sends_little_again(
    stores: tuple[Stores, int], line: Line, channel: Transfer, cuts: list[float]
) -> None:
    inbox = stores[0].inbox
    inbox.open_round(Expected("r", 1, frozenset(["a"]), SIZE))
    line.cuts[UP] = [int(cut * SIZE) for cut in cuts]
    channel.send("r", 1, WIRE)
    assert line.cuts[UP] == []
    assert SIZE <= line.carried[UP] <= SIZE * (1 + 0.05 * len(cuts) + TLS)
    path = inbox.take("a", hashlib.sha256(WIRE).hexdigest())
    assert path is not None
    assert path.read_bytes() == WIRE
    assert list(inbox.folder.iterdir()) == [path]


def test_an_upload_goes_on_in_another_process_of_its_site(
    stores: tuple[Stores, int], line: Line, site: tuple[Path, SiteConfig]
) -> None:
    inbox = stores[0].inbox
    inbox.open_round(Expected("r", 1, frozenset(["a"]), SIZE))
    line.cuts[UP] = [int(0.9 * SIZE)]
    with closing(Killed(*site)) as killed, pytest.raises(KeyboardInterrupt):
        killed.send("r", 1, WIRE)
    assert line.cuts[UP] == []
    with closing(Transfer(*site, 20.0, 0.1)) as channel:
        channel.send("r", 1, WIRE)
    assert line.carried[UP] <= SIZE * (1.05 + TLS)
    path = inbox.take("a", hashlib.sha256(WIRE).hexdigest())
    assert path is not None
    assert path.read_bytes() == WIRE


class Killed(Transfer):
    """A process that ends when its upload is cut."""

    def tried(self, call: Callable[[], T], furthest: Callable[[], int] = int) -> T:
        """End at the first failure."""
        try:
            return call()
        except httpx.HTTPError as e:
            raise KeyboardInterrupt from e


@pytest.mark.parametrize("cuts", [[0.9], [0.3, 0.6, 0.95]], ids=["at 90 %", "three times"])
def test_a_download_that_is_cut_fetches_little_again(
    stores: tuple[Stores, int], line: Line, channel: Transfer, cuts: list[float]
) -> None:
    digest = stores[0].blobs.publish([WIRE])
    line.cuts[DOWN] = [int(cut * SIZE) for cut in cuts]
    found = channel.fetch(digest, LAYOUT)
    assert found.tobytes() == from_bf16(WIRE, LAYOUT).tobytes()
    assert line.cuts[DOWN] == []
    assert SIZE <= line.carried[DOWN] <= SIZE * (1 + 0.05 * len(cuts) + TLS)


def test_the_line_of_these_tests_cuts_nothing_by_itself(
    stores: tuple[Stores, int], line: Line, channel: Transfer
) -> None:
    digest = stores[0].blobs.publish([WIRE])
    channel.fetch(digest, LAYOUT)
    assert SIZE > 4 * BULK
    assert SIZE <= line.carried[DOWN] <= SIZE * (1 + TLS)
