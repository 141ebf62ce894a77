"""A site's channel and the server at its other end."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hepafed.client.release.transfer import Transfer
from hepafed.common.certificates import make_authority, make_server_certificate
from hepafed.common.contract.config import SiteConfig

from .blob_server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    now = datetime.now(UTC)
    make_authority(tmp_path / "keys", now)
    make_server_certificate(tmp_path / "keys", ["127.0.0.1"], now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "keys" / "server.pem", tmp_path / "keys" / "server.key")
    made = Server()
    made.socket = context.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join(10)
    made.server_close()


@pytest.fixture
def channel(tmp_path: Path, server: Server) -> Iterator[Transfer]:
    """A channel that waits for nothing between its tries."""
    (tmp_path / "keys" / "token").write_text("the site's own\n")
    address = f"127.0.0.1:{server.server_address[1]}"
    config = SiteConfig(site="a", role="train", address=address)
    made = Transfer(tmp_path, config, 0.0, 0.0)
    with closing(made):
        yield made
