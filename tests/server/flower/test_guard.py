"""Without the coordinator's secret nobody on its machine can start, stop or shut out anything."""

import secrets
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.superlink.routers.control import router
from hepafed.common.errors import RunError
from hepafed.server.flower.control import Control
from hepafed.server.flower.guard import HEADER
from hepafed.server.flower.superlink import SuperLink
from hepafed.server.setup import initialise

from .test_control import line

ROUTES = sorted(route.path for route in router.routes)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def stranger(superlink: SuperLink) -> Iterator[httpx.Client]:
    """Another account of the machine: it trusts the certificate and knows the port, no more."""
    trusted = ssl.create_default_context(cadata=superlink.link.ca.decode())
    url = f"https://127.0.0.1:{superlink.port}"
    with httpx.Client(base_url=url, verify=trusted, trust_env=False, timeout=30) as made:
        yield made


def test_every_call_of_the_control_api_is_refused_without_the_secret(
    stranger: httpx.Client,
) -> None:
    assert len(ROUTES) >= 10
    for path in ROUTES:
        assert stranger.post(path).status_code == 403
        assert stranger.get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/v1/CONTROL/list-nodes", "//v1/control/list-nodes", "/v1/fleet", "/v1/runtime", "/docs", "/"],
)
def test_a_path_that_flower_does_not_ask_who_calls_is_refused(
    stranger: httpx.Client, path: str
) -> None:
    assert stranger.post(path).status_code == 403


@pytest.mark.parametrize("way", ["/v1/fleet/../control/list-nodes", "/v1/fleet/%2e%2e/control/"])
def test_no_way_leads_from_an_open_path_to_the_control_api(
    superlink: SuperLink, stranger: httpx.Client, way: str
) -> None:
    target = f"https://127.0.0.1:{superlink.port}".encode()
    request = stranger.build_request("POST", "/")
    request.url = request.url.copy_with(raw_path=way.encode())
    assert target.decode() in str(request.url)
    assert stranger.send(request).status_code in (401, 403, 404)


@pytest.mark.parametrize(
    "shown",
    [
        [],
        [(HEADER, "")],
        [(HEADER, secrets.token_hex(32))],
        [(HEADER, secrets.token_hex(32)), (HEADER, "SECRET")],
        [("authorization", "SECRET")],
    ],
)
def test_only_the_very_secret_shown_once_opens(
    superlink: SuperLink, stranger: httpx.Client, shown: list[tuple[str, str]]
) -> None:
    own = superlink.link.control.hex()
    headers = [(name, value.replace("SECRET", own)) for name, value in shown]
    assert stranger.post("/v1/control/list-nodes", headers=headers).status_code == 403
    opened = stranger.post("/v1/control/list-nodes", headers=[(HEADER, own)])
    assert opened.status_code not in (403, 404)


def test_the_coordinator_registers_while_a_stranger_is_refused(
    superlink: SuperLink, stranger: httpx.Client
) -> None:
    control = Control(superlink)
    node = control.register(line(ec.generate_private_key(ec.SECP384R1())), "g")
    assert stranger.post("/v1/control/unregister-node").status_code == 403
    assert node in control.registered_nodes()
    control.unregister(node)
    assert node not in control.registered_nodes()


def test_a_superlink_whose_control_api_is_open_is_stopped_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))  # of the program below
    initialise(tmp_path, "localhost:1", "127.0.0.1", datetime.now(UTC))
    unguarded = SuperLink(tmp_path, ("tests.server.flower.unguarded", "unguarded_superlink"))
    with pytest.raises(RunError, match="open to every account"):
        unguarded.start()
    assert not unguarded.alive
    assert (tmp_path / "flower" / "control.secret").stat().st_mode & 0o777 == 0o600
