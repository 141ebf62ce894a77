"""The spool after a crash: what is whole stays, what is torn counts as not there."""

from pathlib import Path

import pytest
from hepafed.client.pacs.config import PacsConfig
from hepafed.client.pacs.connection import (
    BrokenConnectionError,
    Pace,
    PacsSeries,
    StoppedError,
    patiently,
)
from hepafed.client.pacs.request_list import Wanted
from hepafed.client.pacs.spool import Spool
from hepafed.common.errors import DataError, UnreachableError

from .hostile import as_file, instance

SERIES = PacsSeries(Wanted(1, "AccessionNumber", "A1"), "1.2", "1.2.3", "MR")
DATA = as_file(instance("1.2", "1.2.3", "1.2.3.4"))
CONFIG = PacsConfig(
    protocol="dicomweb", url="http://127.0.0.1:9/", accessions="x", retries=2, per_second=10_000.0
)


def filled(home: Path) -> None:
    spool = Spool(home)
    spool.take(SERIES, ["1.2.3.4"], DATA, 2**20)
    spool.finish(SERIES, ["1.2.3.4"], 1)
    spool.close()


def finished(home: Path) -> bool:
    spool = Spool(home)
    try:
        return spool.is_finished(SERIES)
    finally:
        spool.close()


def test_a_finished_series_is_known_the_next_time(tmp_path: Path) -> None:
    assert not finished(tmp_path)
    filled(tmp_path)
    assert finished(tmp_path)


def test_a_finished_series_of_which_a_file_is_gone_is_fetched_again(tmp_path: Path) -> None:
    filled(tmp_path)
    next((tmp_path / "spool/images").glob("*/*")).unlink()
    assert not finished(tmp_path)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_torn_last_line_of_the_journal_counts_as_not_written(tmp_path: Path, cut: int) -> None:
    filled(tmp_path)
    journal = tmp_path / "spool/journal"
    line = journal.read_bytes()
    journal.write_bytes(line + line[:-cut])
    assert finished(tmp_path)
    assert journal.read_bytes() == line
    journal.write_bytes(line[:-cut])
    assert not finished(tmp_path)
    filled(tmp_path)
    assert journal.read_bytes() == line


def test_a_half_written_instance_is_removed_and_never_taken(tmp_path: Path) -> None:
    filled(tmp_path)
    whole = next((tmp_path / "spool/images").glob("*/*"))
    half = whole.with_name(f".{whole.name}.x7f")
    half.write_bytes(DATA[:200])
    assert finished(tmp_path)
    assert not half.exists()


def test_a_full_disk_is_an_error_and_leaves_nothing_half(tmp_path: Path) -> None:
    spool = Spool(tmp_path, spare=2**60)
    with pytest.raises(DataError, match="disk"):
        spool.take(SERIES, ["1.2.3.4"], DATA, 2**20)
    assert list(spool.images.rglob("*")) == []
    spool.close()


def test_a_broken_connection_is_tried_again_with_growing_pauses() -> None:
    pauses: list[float] = []

    class Counting(Pace):
        def pause(self, seconds: float) -> None:
            pauses.append(seconds)

    def breaks() -> None:
        raise BrokenConnectionError("broken", "again")

    with pytest.raises(UnreachableError):
        patiently(CONFIG, Counting(1.0), breaks)
    assert pauses == [1.0, 2.0]


def test_a_stopped_fetch_waits_for_nothing() -> None:
    pace = Pace(0.1)
    pace.wait()
    pace.stopped.set()
    with pytest.raises(StoppedError):
        pace.wait()
