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
from .scene import Scene
from .verdict import HANG, SAME, UNNAMED, WRONG, judge_end, naming

LAYOUT = Layout(("w",), ((3,),))
RUN = "chaos-000000"
KILL = Case(number=0, fault="kill worker", who="a")
ROT = Case(number=0, fault="rot halved", who="a")
FILE = "keys/node.key"


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
        prepared = Prepared(folder, "", RUN, registry.card(self.model).sha256)
        self.scene = Scene(prepared, folder)

    def freeze(self, value: float) -> str:
        weights, card = np.full(3, value, np.float32), card_of("", "")
        card = replace(card, run=RUN, round=int(value), parameters=3)
        return Stores(self.folder / "server").registry.add("m", LAYOUT, weights, card)

    def ended(self, status: str, model: str = "", error: str = "") -> None:
        state = {"status": status, "model": model, "error": error}
        (self.run / "run.json").write_text(json.dumps(state))
        (self.run / "events.jsonl").write_text("\n".join(map(json.dumps, self.history)))

    def kind(self) -> str:
        return judge_end(self.scene).kind

    def named(self, case: Case = ROT) -> str:
        """What names the case's file of all that was written."""
        nothing = replace(self.scene.mark(), logs={}, lines=0)
        return naming(self.scene, case, FILE, nothing)


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    return Homes(tmp_path)


def test_a_run_that_ends_in_the_same_signed_weights_is_the_same(homes: Homes) -> None:
    homes.ended("completed", homes.model)
    assert homes.kind() == SAME


def test_a_signed_model_of_other_weights_is_wrong_whatever_else_was_named(homes: Homes) -> None:
    homes.freeze(2.0)
    homes.ended("failed", error="keys/node.key is damaged")
    assert homes.kind() == WRONG


@pytest.mark.parametrize("name", ["card.sig", "weights.safetensors"])
def test_a_run_that_completes_without_a_whole_signed_model_is_wrong(
    homes: Homes, name: str
) -> None:
    (homes.folder / "server/models" / homes.model / name).write_bytes(b"")
    homes.ended("completed", homes.model)
    assert homes.kind() == WRONG


def test_weights_that_are_offered_still_at_the_end_are_wrong(homes: Homes) -> None:
    (homes.folder / "server/blobs/a").mkdir(parents=True)
    homes.ended("completed", homes.model)
    assert homes.kind() == SAME
    (homes.folder / "server/blobs/a/update").write_bytes(b"1")
    assert homes.kind() == WRONG


@pytest.mark.parametrize(("status", "kind"), [("failed", UNNAMED), ("running", HANG)])
def test_a_run_that_has_not_completed_is_no_end(homes: Homes, status: str, kind: str) -> None:
    homes.ended(status, error="no quorum")
    assert homes.kind() == kind


@pytest.mark.parametrize("said", ["error: keys/node.key is damaged", "error: no node.key"])
def test_a_line_with_the_file_names_it(homes: Homes, said: str) -> None:
    homes.ended("running")
    log = homes.folder / "a/console.log"
    log.write_text("error: something is wrong\n")
    assert homes.named() == ""
    log.write_text(said)
    assert homes.named() == said


def test_what_was_written_before_names_nothing(homes: Homes) -> None:
    (homes.folder / "a/console.log").write_text("keys/node.key is damaged\n")
    homes.ended("running")
    assert naming(homes.scene, ROT, FILE, homes.scene.mark()) == ""


def test_a_line_of_a_traceback_names_no_file(homes: Homes) -> None:
    (homes.folder / "a/worker.log").write_text('  File "node.key", line 3\n')
    homes.ended("failed", error="no quorum")
    assert homes.named() == ""


def test_a_killed_program_is_named_by_its_site_and_a_reason_of_the_last_round(
    homes: Homes,
) -> None:
    begun, lost = homes.history[0], {"event": "missing", "site": "a", "reason": "offline"}
    before, now = {**lost, "round": 1}, {**lost, "round": 2}
    homes.history = [begun, before]
    homes.ended("failed", error="no quorum")
    assert homes.named(KILL) == ""
    homes.history = [begun, now]
    homes.ended("failed", error="no quorum")
    assert homes.named(KILL) == "no quorum; a: offline"
    homes.ended("failed", error="OSError in the coordinator")
    assert homes.named(KILL) == ""
