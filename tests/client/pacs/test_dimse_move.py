"""C-MOVE: what a PACS may do between the question and its answer, and what it may not."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hepafed.client.pacs.config import read_config
from hepafed.client.pacs.connection import FetchProgress
from hepafed.client.pacs.fetch import FetchReport, fetch
from hepafed.client.pacs.request_list import read_wanted
from hepafed.client.pacs.spool import Spool
from hepafed.common.errors import ConfigError, DataError, RefusedError
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from . import hostile
from .conftest import PATIENTS, Filled
from .hostile import instance, push
from .orthanc import Orthanc, examination, free_port, write_pacs

UIDS = [f"1.2.3.{k}" for k in (9, 4, 7, 5)]
SLICES = 8


@dataclass
class Pacs:
    """A PACS of one study that offers C-MOVE alone; each test says how it answers."""

    move: "Callable[[Pacs, list[str]], Iterator[object]]"
    series: list[str] = field(default_factory=lambda: ["1.2.3"])
    site: int = field(default_factory=free_port)
    asked: list[str] = field(default_factory=list)

    def find(self, question: Dataset) -> list[Dataset]:
        level = question.QueryRetrieveLevel
        keys = {
            "STUDY": [("AccessionNumber", ["A1"])],
            "SERIES": [("SeriesInstanceUID", self.series)],
            "IMAGE": [("SOPInstanceUID", UIDS)],
        }[level]
        found = []
        for keyword, values in keys:
            for value in values:
                made = Dataset()
                made.QueryRetrieveLevel, made.StudyInstanceUID = level, "1.2"
                made.Modality, made.SOPClassUID = "MR", MRImageStorage
                setattr(made, keyword, value)
                found.append(made)
        return found

    def on_move(self, question: Dataset) -> Iterator[object]:
        asked = question.SOPInstanceUID
        uids = [asked] if isinstance(asked, str) else list(asked)
        self.asked += uids
        yield from self.move(self, uids)

    @property
    def destination(self) -> tuple[str, int]:
        return "127.0.0.1", self.site


def made_of(uid: str, **more: str) -> Dataset:
    return instance("1.2", "1.2.3", uid, AccessionNumber="A1", **more)


def run(folder: Path, pacs: Pacs, spare: int = 0, **keys: object) -> FetchReport:
    with hostile.mover(pacs.find, pacs.on_move) as port:
        values = {
            "protocol": "dimse",
            "host": "127.0.0.1",
            "port": port,
            "called_ae_title": "HOSTILE",
            "retrieve": "move",
            "listen_address": "127.0.0.1",
            "listen_port": pacs.site,
            "accessions": "list.txt",
            "retries": 0,
            "timeout": 5.0,
            "parallel": 1,
            "per_second": 5000.0,
        } | keys
        text = "\n".join(
            f"{k} = {str(v) if isinstance(v, list) else repr(v)}"
            for k, v in values.items()
            if v is not None
        )
        (folder / "pacs.toml").write_text(text)
        (folder / "list.txt").write_text("A1")
        config = read_config(folder / "pacs.toml")
        spool = Spool(folder / "home", spare)
        try:
            return fetch(config, read_wanted(config), spool, lambda step: None)
        finally:
            spool.close()


def files(folder: Path) -> list[Path]:
    return [p for p in (folder / "home/spool/images").rglob("*") if p.is_file()]


def well(pacs: Pacs, uids: list[str]) -> Iterator[object]:
    """Send what was asked for, with an answer after each, as pynetdicom does."""
    yield pacs.destination
    yield len(uids)
    for uid in reversed(uids):
        yield 0xFF00, made_of(uid)


def test_what_is_asked_for_arrives(tmp_path: Path) -> None:
    report = run(tmp_path, Pacs(well))
    assert report.brought.instances == len(files(tmp_path)) == 4
    assert "refused" not in report.text


def test_a_pacs_that_answers_before_it_sends_is_waited_for(tmp_path: Path) -> None:
    def early(pacs: Pacs, uids: list[str]) -> Iterator[object]:
        def later() -> None:
            for uid in uids:
                time.sleep(0.3)
                push(pacs.site, made_of(uid))

        threading.Thread(target=later).start()
        yield pacs.destination
        yield 0

    assert run(tmp_path, Pacs(early)).brought.instances == 4


def test_a_pacs_that_answers_only_at_the_end_is_waited_for_while_it_sends(tmp_path: Path) -> None:
    def silent(pacs: Pacs, uids: list[str]) -> Iterator[object]:
        for uid in uids:
            time.sleep(0.7)
            push(pacs.site, made_of(uid))
        yield pacs.destination
        yield 0

    start = time.monotonic()
    assert run(tmp_path, Pacs(silent), timeout=1.5).brought.instances == 4
    assert time.monotonic() - start > 2.8


def test_a_pacs_that_sends_nothing_and_says_nothing_is_given_up_after_the_timeout(
    tmp_path: Path,
) -> None:
    def idle(pacs: Pacs, uids: list[str]) -> Iterator[object]:
        time.sleep(4)
        yield pacs.destination
        yield 0

    start = time.monotonic()
    with pytest.raises(DataError, match="row 1: a series: the PACS ended the connection, or did"):
        run(tmp_path, Pacs(idle), timeout=1.0)
    assert 1 <= time.monotonic() - start < 4


def test_instances_that_the_pacs_leaves_out_are_counted_and_asked_for_again(tmp_path: Path) -> None:
    def part(pacs: Pacs, uids: list[str]) -> Iterator[object]:
        yield from ((pacs.destination, 1) if len(uids) == 4 else ())
        yield from (well(pacs, uids) if len(uids) < 4 else ((0xFF00, made_of(uids[0])),))

    pacs = Pacs(part)
    with pytest.raises(DataError, match=r"row 1: a series: 3 of 4 instances were not sent"):
        run(tmp_path, pacs, timeout=1.0)
    assert len(files(tmp_path)) == 1
    report = run(tmp_path, pacs)  # the same command again
    assert report.brought.instances == 3
    assert sorted(pacs.asked) == sorted([*UIDS, *(u for u in UIDS if u != UIDS[0])])


def test_an_unasked_instance_among_those_of_the_pacs_is_refused_and_told(tmp_path: Path) -> None:
    def more(pacs: Pacs, uids: list[str]) -> Iterator[object]:
        yield pacs.destination
        yield len(uids) + 1
        yield 0xFF00, made_of("1.2.3.77")
        for uid in uids:
            yield 0xFF00, made_of(uid)

    report = run(tmp_path, Pacs(more))
    assert len(files(tmp_path)) == report.brought.instances == 4
    assert report.text.endswith(
        "; refused at listen_port: instances that were not asked for or not usable: 1"
    )


def test_another_patient_s_instance_in_the_place_of_an_asked_one_fails_the_series(
    tmp_path: Path,
) -> None:
    def swapped(pacs: Pacs, uids: list[str]) -> Iterator[object]:
        yield pacs.destination
        yield len(uids)
        for uid in uids:
            yield 0xFF00, made_of(uid) if uid != UIDS[2] else instance("1.9", "1.2.3", uid)

    with pytest.raises(DataError, match="row 1: a series: the PACS sent an instance that was not"):
        run(tmp_path, Pacs(swapped))
    assert len(files(tmp_path)) == 3


def test_a_disk_that_is_full_ends_the_fetch_at_once(tmp_path: Path) -> None:
    pacs = Pacs(well, series=["1.2.3", "1.2.4", "1.2.5"])
    with pytest.raises(DataError, match=r"^the disk is nearly full$"):
        run(tmp_path, pacs, spare=2**62)
    assert files(tmp_path) == []
    assert len(pacs.asked) == 4


def test_an_instance_that_is_too_large_is_named(tmp_path: Path) -> None:
    def large(pacs: Pacs, uids: list[str]) -> Iterator[object]:
        yield pacs.destination
        yield 1
        yield 0xFF00, instance("1.2", "1.2.3", uids[0], pixels=2**22, AccessionNumber="A1")

    with pytest.raises(DataError, match="row 1: a series: an instance is larger than 1 MB"):
        run(tmp_path, Pacs(large), largest_instance_mb=1)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        ({"ae_title": "STRANGER"}, "the PACS must know STRANGER with the address of this machine"),
        ({"listen_port": free_port()}, "no firewall may be between them"),
        ({"sender_ae_title": "STORE"}, "2, the last of AE title ORTHANC to HEPAFED. If that is"),
        (
            {"sender_addresses": ["127.0.0.9"]},
            "from 127.0.0.1, which is not among sender_addresses",
        ),
    ],
    ids=["unknown to it", "another port", "another sender", "another address"],
)
def test_when_nothing_of_a_real_pacs_arrives_the_error_says_what_to_write_where(
    tmp_path: Path, pacs: Filled, keys: dict[str, object], hint: str
) -> None:
    (tmp_path / "list.txt").write_text("APAT-001")
    keys = {"accessions": "list.txt"} | keys
    config = read_config(write_pacs(tmp_path / "pacs.toml", pacs.orthanc, "move", **keys))
    spool = Spool(tmp_path / "home")
    with pytest.raises(DataError, match=r"the PACS refuses a C-MOVE \(0xC000\)") as e:
        fetch(config, read_wanted(config), spool, lambda step: None)
    spool.close()
    assert hint in e.value.hint
    assert files(tmp_path) == []


def test_a_destination_that_is_unknown_ends_the_fetch(tmp_path: Path) -> None:
    def unknown(_pacs: Pacs, _uids: list[str]) -> Iterator[object]:
        yield None, None

    pacs = Pacs(unknown, series=["1.2.3", "1.2.4", "1.2.5"])
    with pytest.raises(RefusedError, match=r"does not arrive here \(0xA801\)") as e:
        run(tmp_path, pacs)
    assert f"the address of this machine and port {pacs.site}" in e.value.hint
    assert len(pacs.asked) == 4


def test_a_pacs_that_never_reaches_us_is_not_asked_for_all_series(
    tmp_path: Path, pacs: Filled
) -> None:
    (tmp_path / "list.txt").write_text("".join(f"A{p}\n" for p in PATIENTS))
    keys = {"accessions": "list.txt", "listen_port": free_port(), "parallel": 1}
    config = read_config(write_pacs(tmp_path / "pacs.toml", pacs.orthanc, "move", **keys))
    spool, steps = Spool(tmp_path / "home"), list[FetchProgress]()
    with pytest.raises(RefusedError, match="what the PACS sends does not arrive here") as e:
        fetch(config, read_wanted(config), spool, steps.append)
    spool.close()
    assert "port" in e.value.hint
    assert (steps[-1].done, steps[-1].total) == (2, 8)


def test_a_pacs_that_fails_at_a_single_series_is_named_by_row(tmp_path: Path) -> None:
    def fails(pacs: Pacs, uids: list[str]) -> Iterator[object]:
        yield pacs.destination
        yield len(uids)
        yield 0xC001, Dataset()

    with pytest.raises(DataError, match=r"row 1: a series: the PACS refuses a C-MOVE \(0xC001\)"):
        run(tmp_path, Pacs(fails))


def test_a_pacs_without_c_get_ends_the_fetch_with_the_key_for_c_move(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as e:
        run(tmp_path, Pacs(well), retrieve="get", listen_address=None, listen_port=None)
    assert e.value.message == "the PACS does not offer C-FIND and C-GET here"
    assert 'no C-GET, write retrieve = "move"' in e.value.hint


def test_a_listen_port_that_is_taken_is_found_before_anything_is_asked(tmp_path: Path) -> None:
    taken = Pacs(well)
    with socket.create_server(taken.destination), pytest.raises(ConfigError, match="already taken"):
        run(tmp_path, taken)
    assert taken.asked == []


@pytest.mark.parametrize("synchronous", [True, False])
def test_while_a_real_pacs_sends_another_program_can_store_nothing(
    tmp_path: Path, synchronous: bool
) -> None:
    orthanc = Orthanc(tmp_path / "orthanc", extra={"SynchronousCMove": synchronous}).start()
    answers: list[list[int]] = []
    try:
        examination(tmp_path / "export", "PAT-001")
        orthanc.store(tmp_path / "export")
        (tmp_path / "list.txt").write_text("APAT-001")
        keys = {"accessions": "list.txt", "per_second": 20.0, "parallel": 1}
        config = read_config(write_pacs(tmp_path / "pacs.toml", orthanc, "move", **keys))
        spool = Spool(tmp_path / "home")

        def attack(_step: object) -> None:
            if files(tmp_path) and len(answers) < 3:
                evil = instance("1.6", "1.6.1", f"1.6.1.{len(answers)}", PatientID="EVIL")
                ways = [("ORTHANC", "127.0.0.1"), ("EVIL", "127.0.0.1"), ("ORTHANC", "127.0.0.2")]
                sender, source = ways[len(answers)]
                answers.append(push(orthanc.site, evil, sender=sender, source=source))

        report = fetch(config, read_wanted(config), spool, attack)
        spool.close()
    finally:
        orthanc.stop()
    assert answers == [[0x0124], [], []]
    assert report.brought.instances == len(files(tmp_path)) == SLICES
    assert not [
        p for p in (tmp_path / "home").rglob("*") if p.is_file() and b"EVIL" in p.read_bytes()
    ]
    assert report.refused == (
        "refused at listen_port: instances that were not asked for or not usable: 1; connections: "
        "2, the last from 127.0.0.2, which is not among sender_addresses"
    )
