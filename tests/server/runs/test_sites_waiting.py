"""A site at which nobody has allowed the request is asked again, and costs no round for ever."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from flwr.app import Message
from hepafed.common.contract.figures import TuningFigures
from hepafed.common.contract.messages import TuneReply, TuneRequest, Waits, pack
from hepafed.common.contract.plan import Plan
from hepafed.server.runs.sites import Sites

pytestmark = pytest.mark.usefixtures("in_flower")

STUDY = "liver"
TUNE = TuneRequest(run="r", round=3, plan=Plan(name="a", protocol="t2"), weights="")
TUNED = TuneReply(run="r", round=3, tuning=TuningFigures(lesions=4, macro_auc=None))
WAITS = Waits(run="r", digest="d" * 64)


@dataclass
class Net:
    """In place of Flower's Grid: `a` answers at once, at `b` a person allows at a second."""

    allowed_at: float
    fresh: bool = False
    """Whether `b` names another digest each time."""
    now: float = 0.0
    asked: list[tuple[float, int]] = field(default_factory=list)
    seals: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[tuple[str, str, str]] = field(default_factory=list)

    def get_node_ids(self) -> list[int]:
        return [1, 2]

    def push_messages(self, messages: list[Message]) -> list[str]:
        self.asked += [(self.now, m.metadata.dst_node_id) for m in messages]
        return [f"{m.metadata.dst_node_id} {len(self.asked)}" for m in messages]

    def pull_messages(self, message_ids: list[str]) -> list[SimpleNamespace]:
        return [self.reply(i) for i in message_ids]

    def reply(self, name: str) -> SimpleNamespace:
        late = name.startswith("2") and self.now < self.allowed_at
        waits = replace(WAITS, digest=f"{len(self.asked):064x}") if self.fresh else WAITS
        return SimpleNamespace(
            content={"hepafed": {"json": pack(waits if late else TUNED)}},
            has_error=lambda: False,
            metadata=SimpleNamespace(reply_to_message_id=name),
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def sites(self, patience: float) -> Sites:
        def seal(site: str, text: str, _seconds: float) -> dict[str, str]:
            self.seals.append((site, text))
            return {"json": text, "stamp": str(len(self.seals))}

        return Sites(
            self,  # type: ignore[arg-type]
            lambda: {"a": 1, "b": 2},
            lambda: True,
            seal=seal,
            study=lambda: STUDY,
            patience=patience,
            note=lambda kind, **values: self.waiting.append(
                (kind, values["site"], values["digest"])
            ),
            clock=lambda: self.now,
            sleep=self.sleep,
        )


def ask(sites: Sites, deadline: float) -> tuple[list[str], dict[str, str]]:
    got: list[str] = []
    failed = sites.ask(["a", "b"], TUNE, TuneReply, deadline, lambda s, _: got.append(s))
    return got, failed


def test_a_site_is_asked_again_until_a_person_there_allows_it() -> None:
    net = Net(allowed_at=25)
    assert ask(net.sites(patience=100), 100) == (["a", "b"], {})
    assert [node for _, node in net.asked] == [1, 2, 2, 2, 2]
    assert net.waiting == [("waits", "b", "d" * 64)]
    assert len(net.seals) == 5  # each with a stamp of its own


def test_a_round_waits_for_a_person_to_its_deadline_and_names_the_site() -> None:
    net = Net(allowed_at=1e9)
    got, failed = ask(net.sites(patience=1000), 30)
    assert got == ["a"]
    assert failed == {"b": "waits for a person at b, who types there: client allow --study liver"}
    assert 30 < net.now < 33


def test_after_its_patience_each_round_asks_the_site_once_and_goes_on() -> None:
    net = Net(allowed_at=1e9)
    sites = net.sites(patience=15)
    assert ask(sites, 500)[0] == ["a"]
    assert net.now < 30
    begun, asked = net.now, len(net.asked)
    assert ask(sites, 500)[0] == ["a"]
    assert (net.now - begun, len(net.asked) - asked) == (0, 2)
    net.allowed_at = net.now
    assert ask(sites, 500) == (["a", "b"], {})
    assert net.waiting == [("waits", "b", "d" * 64)]


def test_a_site_that_says_that_another_thing_waits_each_time_holds_no_run_for_longer() -> None:
    net = Net(allowed_at=1e9, fresh=True)
    sites = net.sites(patience=600)
    assert ask(sites, 5000)[0] == ["a"]
    assert 600 < net.now < 620
    begun = net.now
    assert ask(sites, 5000)[0] == ["a"]
    assert net.now == begun
    assert len(net.waiting) == 20


def test_an_answer_begins_the_patience_anew_and_what_waits_then_is_made_known() -> None:
    net = Net(allowed_at=15)
    sites = net.sites(patience=30)
    assert ask(sites, 100) == (["a", "b"], {})
    net.now, net.allowed_at = 1000, 1020
    assert ask(sites, 100) == (["a", "b"], {})
    assert net.waiting == [("waits", "b", "d" * 64)] * 2
