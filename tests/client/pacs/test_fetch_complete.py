"""A PACS that lists a part of what it holds: the part is never taken for the whole."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hepafed.client.pacs.config import PacsConfig, read_config
from hepafed.client.pacs.connection import Instance, PacsSeries, PacsStudy
from hepafed.client.pacs.fetch import FetchReport, fetch
from hepafed.client.pacs.request_list import Wanted, read_wanted
from hepafed.client.pacs.spool import Spool
from hepafed.common.errors import DataError, PayloadError
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from . import hostile
from .hostile import Answer, as_file, as_json, as_multipart, instance

WANTED = Wanted(1, "AccessionNumber", "A1")
SERIES = PacsSeries(WANTED, "1.2", "1.2.3", "MR")
UIDS = [f"1.2.3.{k}" for k in (9, 4, 7, 5)]


@dataclass
class Pacs:
    """A small PACS of one study; each test lets it leave something out."""

    instances: int | None = 4
    series: int | None = 1
    study_instances: int | None = None
    modality: str = "MR"
    listed: list[str] = field(default_factory=lambda: list(UIDS))
    placed: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    """Instance → its position, mm, and its orientation; without: it has none."""

    def image(self, uid: str) -> Dataset:
        keys: dict[str, object] = {"AccessionNumber": "A1"}
        if uid in self.placed:
            keys["ImagePositionPatient"], keys["ImageOrientationPatient"] = self.placed[uid]
        return instance("1.2", "1.2.3", uid, **keys)

    def web(self, path: str) -> Answer:
        place, _, query = path.removeprefix("/dicom-web").partition("?")
        parts = place.strip("/").split("/")
        if len(parts) % 2 == 0:
            return as_multipart(as_file(self.image(parts[-1])))
        if "A9" in query:
            return 404, {}, iter([b""])
        if "offset=0" not in query:
            return as_json()
        held = {
            "NumberOfStudyRelatedSeries": self.series,
            "NumberOfStudyRelatedInstances": self.study_instances,
            "NumberOfSeriesRelatedInstances": self.instances,
        }
        stated = {k: str(v) for k, v in held.items() if v is not None}
        if parts[-1] == "studies":
            return as_json({"StudyInstanceUID": "1.2", "AccessionNumber": "A1"} | stated)
        if parts[-1] == "series":
            named = {"Modality": self.modality} if self.modality else {}
            return as_json({"SeriesInstanceUID": "1.2.3"} | named | stated)
        return as_json(*({"SOPInstanceUID": u, "SOPClassUID": MRImageStorage} for u in self.listed))

    def find(self, question: Dataset) -> list[Dataset]:
        level, made = question.QueryRetrieveLevel, Dataset()
        made.QueryRetrieveLevel, made.StudyInstanceUID = level, "1.2"
        if level == "STUDY":
            made.AccessionNumber = "A1"
            made.NumberOfStudyRelatedSeries = self.series
            made.NumberOfStudyRelatedInstances = self.study_instances
            return [made]
        made.SeriesInstanceUID = "1.2.3"
        if level == "SERIES":
            made.Modality, made.NumberOfSeriesRelatedInstances = self.modality, self.instances
            return [made]
        images = []
        for uid in self.listed:
            image = Dataset()
            image.update(made)
            image.SOPInstanceUID, image.SOPClassUID = uid, MRImageStorage
            images.append(image)
        return images

    def get(self, question: Dataset) -> list[Dataset]:
        asked = question.SOPInstanceUID
        uids = [asked] if isinstance(asked, str) else list(asked)
        return [self.image(u) for u in uids]


def over_web(folder: Path, pacs: Pacs, rows: str = "A1", **more: object) -> FetchReport:
    return served(folder, pacs.web, rows, **more)


def served(
    folder: Path, answer: Callable[[str], Answer], rows: str = "A1", **more: object
) -> FetchReport:
    with hostile.http(answer) as port:
        url = f"http://127.0.0.1:{port}/dicom-web"
        return run(folder, rows, protocol="dicomweb", url=url, **more)


def over_dimse(folder: Path, pacs: Pacs, rows: str = "A1") -> FetchReport:
    with hostile.scp(pacs.find, pacs.get) as port:
        keys = {"host": "127.0.0.1", "port": port, "called_ae_title": "HOSTILE"}
        return run(folder, rows, protocol="dimse", **keys)


def run(folder: Path, rows: str, **keys: object) -> FetchReport:
    config = config_of(folder, rows, **keys)
    spool = Spool(folder / "home")
    try:
        return fetch(config, read_wanted(config), spool, lambda step: None)
    finally:
        spool.close()


def config_of(folder: Path, rows: str, **keys: object) -> PacsConfig:
    (folder / "list.txt").write_text(rows)
    values = {"accessions": "list.txt", "retries": 0, "timeout": 5.0, "per_second": 5000.0} | keys
    lines = [f"{k} = {json.dumps(v)}" for k, v in values.items()]
    (folder / "pacs.toml").write_text("\n".join(lines))
    return read_config(folder / "pacs.toml")


def files(folder: Path) -> list[Path]:
    return [p for p in (folder / "home/spool/images").rglob("*") if p.is_file()]


BOTH = pytest.mark.parametrize("over", [over_web, over_dimse], ids=["dicomweb", "dimse"])
Over = Callable[[Path, Pacs], FetchReport]


@BOTH
def test_a_series_of_which_all_instances_are_listed_is_fetched(tmp_path: Path, over: Over) -> None:
    report = over(tmp_path, Pacs(study_instances=4))
    assert (report.series, report.brought.instances) == (1, 4)


@BOTH
def test_a_series_of_which_a_part_is_listed_is_refused_by_row(tmp_path: Path, over: Over) -> None:
    pacs = Pacs(listed=UIDS[:3])
    with pytest.raises(DataError, match=r"row 1: a series: the PACS lists 3 of the 4 instances"):
        over(tmp_path, pacs)
    assert files(tmp_path) == []
    assert over(tmp_path, Pacs()).brought.instances == 4  # the same command, once it lists all


@BOTH
def test_a_study_of_which_a_part_of_the_series_is_listed_is_refused(
    tmp_path: Path, over: Over
) -> None:
    with pytest.raises(DataError, match=r"row 1: the PACS lists 1 of the 2 series of a study"):
        over(tmp_path, Pacs(series=2))
    with pytest.raises(DataError, match=r"row 1: the series .* hold 4 of the 5 instances"):
        over(tmp_path, Pacs(series=None, study_instances=5))


@BOTH
def test_a_pacs_that_states_no_numbers_is_believed(tmp_path: Path, over: Over) -> None:
    assert over(tmp_path, Pacs(instances=None, series=None)).brought.instances == 4


AXIAL = [1.0, 0.0, 0.0, 0.0, 0.8, 0.6]
"""Tilted: along its normal slices lie 0.8 as far apart as their third coordinates."""


def stack(extent: float, directions: Sequence[list[float]] = (AXIAL,)) -> dict[str, Any]:
    """Place the instances in any order, the last `extent` mm from the first along the normal."""
    thirds = [0.5, 1.0, 0.0, 0.2]
    return {
        uid: (
            [-70.0, 11.0 * k, 30 + share * extent / 0.8 + 11.0 * k * 0.75],
            directions[k % len(directions)],
        )
        for k, (uid, share) in enumerate(zip(UIDS, thirds, strict=True))
    }


@pytest.mark.parametrize(("extent", "taken"), [(49.9, False), (50.1, True)])
def test_a_stack_that_nobody_counted_covers_50_mm_at_least(
    tmp_path: Path, extent: float, taken: bool
) -> None:
    pacs = Pacs(instances=None, placed=stack(extent))
    if taken:
        assert over_web(tmp_path, pacs).series == 1
        return
    text = r"row 1: a series: .* the 4 that it sent cover only 50 mm: it may be incomplete"
    with pytest.raises(DataError, match=text):
        over_web(tmp_path, pacs)
    assert over_web(tmp_path, pacs, uncounted=True).series == 1


@BOTH
def test_a_short_stack_is_taken_where_the_pacs_states_the_number(
    tmp_path: Path, over: Over
) -> None:
    with pytest.raises(DataError, match=r"does not say how many .* only 20 mm"):
        over(tmp_path, Pacs(instances=None, placed=stack(20.0)))
    assert over(tmp_path, Pacs(placed=stack(20.0))).series == 1


def test_what_is_no_stack_has_no_extent_to_fall_short(tmp_path: Path) -> None:
    turned = [AXIAL, [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]]
    for n, placed in enumerate((stack(20.0, turned), stack(0.9), {UIDS[0]: ([0.0] * 3, AXIAL)})):
        home = tmp_path / str(n)
        home.mkdir()
        assert over_web(home, Pacs(instances=None, placed=placed)).series == 1


@BOTH
def test_a_series_without_a_modality_is_asked_for_its_mr_images(tmp_path: Path, over: Over) -> None:
    assert over(tmp_path, Pacs(modality="")).brought.instances == 4


def test_numbers_that_are_smaller_than_what_is_listed_are_out_of_date() -> None:
    SERIES.check([])
    PacsSeries(WANTED, "1.2", "1.2.3", "MR", 1).check([Instance("1.1", ""), Instance("1.2", "")])
    PacsStudy("1.2", 1, 3).check([SERIES, PacsSeries(WANTED, "1.2", "1.2.4", "MR", 4)])


def test_what_is_listed_twice_counts_once() -> None:
    with pytest.raises(PayloadError, match="1 of the 2 instances"):
        PacsSeries(WANTED, "1.2", "1.2.3", "MR", 2).check([Instance("1.1", "")] * 2)
    with pytest.raises(PayloadError, match="1 of the 2 series"):
        PacsStudy("1.2", 2).check([SERIES, SERIES])


def test_a_study_s_instances_are_compared_only_where_every_series_states_its_own() -> None:
    PacsStudy("1.2", None, 9).check([SERIES, PacsSeries(WANTED, "1.2", "1.2.4", "MR", 4)])


def test_a_series_that_has_grown_since_it_was_fetched_is_fetched_again(tmp_path: Path) -> None:
    first = Pacs(instances=3, listed=UIDS[:3])
    assert over_web(tmp_path, first).brought.instances == 3
    assert over_web(tmp_path, first).brought.already == 1
    again = over_web(tmp_path, Pacs(instances=4))
    assert (again.brought.already, again.brought.instances) == (0, 1)


def test_a_journal_of_an_older_release_is_believed(tmp_path: Path) -> None:
    over_web(tmp_path, Pacs())
    journal = tmp_path / "home/spool/journal"
    journal.write_text(journal.read_text().replace(', "listed": 4', ""))
    assert over_web(tmp_path, Pacs()).brought.already == 1


@pytest.mark.parametrize("kept", [1, 3])
def test_a_warning_beside_the_last_answers_means_that_there_are_more(
    tmp_path: Path, kept: int
) -> None:
    pacs = Pacs(instances=None)

    def capped(path: str) -> Answer:
        if "/instances?" not in path:
            return pacs.web(path)
        status, headers, body = as_json(*({"SOPInstanceUID": u} for u in UIDS[:kept]))
        return status, headers | {"Warning": "299 pacs: There are 3 additional results"}, body

    with pytest.raises(DataError, match=r"row 1: a series: the PACS cuts its answer short"):
        served(tmp_path, capped)
    assert files(tmp_path) == []


def test_a_full_page_that_comes_again_means_that_there_are_more(tmp_path: Path) -> None:
    pacs = Pacs(instances=None)
    page = [{"SOPInstanceUID": f"1.2.{k}"} for k in range(1000)]

    def same(path: str) -> Answer:
        return as_json(*page) if "/instances?" in path else pacs.web(path)

    with pytest.raises(DataError, match="cuts its answer short"):
        served(tmp_path, same)


def test_a_row_that_the_pacs_answers_with_404_does_not_end_the_fetch(tmp_path: Path) -> None:
    with pytest.raises(DataError) as e:
        over_web(tmp_path, Pacs(), rows="A9\nA1\n")
    assert e.value.message == "some could not be fetched: row 1: not in the PACS (HTTP 404)"
    assert "url" not in e.value.hint
    assert len(files(tmp_path)) == 4


def test_nothing_but_404_asks_whether_the_address_is_right(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1: not in the PACS") as e:
        over_web(tmp_path, Pacs(), rows="A9\n")
    assert "check url" in e.value.hint


@pytest.mark.parametrize("count", ["x", "-1", "1.5"])
def test_a_count_that_is_no_number_is_refused(tmp_path: Path, count: str) -> None:
    pacs = Pacs(instances=None)

    def lies(path: str) -> Answer:
        said = {"SeriesInstanceUID": "1.2.3", "NumberOfSeriesRelatedInstances": count}
        return as_json(said) if "/series?" in path else pacs.web(path)

    with pytest.raises(DataError, match="not a number"):
        served(tmp_path, lies)
