"""A hostile PACS gets nothing taken that was not asked for, and costs no memory and no file."""

import itertools
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hepafed.client.pacs.config import read_config
from hepafed.client.pacs.connection import Pace, PacsSeries
from hepafed.client.pacs.dicomweb import DicomWeb
from hepafed.client.pacs.fetch import FetchReport, fetch
from hepafed.client.pacs.request_list import read_wanted
from hepafed.client.pacs.spool import Spool
from hepafed.common.errors import HepaFedError, PayloadError
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, MRImageStorage

from . import hostile
from .hostile import Answer, as_file, as_json, as_multipart, instance

GOOD = instance("1.2", "1.2.3", "1.2.3.4", AccessionNumber="A1")


def run(folder: Path, **keys: object) -> FetchReport:
    (folder / "list.txt").write_text("A1")
    values = {
        "accessions": "list.txt",
        "retries": 0,
        "timeout": 5.0,
        "parallel": 1,
        "largest_instance_mb": 2,
        "per_second": 5000.0,
    } | keys
    lines = [f"{k} = {v!r}" for k, v in values.items()]
    (folder / "pacs.toml").write_text("\n".join(lines))
    config = read_config(folder / "pacs.toml")
    spool = Spool(folder / "home")
    try:
        return fetch(config, read_wanted(config), spool, lambda step: None)
    finally:
        spool.close()


def web(folder: Path, **answers: Callable[[], Answer]) -> FetchReport:
    """Fetch from a service that answers well except where `answers` says otherwise."""

    def answer(path: str) -> Answer:
        place, _, query = path.removeprefix("/dicom-web").partition("?")
        parts = place.strip("/").split("/")
        kind = parts[-1] if len(parts) % 2 else "instance"
        assert ".." not in parts
        if kind in answers:
            return answers[kind]()
        if kind != "instance" and "offset=0" not in query:
            return as_json()
        return {
            "studies": lambda: as_json({"StudyInstanceUID": "1.2", "AccessionNumber": "A1"}),
            "series": lambda: as_json({"SeriesInstanceUID": "1.2.3", "Modality": "MR"}),
            "instances": lambda: as_json({"SOPInstanceUID": "1.2.3.4"}),
            "instance": lambda: as_multipart(as_file(GOOD)),
        }[kind]()

    with hostile.http(answer) as port:
        return run(folder, protocol="dicomweb", url=f"http://127.0.0.1:{port}/dicom-web")


def scp(folder: Path, get: list[Dataset], accession: str = "A1") -> FetchReport:
    """Fetch from a DIMSE service that sends `get`, whatever is asked for."""

    def find(question: Dataset) -> list[Dataset]:
        made = Dataset()
        made.QueryRetrieveLevel = question.QueryRetrieveLevel
        made.StudyInstanceUID = "1.2"
        if question.QueryRetrieveLevel == "STUDY":
            made.AccessionNumber = accession
        elif question.QueryRetrieveLevel == "SERIES":
            made.SeriesInstanceUID, made.Modality = "1.2.3", "MR"
        else:
            made.SeriesInstanceUID, made.SOPInstanceUID = "1.2.3", "1.2.3.4"
            made.SOPClassUID = MRImageStorage
        return [made]

    with hostile.scp(find, lambda _: get) as port:
        return run(folder, protocol="dimse", host="127.0.0.1", port=port, called_ae_title="HOSTILE")


def files(folder: Path) -> list[Path]:
    return [p for p in (folder / "home/spool/images").rglob("*") if p.is_file()]


def test_the_service_of_these_tests_is_believed_when_it_does_not_lie(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "scp").mkdir()
    assert web(tmp_path / "web").brought.instances == 1
    assert scp(tmp_path / "scp", [GOOD]).brought.instances == 1
    assert len(files(tmp_path / "web")) == len(files(tmp_path / "scp")) == 1


WRONG = {
    "another study": instance("1.9", "1.2.3", "1.2.3.4"),
    "another series": instance("1.2", "1.9", "1.2.3.4"),
    "another instance": instance("1.2", "1.2.3", "1.9"),
    "another accession number": instance("1.2", "1.2.3", "1.2.3.4", AccessionNumber="A2"),
    "a path": instance("1.2", "1.2.3", "../../../evil"),
    "larger than allowed": instance("1.2", "1.2.3", "1.2.3.4", pixels=2**21 + 2),
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("protocol", ["dicomweb", "dimse"])
def test_an_instance_that_was_not_asked_for_or_is_too_large_is_not_taken(
    tmp_path: Path, data: Dataset, protocol: str
) -> None:
    ways = {
        "dicomweb": lambda: web(tmp_path, instance=lambda: as_multipart(as_file(data))),
        "dimse": lambda: scp(tmp_path, [data]),
    }
    with pytest.raises(HepaFedError, match="row 1: a series: ") as e:
        ways[protocol]()
    assert "evil" not in e.value.message
    assert files(tmp_path) == []
    made = {p.name for p in (tmp_path / "home").iterdir()}
    assert made == {"spool", "pseudonym.key", "kept.digests"}


def test_studies_of_another_accession_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HepaFedError, match=r"row 1: .* not asked for"):
        web(tmp_path, studies=lambda: as_json({"StudyInstanceUID": "1.2", "AccessionNumber": "B"}))
    with pytest.raises(HepaFedError, match=r"row 1: .* not asked for"):
        scp(tmp_path, [GOOD], accession="B")
    assert files(tmp_path) == []


@pytest.mark.parametrize("uid", ["../../../etc", "1.2/../3", "", "1" * 65, "1.2?x=1"])
def test_a_uid_that_is_none_goes_into_no_address(tmp_path: Path, uid: str) -> None:
    lies = {
        "studies": lambda: as_json({"StudyInstanceUID": uid, "AccessionNumber": "A1"}),
        "series": lambda: as_json({"SeriesInstanceUID": uid, "Modality": "MR"}),
        "instances": lambda: as_json({"SOPInstanceUID": uid}),
    }
    for kind, lie in lies.items():
        with pytest.raises(HepaFedError, match="not a UID"):
            web(tmp_path, **{kind: lie})
    assert files(tmp_path) == []


def test_pages_without_end_are_cut_off(tmp_path: Path) -> None:
    count = itertools.count(1)
    (tmp_path / "list.txt").write_text("A1")
    with hostile.http(lambda _: as_json({"SOPInstanceUID": f"1.{next(count)}"})) as port:
        (tmp_path / "pacs.toml").write_text(
            'accessions = "list.txt"\nprotocol = "dicomweb"\nper_second = 5000.0\n'
            f'url = "http://127.0.0.1:{port}/dicom-web"\n'
        )
        config = read_config(tmp_path / "pacs.toml")
        series = PacsSeries(read_wanted(config)[0], "1.2", "1.2.3", "MR")
        with (
            closing(DicomWeb(config, Pace(5000.0), most_answers=50)) as service,
            pytest.raises(PayloadError, match="more than 50 answers"),
        ):
            service.instances(series)
    assert next(count) == 52


def test_a_service_that_knows_no_pages_is_asked_until_nothing_new_comes(tmp_path: Path) -> None:
    same = as_json({"SOPInstanceUID": "1.2.3.4"})
    body = list(same[2])
    report = web(tmp_path, instances=lambda: (same[0], same[1], iter(body)))
    assert report.brought.instances == 1


def test_an_endless_answer_is_cut_off_at_the_bound(tmp_path: Path) -> None:
    def endless() -> Answer:
        status, headers, _ = as_multipart()
        return status, headers, itertools.repeat(bytes(65536))

    tracemalloc.start()
    with pytest.raises(HepaFedError, match="larger than"):
        web(tmp_path, instance=endless)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * 2**20


def test_an_endless_dimse_message_is_cut_off_at_the_bound(tmp_path: Path) -> None:
    big = instance("1.2", "1.2.3", "1.2.3.4", pixels=64 * 2**20)
    with pytest.raises(HepaFedError, match="larger than 2 MB"):
        scp(tmp_path, [big])


def test_more_instances_than_were_asked_for_end_the_connection(tmp_path: Path) -> None:
    with pytest.raises(HepaFedError, match="more than was asked for"):
        scp(tmp_path, [GOOD] * 100)
    assert len(files(tmp_path)) == 1


def test_a_series_at_which_the_pacs_breaks_off_does_not_stop_the_others(tmp_path: Path) -> None:
    def found(level: str, series: str) -> Dataset:
        made = Dataset()
        made.QueryRetrieveLevel, made.StudyInstanceUID = level, "1.2"
        made.AccessionNumber, made.SeriesInstanceUID, made.Modality = "A1", series, "MR"
        made.SOPClassUID, made.SOPInstanceUID = MRImageStorage, f"{series}.1"
        return made

    def find(question: Dataset) -> list[Dataset]:
        level = question.QueryRetrieveLevel
        if level == "IMAGE":
            return [found(level, question.SeriesInstanceUID)]
        return [found(level, s) for s in ("1.3", "1.4", "1.5")[: 1 if level == "STUDY" else 3]]

    def get(question: Dataset) -> list[Dataset]:
        if question.SeriesInstanceUID == "1.4":
            raise ConnectionAbortedError
        return [instance("1.2", question.SeriesInstanceUID, question.SOPInstanceUID)]

    with (
        hostile.scp(find, get) as port,
        pytest.raises(
            HepaFedError, match="fetched: row 1: a series: the PACS ended the connection"
        ),
    ):
        run(tmp_path, protocol="dimse", host="127.0.0.1", port=port, called_ae_title="HOSTILE")
    assert len(files(tmp_path)) == 2


def test_a_protocol_data_unit_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    keys = {"protocol": "dimse", "host": "127.0.0.1", "called_ae_title": "HOSTILE"}
    accept = bytes.fromhex("0200ffffffff")  # A-ASSOCIATE-AC of 4 GB (PS3.8 9.3.3)
    tracemalloc.start()
    with (
        hostile.raw(accept, 64 * 2**20) as port,
        pytest.raises(HepaFedError, match="cannot open an association"),
    ):
        run(tmp_path, port=port, **keys)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20


def test_a_deflated_instance_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    bomb = as_file(GOOD).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    bomb = bomb[:400] + zlib.compress(bytes(2**20))
    assert DeflatedExplicitVRLittleEndian.encode() in bomb
    with pytest.raises(HepaFedError, match="deflated"):
        web(tmp_path, instance=lambda: as_multipart(bomb))
    assert files(tmp_path) == []


NONSENSE: dict[str, Answer] = {
    "no JSON": (200, {}, iter([b"<html>"])),
    "numbers": (200, {}, iter([b"[1, 2]"])),
    "a value of a wrong kind": (200, {}, iter([b'[{"0020000D": 7, "00080050": []}]'])),
    "deep nesting": (200, {}, iter([b"[" * 100_000])),
    "a redirect": (302, {"Location": "http://127.0.0.1:9/"}, iter([])),
    "a refusal": (403, {}, iter([])),
    "a failure": (500, {}, iter([])),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_ends_in_an_error_of_ours(tmp_path: Path, name: str) -> None:
    status, headers, body = NONSENSE[name]
    pieces = list(body)
    with pytest.raises(HepaFedError) as e:
        web(tmp_path, studies=lambda: (status, headers, iter(pieces)))
    assert e.value.hint


@pytest.mark.parametrize("part", [b"", b"not DICOM", b"\0" * 128 + b"DICM" + b"\xff" * 64])
def test_what_is_not_dicom_is_not_taken(tmp_path: Path, part: bytes) -> None:
    with pytest.raises(HepaFedError, match="row 1: a series: "):
        web(tmp_path, instance=lambda: as_multipart(part))
    assert files(tmp_path) == []


def test_nothing_but_a_get_can_be_sent() -> None:
    from hepafed.client.pacs.config import PacsConfig
    from hepafed.client.pacs.web_session import ReadOnlySession

    config = PacsConfig(protocol="dicomweb", url="http://127.0.0.1:9/", patients="p.txt")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        with pytest.raises(HepaFedError):
            ReadOnlySession(config).request(method, "http://127.0.0.1:9/")
