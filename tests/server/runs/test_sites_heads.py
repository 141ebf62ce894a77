"""With each question a countersigned head goes out, with each answer a head comes back."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flwr.app import Message
from hepafed.client.release.ledger import Ledger
from hepafed.common.contract.messages import (
    CohortRequest,
    CohortSummary,
    LedgerHead,
    pack,
    seal,
    unpack,
)
from hepafed.server.members import LedgerHeads
from hepafed.server.runs.sites import Sites

from tests.server.federation import Federation

pytestmark = pytest.mark.usefixtures("in_flower")


@pytest.fixture
def fed(tmp_path: Path) -> Federation:
    """Two sites whose policy shares no summary: each question is refused, and that is an answer."""
    made = Federation(tmp_path)
    made.site("a")
    made.site("b")
    return made


def ask(fed: Federation, run: str) -> dict[str, str]:
    sites = Sites(
        fed.fleet,
        lambda: fed.fleet.nodes,
        lambda: True,
        lambda: fed.identities,
        seal=lambda site, text, seconds: seal(
            text,
            fed.stores.registry.key(),
            site=site,
            requester="coordinator",
            study="demo",
            now=datetime.now(UTC),
            seconds=seconds,
        ),
        heads=fed.heads,
    )
    question = CohortRequest(run=run)
    return sites.ask(["a", "b"], question, CohortSummary, 60, lambda _s, _r: None)


def seen(fed: Federation, site: str) -> int:
    found = fed.heads.receipt(site, fed.identities[site])
    return found.entry if found else 0


def test_each_answer_brings_the_ledger_forward_and_the_next_question_the_countersignature(
    fed: Federation,
) -> None:
    refused = {"a": "policy does not share", "b": "policy does not share"}
    for run, entries in (("c-1", 4), ("c-2", 6)):
        failed = ask(fed, run)
        assert set(failed) == set(refused)
        assert all(refused[s] in why for s, why in failed.items())
        assert [seen(fed, s) for s in "ab"] == [entries, entries]
    proof = Ledger(fed.folder / "a").verify()
    assert proof.countersigned is not None
    assert proof.countersigned.entry == 4
    kinds = [e["kind"] for e in Ledger(fed.folder / "a").entries()]
    assert kinds == ["key", "permissions", "cohort", "refused", "cohort", "refused"]


def test_a_site_from_a_backup_is_told_and_the_other_goes_on(fed: Federation) -> None:
    ask(fed, "c-1")
    shutil.copytree(fed.folder / "a", fed.folder / "backup")
    ask(fed, "c-2")
    shutil.rmtree(fed.folder / "a")
    shutil.copytree(fed.folder / "backup", fed.folder / "a")
    fed.start("a")
    fed.heads = LedgerHeads(fed.folder / "server")
    failed = ask(fed, "c-3")
    assert "has seen entry 6 of this site's ledger" in failed["a"]
    assert [seen(fed, s) for s in "ab"] == [6, 8]
    Ledger(fed.folder / "a").acknowledge_gap("disk failed")
    failed = ask(fed, "c-4")
    assert "policy does not share" in failed["a"]
    kept = fed.heads.last("a", fed.identities["a"])
    assert kept is not None
    assert kept.gap is not None
    assert kept.gap.reason == "disk failed"


@pytest.mark.parametrize(
    "edit",
    [lambda _head: "", lambda head: head.replace('"since":4', '"since":0'), lambda _head: "{}"],
    ids=["none", "changed", "no message"],
)
def test_an_answer_without_a_true_head_moves_nothing(fed: Federation, edit: object) -> None:
    ask(fed, "c-1")
    pull = fed.fleet.pull_messages

    def pulled(ids: list[str]) -> list[Message]:
        found = pull(ids)
        for message in found:
            part = message.content["hepafed"]
            part["head"] = edit(str(part["head"]))  # type: ignore[operator]
        return found

    fed.fleet.pull_messages = pulled  # type: ignore[method-assign]
    ask(fed, "c-2")
    assert [seen(fed, s) for s in "ab"] == [4, 4]


def test_a_countersignature_of_another_site_or_authority_is_refused_by_the_site(
    fed: Federation,
) -> None:
    ask(fed, "c-1")
    b = fed.heads.receipt("b", fed.identities["b"])
    push = fed.fleet.push_messages

    def pushed(messages: list[Message]) -> list[str]:
        for message in messages:
            message.content["hepafed"]["receipt"] = pack(b)
        return push(messages)

    fed.fleet.push_messages = pushed  # type: ignore[method-assign]
    failed = ask(fed, "c-2")
    assert "not this federation's, or of another site" in failed["a"]
    assert "policy does not share" in failed["b"]


def test_a_head_is_a_message_of_its_own(fed: Federation) -> None:
    ask(fed, "c-1")
    head = Ledger(fed.folder / "a").head(None)
    assert unpack(pack(head)) == head
    assert isinstance(head, LedgerHead)
