"""The gateway in this process over real files; only Flower is ours."""

import asyncio
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.errors import UnreachableError
from hepafed.common.network import Layout
from hepafed.common.records import write_record
from hepafed.common.releases import RELEASE
from hepafed.server.coordinator.coordinator import Coordinator
from hepafed.server.coordinator.membership import Membership
from hepafed.server.coordinator.preparation import Make, StartingWeights
from hepafed.server.coordinator.requests import Requests
from hepafed.server.flower import Control
from hepafed.server.formats import ModelCard, OperatingPoint, TuningScores
from hepafed.server.gateway.app import make_gateway
from hepafed.server.members.admission import Admission
from hepafed.server.members.heads import LedgerHeads
from hepafed.server.members.roster import Members, digest_of
from hepafed.server.models.cards import INTENDED_USE, LIMITS
from hepafed.server.runs.stores import Stores

PLAN = Plan(name="demo", protocol="t2", rounds=RoundsPlan(quorum=1))


class Flower:
    """In place of Flower's Control API: nodes by number, all of them online."""

    def __init__(self) -> None:
        self.nodes: dict[str, str] = {}
        self.away = False

    def register(self, public_key: str, _site: str) -> str:
        node = str(len(self.nodes) + 7)
        self.nodes[node] = public_key
        return node

    def unregister(self, node: str) -> None:
        del self.nodes[node]

    def registered_nodes(self) -> set[str]:
        return self.online_nodes()

    def online_nodes(self) -> set[str]:
        if self.away:
            raise UnreachableError("the SuperLink does not answer")
        return set(self.nodes)


def signature(path: Path, at: datetime | None = None) -> dict[str, str]:
    """Return the headers that a SuperNode signs with a private key, at our clock's time or `at`."""
    text = (at or datetime.now(UTC)).isoformat()
    key = load_ssh_private_key(path.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    signed = key.sign(text.encode(), ECDSA(SHA256()))
    return {"flwr-timestamp": text, "flwr-signature": b64encode(signed).decode()}


def made_at_once(_plan: Plan, out: Path | None) -> StartingWeights:
    """Write no weights worth the name."""
    if out is not None:
        out.write_bytes(b"weights")
    return StartingWeights((), "")


class Gate:
    """A coordinator's home and its gateway; a call is made as a person, a site or a stranger."""

    def __init__(self, home: Path, port: int = 1, block_seconds: float = 60.0) -> None:
        make_authority(home / "keys", datetime.now(UTC))
        self.home, self.flower = home, Flower()
        self.members, self.stores = Members(home), Stores(home)
        membership = Membership(self.members, cast("Control", self.flower), LedgerHeads(home))
        self.presence = membership.presence
        self.woken, self.free = 0, 10**12
        self.make: Make = made_at_once
        self.requests = Requests(
            self.stores.runs,
            self.stores.registry,
            self.members,
            membership,
            self._wake,
            lambda plan, out: self.make(plan, out),
            lambda _home: self.free,
        )
        parts = SimpleNamespace(
            members=self.members,
            admission=Admission(home, self.members),
            stores=self.stores,
            membership=membership,
            requests=self.requests,
            superlink=SimpleNamespace(port=port),
        )
        ca = (home / "keys" / "ca.pem").read_text()
        self.app = make_gateway(cast("Coordinator", parts), ca, block_seconds)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="https://gateway")
        self.loop = asyncio.new_event_loop()
        self.tokens = {
            "ann": self.members.grant("ann", "coordinator")[0],
            "eva": self.members.grant("eva", "evaluator")[0],
            "nobody": "guessed",
        }

    def _wake(self) -> None:
        self.woken += 1

    def site(self, name: str, role: str = "train") -> str:
        """Enrol a site, as Flower's node too; return the public line of its key."""
        now = datetime.now(UTC)
        invite, _ = self.members.invite(name, role, 1, now)
        key = make_node_key(self.home / f"{name}.key")
        node = self.flower.register(key, name)
        own = digest_of(f"token of {name}")
        self.members.enrol(self.members.invited(invite, now), key, own, node, now)
        self.members.stated(name, RELEASE)
        self.tokens[name] = f"token of {name}"
        return key

    def signed(self, name: str, at: datetime | None = None) -> dict[str, str]:
        """Return a call's headers as the site's SuperNode signs them; enrol it if it is new."""
        if name not in self.tokens:
            self.site(name)
        line = self.members.sites()[name].public_key
        pem = load_ssh_public_key(line.encode()).public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        return {
            "flwr-public-key": b64encode(pem).decode(),
            **signature(self.home / f"{name}.key", at),
        }

    def node(self, name: str) -> int:
        """Return Flower's node id of a site."""
        return int(self.members.sites()[name].node)

    def freeze(self, value: float = 1.0) -> str:
        """Put a model of two numbers into the registry."""
        card = ModelCard(
            protocol="t2",
            plan=write_record(PLAN),
            run="r",
            round=1,
            created="2026-01-01T00:00:00+00:00",
            strategy="fedavg",
            training_examples={},
            operating_point=OperatingPoint(threshold=0.5, rule="", chosen_on=""),
            tuning_scores=TuningScores(edges=(0, 65536), positives=(7,), negatives=(8,)),
            parameters=2,
            intended_use=INTENDED_USE,
            limits=LIMITS,
        )
        weights = np.full(2, value, np.float32)
        return self.stores.registry.add("demo", Layout(("w",), ((2,),)), weights, card)

    def __call__(self, method: str, path: str, who: str = "", **how: Any) -> httpx.Response:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        headers |= how.pop("headers", {})
        call = self.http.request(method, path, headers=headers, **how)
        return self.loop.run_until_complete(call)

    def close(self) -> None:
        self.loop.run_until_complete(self.http.aclose())
        self.loop.close()


def said(answer: httpx.Response) -> tuple[int, str]:
    """Return the code of a refusal and its words."""
    return answer.status_code, answer.json()["error"]
