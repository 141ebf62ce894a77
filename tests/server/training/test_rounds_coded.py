"""A training whose sites send coded updates: what they round off comes in the next round."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.messages import TrainReply, TrainRequest, TuneReply, TuneRequest
from hepafed.common.network import Flat, UpdateForm, encode
from hepafed.common.releases import RELEASE
from hepafed.server.training import checkpoints
from hepafed.server.training.rounds import train

from .answering import LAYOUT, Answering, training, tuning, update_of

SITES = {"a": 30, "b": 10}


@dataclass
class CodedSites(Answering):
    """Sites that code their updates, with what was left of the round before."""

    word: str = "int4"
    left: dict[str, Flat] = field(default_factory=dict)

    def reply(self, site: str, request: TrainRequest | TuneRequest) -> TrainReply | TuneReply:
        if isinstance(request, TuneRequest):
            return super().reply(site, request)
        assert self.stores is not None
        update = update_of(site, request.round) + self.left.get(site, np.float32(0))
        content, rest = encode(update, UpdateForm.of(LAYOUT, self.word))
        if rest is not None:
            self.left[site] = rest
        path = self.stores.inbox.folder / f"{site}.part"
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        size = len(content)
        self.stores.inbox.admit(site, request.run, request.round, size)
        self.stores.inbox.arrived(site, request.run, request.round, digest, path)
        return TrainReply(
            run=request.run, round=request.round, release=RELEASE, update=digest,
            examples=self.examples[site], loss=1.0, seconds=1.0, tuning=tuning(0.8),
        )  # fmt: skip


@pytest.mark.parametrize(("word", "near"), [("int8", 0.02), ("int4", 0.35)])
def test_the_weights_are_those_of_the_true_updates_but_for_the_last_rest(
    tmp_path: Path, word: str, near: float
) -> None:
    make_authority(tmp_path / "keys", datetime.now(UTC))
    sites = CodedSites(SITES, word=word)
    live = training(tmp_path, sites, rounds=5)
    rounds = replace(live.run.plan.rounds, encoding=word)
    live = replace(live, run=replace(live.run, plan=replace(live.run.plan, rounds=rounds)))
    train(live)
    state = checkpoints.load(live.folder)
    assert state is not None
    made = checkpoints.weights_of_round(live.folder, state, 5)
    true = np.full(LAYOUT.size, 0.25)
    for site, n in SITES.items():
        true += n / 40 * sum(update_of(site, r).astype(float) for r in range(1, 6))
    assert abs(made - true).max() < near
    rest = sum(n / 40 * sites.left[site] for site, n in SITES.items())
    assert made + rest == pytest.approx(true, abs=1e-4)
    asked = [r for r in sites.asked if isinstance(r, TrainRequest)]
    assert {r.plan.rounds.encoding for r in asked} == {word}


def test_a_site_that_sends_another_encoding_is_left_out(tmp_path: Path) -> None:
    make_authority(tmp_path / "keys", datetime.now(UTC))

    class Mixed(CodedSites):
        def reply(self, site: str, request: TrainRequest | TuneRequest) -> TrainReply | TuneReply:
            self.word = "int8" if site == "b" else "int4"
            return super().reply(site, request)

    live = training(tmp_path, Mixed(SITES), rounds=1)
    rounds = replace(live.run.plan.rounds, encoding="int4")
    live = replace(live, run=replace(live.run, plan=replace(live.run.plan, rounds=rounds)))
    train(live)
    missing = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "missing"]
    assert [e["site"] for e in missing] == ["b"]
    assert "must have" in str(missing[0]["reason"])
