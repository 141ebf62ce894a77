"""What an evaluator promises is recorded before any site is asked, or nothing is."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
from hepafed.common.contract.evaluation import digest_of
from hepafed.common.contract.plan import Plan
from hepafed.common.network.weights import Layout
from hepafed.server.coordinator.coordinator import Coordinator
from hepafed.server.gateway.app import make_gateway
from hepafed.server.setup import initialise
from starlette.applications import Starlette

from tests.server.promises import CARD, promise

PLAN = Plan(name="t2", protocol="t2")


@dataclass
class House:
    coordinator: Coordinator
    web: Starlette
    model: str
    digest: str

    def ask(self, token: str, **values: object) -> httpx.Response:
        async def post() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.web)
            async with httpx.AsyncClient(transport=transport, base_url="https://fl") as client:
                return await client.post(
                    "/api/validate",
                    json={"model": self.model, **values},
                    headers={"authorization": token},
                )

        return asyncio.run(post())


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A coordinator (its SuperLink not started) behind its gateway, with one model."""
    now = datetime.now(UTC)
    initialise(tmp_path, "127.0.0.1:8443", "127.0.0.1", now)
    coordinator = Coordinator(tmp_path)
    for i, site in enumerate(("external-1", "external-2", "external-3")):
        token, _ = coordinator.members.invite(site, "validate", 1, now)
        entry = coordinator.members.invited(token, now)
        coordinator.members.enrol(entry, f"key {i}", f"{i:064}", str(i + 1), now)
    weights = np.arange(4, dtype=np.float32)
    layout = Layout(("w",), ((4,),))
    model = coordinator.stores.registry.add("t2", layout, weights, CARD)
    digest = coordinator.stores.registry.card(model).sha256
    ca = (tmp_path / "keys/ca.pem").read_text()
    return House(coordinator, make_gateway(coordinator, ca), model, digest)


def test_an_evaluators_promise_is_kept_and_timed_before_anything_is_asked(house: House) -> None:
    token = "Bearer " + house.coordinator.members.grant("eva", "evaluator")[0]
    text = promise(house.digest)
    before = datetime.now(UTC).isoformat()
    made = house.ask(token, evaluation=text).json()
    assert made["evaluation"] == digest_of(text)
    assert before <= made["created"] <= datetime.now(UTC).isoformat()
    assert made["sites"] == ["external-1", "external-2"]
    assert made["wait"] == 600
    runs = house.coordinator.stores.runs
    assert (runs.folder(made["id"]) / "evaluation.toml").read_text() == text
    assert runs.events(made["id"]) == []


def test_a_promise_of_another_model_starts_no_run(house: House) -> None:
    token = "Bearer " + house.coordinator.members.grant("eva", "evaluator")[0]
    answer = house.ask(token, evaluation=promise("cd" * 32))
    assert answer.status_code == 403
    assert "another model" in answer.json()["error"]
    assert house.coordinator.stores.runs.all() == []


def test_with_a_wait_every_enrolled_site_is_asked_online_or_not(house: House) -> None:
    token = "Bearer " + house.coordinator.members.grant("eva", "evaluator")[0]
    made = house.ask(token, wait=5).json()
    assert made["sites"] == ["external-1", "external-2", "external-3"]
    house.coordinator.members.revoke("external-3")
    assert house.ask(token, wait=5).json()["sites"] == ["external-1", "external-2"]


@pytest.mark.parametrize("wait", [-1, 1e9, "soon", True])
def test_a_wait_that_cannot_be_is_refused(house: House, wait: object) -> None:
    token = "Bearer " + house.coordinator.members.grant("eva", "evaluator")[0]
    assert house.ask(token, wait=wait).status_code == 400


def test_nobody_without_an_access_file_registers_anything(house: House) -> None:
    assert house.ask("Bearer nobody", evaluation=promise(house.digest)).status_code == 403
    assert house.coordinator.stores.runs.all() == []
