"""The public port against outsiders and the shut out, with a coordinator of its own.

It listens on 127.0.0.2, so that what is bound beyond 127.0.0.1 can be told apart without leaving
this machine.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from hepafed.client.release.transfer import Transfer
from hepafed.common.certificates import make_authority, make_node_key, pinned
from hepafed.common.contract.config import Access, SiteConfig, read_toml
from hepafed.common.errors import PayloadError, RefusedError, RunError
from hepafed.common.network.weights import Layout, from_bf16, to_bf16
from hepafed.common.processes import free_port, stop_process, tied_environment
from hepafed.deploy.demo.federation import Federation, federation
from hepafed.server.runs.blobs import Blobs

PUBLIC = "127.0.0.2"


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    with federation(tmp_path_factory.mktemp("gateway")) as made:
        made.address = f"{PUBLIC}:{free_port()}"
        made.command("server", "init", "--address", made.address, "--listen", PUBLIC)
        made.start_server()
        yield made


@contextmanager
def _supernode(fed: Federation, site: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the SuperNode of an enrolled site, without its worker."""
    keys, config = fed.home(site) / "keys", fed.home(site) / "site.toml"
    address = read_toml(SiteConfig, config, "").address
    command = [
        sys.executable,
        "-m",
        "hepafed.common.processes",
        "hepafed.client.worker.supernode",
        "main",
        "--root-certificates",
        str(keys / "ca.pem"),
        "--superlink",
        address,
        "--auth-supernode-private-key",
        str(keys / "node.key"),
        "--isolation",
        "process",
        "--host",
        "127.0.0.1",
        "--port",
        str(free_port()),
    ]
    with (fed.home(site) / "supernode.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=tied_environment(fed.home(site) / "flower")
        )
    try:
        yield process
    finally:
        stop_process(process)


def _is_let_in(fed: Federation, site: str) -> bool:
    """Ask for weights that do not exist with the site's token: is it only that they do not?"""
    keys = fed.home(site) / "keys"
    answer = httpx.get(
        f"https://{fed.address}/weights/{'0' * 64}",
        headers={"Authorization": f"Bearer {(keys / 'token').read_text().strip()}"},
        verify=pinned((keys / "ca.pem").read_text()),
    )
    assert answer.status_code == 403
    return str(answer.json()["error"]) == "no such weights"


def test_only_the_gateway_is_bound_beyond_the_inner_loopback(fed: Federation) -> None:
    (server,) = fed.running
    root = psutil.Process(server.pid)
    bound = [
        c.laddr
        for process in (root, *root.children(recursive=True))
        for c in process.net_connections(kind="inet")
        if c.status == psutil.CONN_LISTEN
    ]
    outer = [a for a in bound if a.ip not in ("127.0.0.1", "::1")]
    assert [f"{a.ip}:{a.port}" for a in outer] == [fed.address]
    assert len(bound) > 1


def test_a_revoked_site_is_shut_out_of_weights_and_fleet(fed: Federation) -> None:
    fed.enrol("leaver", "train")
    with _supernode(fed, "leaver"):
        fed.wait_online(["leaver"])
        assert _is_let_in(fed, "leaver")
        fed.command("server", "revoke", "leaver")
        assert not _is_let_in(fed, "leaver")
        (known,) = (s for s in fed.json("sites") if s["site"] == "leaver")
        assert known["state"] == "revoked"
        assert not known["online"]
    with _supernode(fed, "leaver") as again:
        assert again.wait(300) != 0


def test_a_node_that_nobody_enrolled_is_shut_out(fed: Federation) -> None:
    fed.enrol("stayer", "train")
    make_node_key(fed.home("stayer") / "keys/node.key")
    with _supernode(fed, "stayer") as stranger:
        assert stranger.wait(300) != 0


def test_an_invite_of_another_coordinators_ca_joins_nothing(
    fed: Federation, tmp_path: Path
) -> None:
    fed.command("server", "invite", "fooled", "--role", "train", "-o", str(tmp_path))
    make_authority(tmp_path, datetime.now(UTC))
    invite = tmp_path / "fooled.invite"
    own = read_toml(Access, fed.home("server") / "coordinator.access", "").ca
    text = invite.read_text()
    assert own in text
    invite.write_text(text.replace(own, (tmp_path / "ca.pem").read_text()))
    with pytest.raises(RunError, match="its certificate is not from this federation"):
        fed.command("fooled", "join", str(invite))
    assert not fed.home("fooled").exists()
    invite.write_text(text)
    fed.command("fooled", "join", str(invite))


@pytest.fixture(scope="module")
def transfer(fed: Federation) -> Iterator[Transfer]:
    fed.enrol("mover", "train")
    config = read_toml(SiteConfig, fed.home("mover") / "site.toml", "")
    made = Transfer(fed.home("mover"), config)
    with closing(made):
        yield made


LAYOUT = Layout(("w",), ((3_000_001,),))


def test_weights_arrive_as_they_were_published(fed: Federation, transfer: Transfer) -> None:
    numbers = np.random.default_rng(1).standard_normal(LAYOUT.size, np.float32)
    wire = to_bf16(numbers)
    digest = Blobs(fed.home("server")).publish([wire])
    found = transfer.fetch(digest, LAYOUT)
    assert found.tobytes() == from_bf16(wire, LAYOUT).tobytes()


def test_weights_of_another_length_or_content_are_refused(
    fed: Federation, transfer: Transfer
) -> None:
    blobs = Blobs(fed.home("server"))
    digest = blobs.publish([b"12"])
    with pytest.raises(PayloadError, match="digest"):
        transfer.fetch(digest, LAYOUT)
    longer = blobs.publish([b"123456"])
    with pytest.raises(PayloadError, match="longer"):
        transfer.fetch(longer, Layout(("w",), ((1,),)))
    blobs.path(digest).write_bytes(b"34")
    with pytest.raises(PayloadError, match="digest"):
        transfer.fetch(digest, Layout(("w",), ((1,),)))
    with pytest.raises(RefusedError):
        transfer.fetch("0" * 64, LAYOUT)


def test_an_update_that_nobody_asked_for_is_not_taken(fed: Federation, transfer: Transfer) -> None:
    with pytest.raises(RefusedError):
        transfer.send("t2-1a2b3c", 1, b"1234")
    assert not list((fed.home("server")).glob("inbox/*"))


def _said_to(fed: Federation, head: bytes) -> bytes:
    """Send a request's head and nothing more; gives the answer's beginning, b"" when cut off."""
    ca = (fed.home("server") / "keys" / "ca.pem").read_text()
    host, port = fed.address.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=20) as plain,
        pinned(ca).wrap_socket(plain, server_hostname=host) as peer,
    ):
        peer.sendall(head)
        try:
            return peer.recv(1000)
        except ConnectionError:
            return b""


def test_a_stranger_is_refused_before_a_body_is_read(fed: Federation) -> None:
    length = b"content-length: 40000000\r\n\r\n"
    answer = _said_to(fed, b"POST /v1/fleet/push-messages HTTP/1.1\r\nhost: x\r\n" + length)
    assert answer.startswith(b"HTTP/1.1 401")
    assert _said_to(fed, b"POST /enrol HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n") == b""


def test_plain_http_fails_loudly(fed: Federation) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"http://{fed.address}/enrol", json={}, timeout=5)


def test_an_evaluator_may_not_do_what_the_coordinator_may(fed: Federation, tmp_path: Path) -> None:
    fed.command("server", "grant", "eve", "--role", "evaluator", "-o", str(tmp_path))
    access = str(tmp_path / "eve.access")
    assert "[" in fed.command("server", "sites", "--json", "--access", access)
    for words in (("revoke", "late"), ("invite", "x", "--role", "train")):
        with pytest.raises(RunError, match="error:"):
            fed.command("server", *words, "--access", access)


def test_a_used_invite_is_refused(fed: Federation, tmp_path: Path) -> None:
    fed.command("server", "invite", "once", "--role", "validate", "-o", str(tmp_path))
    fed.command("once", "join", str(tmp_path / "once.invite"))
    with pytest.raises(RunError, match="error:"):
        fed.command("twice", "join", str(tmp_path / "once.invite"))
    assert not fed.home("twice").exists()


def test_an_invite_that_expires_at_once_is_refused_by_the_server_too(
    fed: Federation, tmp_path: Path
) -> None:
    fed.command(
        "server", "invite", "late", "--role", "train", "--expires", "0h", "-o", str(tmp_path)
    )
    time.sleep(1)
    invite = tmp_path / "late.invite"
    lines = invite.read_text().splitlines(keepends=True)
    # a site whose clock is behind, or who edits the file, gets no further
    invite.write_text(
        "".join(
            'expires = "2999-01-01T00:00:00+00:00"\n' if x.startswith("expires") else x
            for x in lines
        )
    )
    with pytest.raises(RunError, match="expired"):
        fed.command("late", "join", str(invite))
    assert not fed.home("late").exists()
