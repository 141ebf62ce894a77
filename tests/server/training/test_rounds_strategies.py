"""A run by any strategy goes on after a restart with the same bits; damaged state is named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.messages import TrainRequest
from hepafed.common.contract.plan import Plan
from hepafed.common.contract.rounds import STRATEGIES, kept_vectors
from hepafed.common.network import to_bf16
from hepafed.common.network.weight_files import save_safetensors
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.stores import Stores
from hepafed.server.training import checkpoints, train
from hepafed.server.training.rounds import conduct_round, keep_round

from .answering import LAYOUT, Answering
from .strategies.plans import plan_of

EXAMPLES = {"a": 40, "b": 7, "c": 19, "d": 300, "e": 11}
TAKEN = {"a": 2, "b": 1, "c": 1, "d": 10, "e": 1}
"""Of one epoch in batches of 32, a small last one joined to the one before."""


def live_run(home: Path, plan: Plan, away: dict[str, int] | None = None) -> LiveRun:
    sites = Answering(
        EXAMPLES,
        steps={site: {"steps": n, "planned": n} for site, n in TAKEN.items()},
        away=away or {},
    )
    make_authority(home / "keys", datetime.now(UTC))
    sites.stores = stores = Stores(home)
    live = LiveRun(stores.runs.create("train", plan), stores, sites)  # type: ignore[arg-type]
    start = np.full(LAYOUT.size, 0.25, np.float32)
    save_safetensors(live.folder / "initial.safetensors", LAYOUT, start)
    return live


def again(live: LiveRun) -> LiveRun:
    """Give the run as another process of the coordinator finds it."""
    return LiveRun(live.stores.runs.get(live.run.id), live.stores, live.sites)


def killed_after(live: LiveRun, rounds: int) -> None:
    state = checkpoints.resumed(live.folder)
    for _ in range(rounds):
        digest = live.stores.blobs.publish(to_bf16(p) for p in checkpoints.parts(state))
        weights = conduct_round(live, state, digest)
        assert weights is not None
        keep_round(live.stores.blobs, live.folder, state, weights)
        live.change(round=state.round, status="running")
        live = again(live)
        state = checkpoints.resumed(live.folder)


def weights_of(live: LiveRun, model: str) -> bytes:
    return bytes(live.stores.registry.wire(model))


def plan_for(word: str, **rounds: Any) -> Plan:  # noqa: ANN401
    return plan_of(word, count=4, average=rounds.pop("average", 3), max_share=1.0, **rounds)


@pytest.mark.parametrize("word", STRATEGIES)
def test_a_restart_after_each_round_changes_no_bit(tmp_path: Path, word: str) -> None:
    whole = live_run(tmp_path / "whole", plan_for(word))
    expected = weights_of(whole, train(whole))
    for rounds in (1, 3):
        cut = live_run(tmp_path / f"cut-{rounds}", plan_for(word))
        killed_after(cut, rounds)
        assert weights_of(cut, train(again(cut))) == expected


def test_the_strategies_end_in_different_weights(tmp_path: Path) -> None:
    made = {}
    for word in STRATEGIES:
        live = live_run(tmp_path / word, plan_for(word))
        made[word] = weights_of(live, train(live))
    same = ("fedavg", "fedprox", "fedbn", "silobn")  # at the coordinator
    assert {made[w] for w in same} == {made["fedavg"]}
    assert len({*made.values()}) == len(STRATEGIES) - len(same) + 1


@pytest.mark.parametrize("word", ["fedavg", "fedavgm", "fedadam", "scaffold"])
@pytest.mark.parametrize("average", [1, 3])
def test_the_vectors_of_two_rounds_are_kept(tmp_path: Path, word: str, average: int) -> None:
    live = live_run(tmp_path, plan_for(word, average=average))
    killed_after(live, 3)
    found = sorted(p.stem.rpartition("-") for p in live.folder.glob("*-0*.safetensors"))
    names = {name for name, _, _ in found} - {"round"}
    assert len(names) == kept_vectors(plan_for(word, average=average).rounds)
    assert {(n, r) for n, _, r in found if n != "round"} == {
        (n, r) for n in names for r in ("00002", "00003")
    }


@pytest.mark.parametrize("word", ["fedavgm", "fedadam", "fedyogi", "scaffold"])
@pytest.mark.parametrize("damage", ["flipped", "missing"])
@pytest.mark.parametrize("average", [1, 4])
def test_a_damaged_vector_is_named_and_costs_its_round(
    tmp_path: Path, word: str, damage: str, average: int
) -> None:
    plan = plan_for(word, average=average)
    whole = live_run(tmp_path / "whole", plan)
    expected = weights_of(whole, train(whole))
    count = kept_vectors(plan.rounds)
    for which in range(count):
        live = live_run(tmp_path / str(which), plan)
        killed_after(live, 3)
        files = sorted(
            p for p in live.folder.glob("*-00003.safetensors") if not p.name.startswith("round")
        )
        assert len(files) == count
        path = files[which]
        content = path.read_bytes()
        path.unlink()
        if damage == "flipped":
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert weights_of(live, train(again(live))) == expected
        said = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "damaged"]
        names = [(e["file"].rpartition("/")[2], e["round"]) for e in said]
        assert names[0] == (path.name, 2)
        # the weights of round 1 were dropped when round 3 was kept
        assert names[1:] in ([], [("round-00001.safetensors", 2)])


def test_without_any_whole_vector_the_run_begins_anew_and_names_each(tmp_path: Path) -> None:
    live = live_run(tmp_path, plan_for("fedavgm", average=1))
    killed_after(live, 2)
    for path in live.folder.glob("momentum-*"):
        path.write_bytes(b"")
    state = checkpoints.resumed(live.folder)
    assert state.round == 0
    assert state.lost == ("momentum-00001.safetensors", "momentum-00002.safetensors")


def cards(tmp_path: Path, *plans: Plan) -> list[dict[str, float | None]]:
    made = []
    for n, plan in enumerate(plans):
        live = live_run(tmp_path / str(n), plan)
        card = live.stores.registry.card(train(live))
        made.append({s.site: s.share for s in card.contributions})
    return made


def test_the_card_says_how_the_sites_weighed(tmp_path: Path) -> None:
    total = sum(EXAMPLES.values())
    by_examples, equal, capped, robust = cards(
        tmp_path,
        plan_for("fedavg"),
        plan_for("fedavg", weights="equal"),
        plan_for("fedavg", weights="capped", cap=0.3),
        plan_for("median"),
    )
    assert by_examples == pytest.approx({s: n / total for s, n in EXAMPLES.items()})
    assert equal == robust == pytest.approx(dict.fromkeys(EXAMPLES, 0.2))
    # 7, 19 and 11 are kept; 40 and 300 are cut to 0.3 · 37 / (1 - 2 · 0.3), in whole examples 27
    kept = {"a": 27, "b": 7, "c": 19, "d": 27, "e": 11}
    assert capped == pytest.approx({s: n / sum(kept.values()) for s, n in kept.items()})


def test_of_krum_the_card_says_whose_update_the_weights_are(tmp_path: Path) -> None:
    live = live_run(tmp_path, replace(plan_for("krum", average=1), rounds=replace(
        plan_for("krum", average=1).rounds, count=1)))  # fmt: skip
    card = live.stores.registry.card(train(live))
    shares = {s.site: s.share for s in card.contributions}
    assert sorted(shares.values()) == [0, 0, 0, 0, 1]  # type: ignore[type-var]
    (said,) = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "chosen"]
    assert shares[said["site"]] == 1


def test_what_is_capped_is_said_and_stated_examples_stay_on_record(tmp_path: Path) -> None:
    live = live_run(tmp_path, plan_for("fedavg", weights="capped", cap=0.3))
    card = live.stores.registry.card(train(live))
    capped = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "capped"]
    first = [(e["site"], e["examples"], e["counted"]) for e in capped[:2]]
    assert first == [("a", 40, 27), ("d", 300, 27)]
    assert card.training_examples == EXAMPLES


def asked(live: LiveRun) -> list[TrainRequest]:
    return [r for r in live.sites.asked if isinstance(r, TrainRequest)]  # type: ignore[attr-defined]


def test_scaffold_says_which_round_of_each_site_is_in_c(tmp_path: Path) -> None:
    live = live_run(tmp_path, plan_for("scaffold", quorum=2), away={"b": 1, "d": 2})
    train(live)
    first, second, third, _ = asked(live)
    assert (first.control, first.counted) == ("", ())
    assert {c.site: c.round for c in second.counted} == {"a": 1, "c": 1, "d": 1, "e": 1}
    assert {c.site: c.round for c in third.counted} == {"a": 2, "b": 2, "c": 2, "d": 1, "e": 2}
    assert second.control != third.control
    assert list((tmp_path / "blobs").iterdir()) == [], "c is published for its round alone"


@pytest.mark.parametrize("word", [w for w in STRATEGIES if w != "scaffold"])
def test_other_strategies_send_no_control_variate(tmp_path: Path, word: str) -> None:
    live = live_run(tmp_path, plan_for(word))
    train(live)
    assert {(r.control, r.counted) for r in asked(live)} == {("", ())}


def test_the_files_of_all_updates_are_gone_after_each_round(tmp_path: Path) -> None:
    live = live_run(tmp_path, plan_for("median"))
    seen: list[list[str]] = []
    ask: Callable[..., dict[str, str]] = live.sites.ask

    def noted(*arguments: Any) -> dict[str, str]:  # noqa: ANN401
        seen.append([p.name for p in live.stores.inbox.folder.iterdir()])
        return ask(*arguments)

    live.sites.ask = noted  # type: ignore[method-assign]
    train(live)
    assert seen == [[]] * 5
