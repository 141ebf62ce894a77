"""A signed request goes in, one answer comes out, and each promise holds at the app itself."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.permissions import PermissionBook
from hepafed.common.certificates import make_authority
from hepafed.common.contract.messages import (
    CohortRequest,
    CohortSummary,
    LedgerHead,
    Refusal,
    SiteSummary,
    Waits,
)
from hepafed.server.members import LedgerHeads

from tests.client.worker.signed_site import Site


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
    site.restart(release=release)
    for expected in (6, told):
        summary = site.app.answer(CohortRequest(run="cohort-1"))
        assert isinstance(summary, CohortSummary)
        assert (summary.patients, summary.lesions) == (expected, expected)
        Cohort.open(site.home).add(crops(8))
