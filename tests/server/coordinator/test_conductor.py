"""How an attempt at a run ends: a full disk costs the attempt, another error the run."""

import errno
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hepafed.common.certificates import make_authority, make_node_key
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.network import Layout, save_safetensors
from hepafed.server.coordinator.conductor import Conductor
from hepafed.server.coordinator.preparation import INITIAL
from hepafed.server.members.heads import LedgerHeads
from hepafed.server.members.roster import Members, digest_of
from hepafed.server.runs.store import Run
from hepafed.server.runs.stores import Stores

PLAN = Plan(name="a", protocol="t2", rounds=RoundsPlan(count=1, quorum=1))


class Failing:
    """In place of Flower's grid; asking it who is connected meets an error of this machine."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_node_ids(self) -> list[int]:
        raise self.error


def conducted(home: Path, error: Exception) -> tuple[Stores, Run]:
    make_authority(home / "keys", datetime.now(UTC))
    stores, members = Stores(home), Members(home)
    now = datetime.now(UTC)
    invite, _ = members.invite("s", "train", 1, now)
    key = make_node_key(home / "s.key")
    members.enrol(members.invited(invite, now), key, digest_of("t"), "7", now)
    run = stores.runs.create("train", PLAN)
    start = np.ones(2, np.float32)
    save_safetensors(stores.runs.folder(run.id) / INITIAL, Layout(("w",), ((2,),)), start)
    context = SimpleNamespace(run_config={"hepafed-run": run.id})
    Conductor(stores, members, LedgerHeads(home))(cast("Any", Failing(error)), context)
    return stores, stores.runs.get(run.id)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_loses_the_attempt_and_not_the_run(tmp_path: Path, number: int) -> None:
    stores, run = conducted(tmp_path, OSError(number, "full"))
    assert (run.status, run.error) == ("queued", "")
    last = stores.runs.events(run.id)[-1]
    assert (last["event"], last["reason"]) == ("interrupted", "the coordinator's disk is full")


def test_another_error_of_the_machine_fails_the_run(tmp_path: Path) -> None:
    run = conducted(tmp_path, OSError(errno.EACCES, "no"))[1]
    assert run.status == "failed"
    assert run.hint == "see server.log"
