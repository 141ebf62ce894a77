"""What counts as the same, named, wrong and hanging, on homes made by the real registry."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.network.weights import Layout
from hepafed.server.runs.stores import Stores

from tests.server.promises import card_of

from .cases import Case
from .prepared import Prepared
from .verdict import HANG, NAMED, SAME, UNNAMED, WRONG, judge

LAYOUT = Layout(("w",), ((3,),))
RUN = "chaos-000000"
KILL = Case(number=0, fault="kill worker", who="a")
ROT = Case(number=0, fault="rot halved", who="a", file="keys/node.key")


class Homes:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_authority(folder / "server/keys", datetime.now(UTC))
        self.run = folder / "server/runs" / RUN
        self.run.mkdir(parents=True)
        (folder / "a").mkdir()
        self.history: list[dict[str, object]] = [{"event": "round", "round": 2}]
        self.model = self.freeze(1.0)
        registry = Stores(folder / "server").registry
        self.prepared = Prepared(folder, "", RUN, registry.card(self.model).sha256, 1)

    def freeze(self, value: float) -> str:
        weights, card = np.full(3, value, np.float32), card_of("", "")
        card = replace(card, run=RUN, round=int(value), parameters=3)
        return Stores(self.folder / "server").registry.add("m", LAYOUT, weights, card)

    def ended(self, status: str, model: str = "", error: str = "") -> None:
        state = {"status": status, "model": model, "error": error}
        (self.run / "run.json").write_text(json.dumps(state))
        (self.run / "events.jsonl").write_text("\n".join(map(json.dumps, self.history)))

    def kind(self, case: Case = KILL, *, late: bool = False) -> str:
        return judge(case, self.prepared, self.folder, late=late).kind


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    return Homes(tmp_path)


def test_a_run_that_ends_in_the_same_signed_weights_is_the_same(homes: Homes) -> None:
    homes.ended("completed", homes.model)
    assert homes.kind() == homes.kind(ROT) == SAME


def test_a_signed_model_of_other_weights_is_wrong_whatever_else_was_named(homes: Homes) -> None:
    homes.freeze(2.0)
    homes.ended("failed", error="keys/node.key is damaged")
    assert homes.kind(ROT) == WRONG


def test_a_run_that_completes_without_a_signed_model_is_wrong(homes: Homes) -> None:
    (homes.folder / "server/models" / homes.model / "card.sig").unlink()
    homes.ended("completed", homes.model)
    assert homes.kind() == WRONG


def test_a_run_that_completes_with_damaged_weights_is_wrong(homes: Homes) -> None:
    (homes.folder / "server/models" / homes.model / "weights.safetensors").write_bytes(b"")
    homes.ended("completed", homes.model)
    assert homes.kind() == WRONG


def test_a_stop_without_the_name_of_the_file_is_unnamed(homes: Homes) -> None:
    (homes.folder / "a/console.log").write_text("error: something is wrong\n")
    homes.ended("failed", error="no quorum")
    assert homes.kind(ROT) == UNNAMED


@pytest.mark.parametrize("said", ["error: keys/node.key is damaged", "error: no node.key"])
def test_a_stop_that_names_the_file_is_named(homes: Homes, said: str) -> None:
    (homes.folder / "a/console.log").write_text(said)
    homes.ended("running")
    assert homes.kind(ROT) == NAMED


def test_a_line_of_a_traceback_names_no_file(homes: Homes) -> None:
    (homes.folder / "a/worker.log").write_text('  File "node.key", line 3\n')
    homes.ended("failed", error="no quorum")
    assert homes.kind(ROT) == UNNAMED


def test_a_killed_program_is_named_by_its_site_and_a_reason_of_the_last_round(
    homes: Homes,
) -> None:
    begun, lost = homes.history[0], {"event": "missing", "site": "a", "reason": "offline"}
    before, now = {**lost, "round": 1}, {**lost, "round": 2}
    for history in ([now, begun], [begun, before]):
        homes.history = history
        homes.ended("failed", error="no quorum")
        assert homes.kind() == UNNAMED
    homes.history = [begun, now]
    homes.ended("failed", error="no quorum")
    assert homes.kind() == NAMED
    homes.ended("failed", error="OSError in the coordinator")
    assert homes.kind() == UNNAMED


def test_a_run_that_still_runs_at_the_limit_hangs(homes: Homes) -> None:
    homes.ended("running")
    assert homes.kind(late=True) == homes.kind(ROT, late=True) == HANG


def test_a_killed_program_s_run_that_waits_for_ever_hangs_though_a_site_was_missing(
    homes: Homes,
) -> None:
    homes.history.append({"event": "missing", "round": 2, "site": "a", "reason": "offline"})
    homes.ended("running", error="no quorum")
    assert homes.kind(late=True) == HANG
