"""A disk of the coordinator that is full in mid-run costs time, and nothing else."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.certificates import make_authority
from hepafed.common.contract.messages import TrainRequest, TuneRequest
from hepafed.common.room import waiting_for_room
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.training import checkpoints
from hepafed.server.training.rounds import train
from numpy.typing import NDArray

from tests.small_disk import SmallDisk, small_disk

from .answering import Answering, training

SITES = {"a": 40, "b": 3, "c": 250}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


class Filling(Answering):
    """Sites that fill the coordinator's disk in one round: with the last answer, or after it."""

    disk: SmallDisk
    when = ""
    round = 2

    def ask(
        self,
        sites: Sequence[str],
        request: TrainRequest | TuneRequest,
        kind: type,
        seconds: float,
        on_reply: Callable[[str, object], None],
    ) -> dict[str, str]:
        now = request.round == self.round and isinstance(request, TrainRequest)

        def taken(site: str, reply: object) -> None:
            if now and self.when == "answer" and site == max(sites):
                self.disk.fill()
            on_reply(site, reply)

        failed = super().ask(sites, request, kind, seconds, taken)
        if (now and self.when == "checkpoint") or (
            self.when == "model" and isinstance(request, TuneRequest)
        ):
            self.disk.fill()
        return failed


def trained(home: Path, sites: Answering) -> tuple[LiveRun, NDArray[np.float32]]:
    (home / "keys").mkdir(parents=True)
    make_authority(home / "keys", datetime.now(UTC))
    live = training(home, sites)
    train(live)
    state = checkpoints.load(live.folder)
    assert state is not None
    return live, checkpoints.weights_of_round(live.folder, state, 3)


@pytest.mark.parametrize("when", ["answer", "checkpoint", "model"])
def test_the_run_waits_and_ends_in_the_same_weights(
    disk: SmallDisk, tmp_path: Path, when: str
) -> None:
    wanted = trained(tmp_path / "undisturbed", Answering(SITES))[1]
    sites = Filling(SITES)
    sites.disk, sites.when = disk, when
    told: list[str] = []
    with waiting_for_room(told.append, sleep=disk.free):
        live, got = trained(disk.home, sites)
    assert disk.filled == 1
    assert len(told) == 2 * (told != []), "said once, and that it went on"
    assert when == "answer" or "is full: 0.0 MB free" in told[0]
    assert got.tobytes() == wanted.tobytes()
    kinds = [e["event"] for e in live.stores.runs.events(live.run.id)]
    assert (kinds.count("done"), kinds.count("reply")) == (3, 9)
    assert kinds[-1] == "frozen"
    assert live.stores.runs.unreadable_events(live.run.id) == 0
    assert len(live.stores.registry.all()) == 1


def test_without_somebody_who_waits_the_round_before_stays(disk: SmallDisk) -> None:
    sites = Filling(SITES)
    sites.disk, sites.when = disk, "checkpoint"
    with pytest.raises(OSError, match="No space left"):
        trained(disk.home, sites)
    disk.free()
    assert sites.stores is not None
    (run,) = sites.stores.runs.all()
    state = checkpoints.load(sites.stores.runs.folder(run.id))
    assert state is not None
    assert (state.round, state.lost) == (1, ())
