"""A signed request goes in, one answer comes out, and each promise holds at the app itself."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from flwr.app import ConfigRecord, Message, RecordDict
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.permissions import Permission, PermissionBook
from hepafed.client.release import Ledger
from hepafed.client.worker.app import SiteApp
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import (
    CohortRequest,
    CohortSummary,
    HeadReceipt,
    LedgerHead,
    Refusal,
    SiteSummary,
    ValidateRequest,
    Waits,
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

    def __init__(self, folder: Path, crops: list[Crop]) -> None:
        self.home = folder / "site"
        Cohort.create(self.home).add(crops)
        self.identity = make_node_key(self.home / "keys" / "node.key")
        make_authority(folder / "keys", datetime.now(UTC))
        shutil.copy(folder / "keys" / "ca.pem", self.home / "keys" / "ca.pem")
        self.folder, self.heads = folder, LedgerHeads(folder)
        self.restart()

    def restart(self, release: str = "plain") -> None:
        config = SiteConfig(site="s", role="validate", address="localhost:1", release=release)
        self.app = SiteApp(self.home, config, Given())  # type: ignore[arg-type]
        self.ledger = Ledger(self.home)

    def allow(self, **values: Any) -> None:  # noqa: ANN401
        given, until = "2026-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"
        usual = {"id": "p-1", "study": "liver", "given": given, "until": until}
        PermissionBook(self.home, self.ledger).add(Permission(**{**usual, **values}))

    def sealed(self) -> dict[str, str]:
        pem = (self.folder / "keys" / "ca.key").read_bytes()
        key: Any = serialization.load_pem_private_key(pem, None)
        now = datetime.now(UTC)
        return seal(
            pack(REQUEST), key, site="s", requester="anna", study="liver", now=now, seconds=600
        )

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


@pytest.fixture
def site(tmp_path: Path, crops: Callable[..., list[Crop]], in_flower: None) -> Site:
    return Site(tmp_path, crops(6))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_request_is_answered_once_also_after_a_restart(site: Site, restart: bool) -> None:
    site.allow()
    sealed = site.sealed()
    assert isinstance(site.ask(sealed), SiteSummary)
    if restart:
        site.restart()
    answer = site.ask(sealed)
    assert isinstance(answer, Refusal)
    assert "sent a second time" in answer.reason
    assert isinstance(site.ask(site.sealed()), SiteSummary)


@pytest.mark.usefixtures("small")
def test_the_bytes_of_an_answer_count_for_its_permission(site: Site) -> None:
    def sent(name: str) -> int:
        entries = [e for e in site.ledger.entries() if e["direction"] == "out"]
        return sum(e["bytes"] for e in entries if e.get("permission") == name)

    def used() -> int:
        return PermissionBook(site.home, site.ledger).state().permissions[-1].used_bytes

    assert isinstance(site.ask(site.sealed()), Waits)
    site.allow(bytes=10**9)
    assert isinstance(site.ask(site.sealed()), SiteSummary)
    whole = used()
    assert whole == sent("p-1") > site.size  # the counts, and the message
    site.allow(id="p-2", bytes=whole - 1)
    answer = site.ask(site.sealed())
    assert isinstance(answer, Refusal)
    assert "more bytes than the permission allows" in answer.reason
    site.allow(id="p-3", bytes=whole)
    assert isinstance(site.ask(site.sealed()), SiteSummary)


@pytest.mark.usefixtures("small")
def test_an_entry_cites_the_permission_and_the_requester_of_its_own_request(site: Site) -> None:
    site.allow()
    site.ask(site.sealed())
    assert isinstance(site.ask({**site.sealed(), "signature": ""}), Refusal)
    said = {
        e["kind"]: (e.get("permission", ""), e.get("requester", ""))
        for e in site.ledger.entries()
        if e["kind"] in ("validated", "refused")
    }
    assert said == {"validated": ("p-1", "anna"), "refused": ("", "unknown")}


@pytest.mark.usefixtures("small")
def test_a_home_restored_from_a_backup_answers_nothing(site: Site, tmp_path: Path) -> None:
    site.allow()
    site.ask(site.sealed())
    shutil.copytree(site.home, tmp_path / "backup")
    assert isinstance(site.ask(site.sealed(), site.receipt()), SiteSummary)
    newest = site.receipt()
    shutil.rmtree(site.home)
    shutil.copytree(tmp_path / "backup", site.home)
    site.restart()
    answer = site.ask(site.sealed(), newest)
    assert isinstance(answer, Refusal)
    assert "not in the ledger here" in answer.reason


@pytest.mark.usefixtures("small")
def test_a_countersignature_of_another_authority_is_refused(site: Site, tmp_path: Path) -> None:
    site.allow()
    site.ask(site.sealed())
    assert isinstance(site.head, LedgerHead)
    make_authority(tmp_path / "other" / "keys", datetime.now(UTC))
    other = LedgerHeads(tmp_path / "other")
    other.see("s", site.identity, site.head)
    answer = site.ask(site.sealed(), other.receipt("s", site.identity))
    assert isinstance(answer, Refusal)
    assert "not this federation's" in answer.reason
    assert isinstance(site.ask(site.sealed(), site.receipt()), SiteSummary)


@pytest.mark.parametrize(("release", "told"), [("masked", 6), ("cells", 6), ("plain", 8)])
def test_a_cohort_that_is_described_again_shows_nobody_who_came(
    site: Site, crops: Callable[..., list[Crop]], release: str, told: int
) -> None:
    site.restart(release)
    for expected in (6, told):
        summary = site.app.answer(CohortRequest(run="cohort-1"))
        assert isinstance(summary, CohortSummary)
        assert (summary.patients, summary.lesions) == (expected, expected)
        Cohort.open(site.home).add(crops(8))
