"""A site that answers signed requests, and its coordinator, without a wire between them."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives import serialization
from flwr.app import ConfigRecord, Message, RecordDict
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.permissions import Permission, PermissionBook
from hepafed.client.release import Ledger
from hepafed.client.worker.app import SiteApp
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import (
    HeadReceipt,
    LedgerHead,
    ValidateRequest,
    pack,
    seal,
    unpack,
)
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.network.weights import Flat, Layout
from hepafed.server.members import LedgerHeads

PLAN = Plan(name="small", protocol="t2", model=ModelPlan(size=75), study="liver")
REQUEST = ValidateRequest(
    run="v-1", model="m", plan=PLAN, weights="a" * 64, threshold=0.5, split="external"
)


class Given:
    """In place of the network to the coordinator: the weights are at hand."""

    def fetch(self, _digest: str, layout: Layout) -> Flat:
        return np.random.default_rng(1).random(layout.size, np.float32)

    def send(self, *_: object) -> str:
        return "d"


class Site:
    """A site `s` and its coordinator, without a wire between them."""

    def __init__(self, folder: Path, crops: list[Crop], **policy: Any) -> None:  # noqa: ANN401
        self.home = folder / "site"
        usual = {"role": "validate", "release": "plain"}
        self.config = SiteConfig(site="s", address="localhost:1", **{**usual, **policy})
        Cohort.create(self.home).add(crops)
        self.identity = make_node_key(self.home / "keys" / "node.key")
        make_authority(folder / "keys", datetime.now(UTC))
        shutil.copy(folder / "keys" / "ca.pem", self.home / "keys" / "ca.pem")
        self.folder, self.heads = folder, LedgerHeads(folder)
        self.restart()

    def restart(self, **policy: Any) -> None:  # noqa: ANN401
        self.config = replace(self.config, **policy)
        self.app = SiteApp(self.home, self.config, Given())  # type: ignore[arg-type]
        self.ledger = Ledger(self.home)

    def allow(self, **values: Any) -> None:  # noqa: ANN401
        given, until = "2026-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"
        usual = {"id": "p-1", "study": "liver", "given": given, "until": until}
        PermissionBook(self.home, self.ledger).add(Permission(**{**usual, **values}))

    def sealed(self, request: object = REQUEST, **values: Any) -> dict[str, str]:  # noqa: ANN401
        pem = (self.folder / "keys" / "ca.key").read_bytes()
        key: Any = serialization.load_pem_private_key(pem, None)
        usual = {"requester": "anna", "now": datetime.now(UTC), "seconds": 600}
        return seal(pack(request), key, site="s", study="liver", **{**usual, **values})

    def ask(self, sealed: dict[str, str], receipt: HeadReceipt | None = None) -> object:
        """Return the answer; its head is kept by the coordinator."""
        more = {"receipt": pack(receipt)} if receipt else {}
        content = RecordDict({"hepafed": ConfigRecord({**sealed, **more})})
        message = Message(content, dst_node_id=1, message_type="query")
        record = self.app(message, None).content["hepafed"]  # type: ignore[arg-type]
        answer, self.head = unpack(str(record["json"])), unpack(str(record["head"]))
        self.size = len(str(record["json"]))
        return answer

    def receipt(self) -> HeadReceipt:
        """Return the countersignature of the last answer's head."""
        assert isinstance(self.head, LedgerHead)
        self.heads.see("s", self.identity, self.head)
        made = self.heads.receipt("s", self.identity)
        assert made is not None
        return made

    def kinds(self) -> list[str]:
        """Return the kind of each entry of the ledger, in order."""
        return [e["kind"] for e in self.ledger.entries()]

    def changes(self) -> list[str]:
        """Return what the ledger says of permissions, in order."""
        return [c["what"] for e in self.ledger.entries() for c in e.get("changes", ())]
