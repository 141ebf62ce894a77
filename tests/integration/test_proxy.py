"""A site behind its hospital's proxy: the coordinator's name leads nowhere but through it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.common.errors import RunError
from hepafed.common.processes import free_port
from hepafed.deploy.demo.federation import BIN, Federation, federation

from .proxies import Proxy

NAME = "coordinator.test"
"""RFC 6761: no name server knows it."""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Federation]:
    """Start a coordinator, itself with a proxy in its environment: its loopback goes past it."""
    proxy = Proxy({NAME: port})
    with (
        pytest.MonkeyPatch.context() as environment,
        federation(tmp_path_factory.mktemp("proxied")) as made,
    ):
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            environment.setenv(name, proxy.url)
        made.address = f"{NAME}:{port}"
        made.command("server", "init", "--address", made.address, "--listen", "127.0.0.1")
        made.start_server()
        yield made
    proxy.close()


@pytest.fixture
def site_proxy(
    port: int, fed: Federation, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Proxy]]:
    """Put another proxy into the environment of the site that starts next."""
    made: list[Proxy] = []

    def put(inspects: Path | None = None) -> Proxy:
        made.append(Proxy({NAME: port}, inspects))
        url = made[-1].url.replace("http://", "http://liver:secret@")
        monkeypatch.setenv("HTTPS_PROXY", url)
        return made[-1]

    yield put
    for proxy in made:
        proxy.close()


def checked(fed: Federation, site: str) -> str:
    """Return what `client check` says; it fails, for there is no cohort yet."""
    command = [BIN / "client", "--home", fed.home(site), "check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "pass  server" in done.stdout
    return done.stdout + done.stderr


def test_a_site_joins_checks_and_comes_online_through_a_proxy(
    fed: Federation, site_proxy: Callable[..., Proxy]
) -> None:
    proxy = site_proxy()
    fed.enrol("tunnelled", "validate")
    said = checked(fed, "tunnelled")
    assert f"through {proxy.url.removeprefix('http://')} (HTTPS_PROXY)" in said
    crop = Crop("l", "p", 0, ("t2",), np.zeros((1, 1, 160, 160), np.float16))
    Cohort.create(fed.home("tunnelled")).add([crop])
    fed.start("tunnelled")
    fed.wait_online(["tunnelled"])
    assert set(proxy.tunnels) == {fed.address}
    written = (p.read_text() for p in fed.home("tunnelled").glob("*.log"))
    assert "secret" not in said + "".join(written)


def test_a_proxy_that_decrypts_is_refused_until_its_authority_is_named(
    fed: Federation, site_proxy: Callable[..., Proxy], tmp_path: Path
) -> None:
    fed.command("server", "invite", "read", "--role", "validate", "-o", str(fed.folder))
    invite = fed.folder / "read.invite"
    proxy = site_proxy(tmp_path)
    with pytest.raises(RunError, match="--proxy-ca"):
        fed.command("read", "join", str(invite))
    assert b"/enrol" not in proxy.read
    with pytest.raises(RunError, match="holds no certificate"):
        fed.command("read", "join", str(invite), "--proxy-ca", str(tmp_path / "ca.key"))
    fed.command("read", "join", str(invite), "--proxy-ca", str(tmp_path / "ca.pem"))
    assert b"POST /enrol" in proxy.read
    assert "it can read what this site sends" in checked(fed, "read")
