"""An examination of oblique, shuffled series gives crops that lie on the lesion, voxel by voxel."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.cohort.measurements import measurements_from
from hepafed.client.cohort.records import Acquisition
from hepafed.client.cohort.store import Cohort
from hepafed.client.ingest.examination import ExaminationTask, Made, make, problems_of
from hepafed.client.lesions.labels import Label
from hepafed.client.scan import Source
from numpy.typing import NDArray

from tests.client.dicom.builder import DWI, T2, Stack, classic, save
from tests.client.volumes import affine_of

T2_GRID = affine_of()
DWI_GRID = affine_of((1.1, 1.4, 4.6), (31.0, -9.0), (-36.0, 10.0, 236.0))
SLOPES = (10.0, 23.0, 57.0)
"""Grey values from column to column, row to row, slice to slice."""
BOX = (11.0, 7.0, 3.0, 34.0, 15.0, 10.0)
Make = Callable[..., Any]
SOME = (0, 1, 37, 79, 80, 121, 158, 159)


def ramp(shape: tuple[int, int, int], more: int = 0) -> NDArray[np.uint16]:
    k, j, i = np.indices(shape)
    return (1000 + more + 10 * i + 23 * j + 57 * k).astype(np.uint16)


def written(folder: Path, stacks: list[Stack]) -> None:
    """Write the slices under numbers and names that do not follow their order."""
    for stack in stacks:
        made = classic(stack)
        for k, ds in enumerate(made):
            ds.InstanceNumber = (k * 5 + 3) % len(made) + 1
            ds.SOPInstanceUID = f"{ds.SeriesInstanceUID}.{stack.first + (k * 11 + 2) % len(made)}"
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        save(folder, made)


def task_of(tmp_path: Path, stacks: list[Stack], *rows: Label) -> ExaminationTask:
    folder = tmp_path / "export"
    written(folder, stacks)
    names = sorted((p.name for p in folder.iterdir()), key=lambda n: n[::-1])
    images = tuple((Source(n.encode(), f"key {n}", 1, 1), "") for n in names)
    named = tuple((r, f"lesion {r.lesion_id}") for r in rows)
    return ExaminationTask(folder, tmp_path / "home", "e1", "p1", images, (), named, "i")


def t2(number: int = 1, more: int = 0, slices: int = 14) -> Stack:
    about = T2 | {"SeriesDescription": "t2 tse"}
    return Stack(ramp((slices, 23, 48), more), T2_GRID, about, number=number, first=1)


def dwi(b: float, number: int, more: int) -> Stack:
    about: dict[str, Any] = DWI | {"DiffusionBValue": b, "DiffusionDirectionality": "ISOTROPIC"}
    return Stack(ramp((16, 33, 41), more), DWI_GRID, about, number=number, first=1)


ROW = Label(2, "P1", "L1", 2, box=BOX, readers={"ann": 1, "bob": None}, groups={"sex": "f"})


def grey(voxels: NDArray[np.float16], a: Acquisition) -> NDArray[np.float64]:
    """Undo the normalisation of a crop's channel."""
    return voxels.astype(np.float64) * a.spread + a.mean


def test_crops_lie_on_the_lesion_in_every_sequence_of_the_examination(tmp_path: Path) -> None:
    stacks = [dwi(800.0, 3, 500), t2(), t2(4, 300, 12), dwi(50.0, 2, 250)]
    made, outcomes = make(task_of(tmp_path, stacks, ROW))
    assert {o.outcome for o in outcomes} == {"taken"}
    assert len(outcomes) == 14 + 12 + 16 + 16
    (lesion,) = made.lesions
    by_sequence = {a.sequence: a for a in made.acquisitions}
    assert list(by_sequence) == ["t2", "dwi"]
    assert (by_sequence["t2"].slices, by_sequence["dwi"].b_value) == (14, 800.0)
    assert by_sequence["dwi"].b_values == "50,800"
    voxels = Cohort.prepare(tmp_path / "home").voxels(lesion)
    heights = (5, 6, 8)
    assert voxels.shape == (2, 3, 160, 160)
    for n, r, c in product(range(3), SOME, SOME):
        # 24 × 0.8 = 19.2 mm is the longer side: a square of 30.72 mm, its middle at (22.5, 11)
        x = 22.5 + (c + 0.5 - 80) * 0.192 / 0.8
        y = 11.0 + (r + 0.5 - 80) * 0.192 / 1.9
        at = np.array([x, y, heights[n]])
        there = np.linalg.solve(DWI_GRID, T2_GRID @ np.array([*at, 1.0]))[:3]
        for channel, place, last, more in (
            (0, at, (47, 22, 13), 0),
            (1, there, (40, 32, 15), 500),
        ):
            a = made.acquisitions[channel]
            wanted = 1000 + more + float(np.clip(place, 0, last) @ SLOPES)
            found = grey(voxels[channel], a)[n, r, c]
            assert found == pytest.approx(np.clip(wanted, a.low, a.high), abs=0.8), (n, r, c)


def test_a_lesion_s_row_says_all_that_was_measured_of_it(tmp_path: Path) -> None:
    made, _ = make(task_of(tmp_path, [t2()], ROW))
    (lesion,) = made.lesions
    assert (lesion.lesion, lesion.patient, lesion.examination) == ("lesion L1", "p1", "e1")
    assert (lesion.label, lesion.sequences, lesion.slices) == (2, "t2", 3)
    facts = measurements_from(lesion.facts)
    assert (facts.source, facts.size) == ("box", (19.2, 17.1, 34.4))
    assert (facts.in_body, facts.in_field, facts.phases_in_order) == (1.0, 1.0, None)
    assert (facts.readers, facts.groups) == ({"ann": 1}, {"sex": "f"})
    assert Made.from_json(made.to_json()) == replace(made, series=())


def test_each_lesion_of_an_examination_has_its_own_crop(tmp_path: Path) -> None:
    far = replace(ROW, row=3, lesion_id="L2", label=0, box=(2.0, 2.0, 1.0, 5.0, 4.0, 1.0))
    made, _ = make(task_of(tmp_path, [t2()], far, ROW))
    assert [(m.lesion, m.label, m.slices) for m in made.lesions] == [
        ("lesion L2", 0, 1),
        ("lesion L1", 2, 3),
    ]
    store = Cohort.prepare(tmp_path / "home")
    (about,) = made.acquisitions
    first = grey(store.voxels(made.lesions[0])[0], about)
    # the least side of 30 mm round (3.5, 3): 0.09375 mm right of and below it lies pixel (80, 80)
    wanted = 1000 + 10 * (3.5 + 0.09375 / 0.8) + 23 * (3 + 0.09375 / 1.9) + 57
    assert first[0, 80, 80] == pytest.approx(wanted, abs=0.8)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["as numbered", "turned"])
def test_of_equal_series_none_is_taken_and_it_is_said(
    tmp_path: Path, order: tuple[int, int]
) -> None:
    stacks = {1: t2(1), 2: t2(2, 2000), 3: dwi(800.0, 3, 500)}
    found = [stacks[n] for n in (*order, 3)]
    made, _ = make(task_of(tmp_path, found, replace(ROW, series_uid="")))
    assert [a.sequence for a in made.acquisitions] == ["dwi"]
    (why,) = made.undecided
    assert why.startswith("t2 left out: 2 volumes, and nothing decides")
    assert Made.from_json(made.to_json()).undecided == made.undecided


def test_without_a_lesion_nothing_of_an_examination_is_kept(tmp_path: Path) -> None:
    outside = replace(ROW, box=(11.0, 7.0, 3.0, 48.0, 15.0, 10.0))
    task = task_of(tmp_path, [t2()], outside)
    assert problems_of(task) == ["row 2: the box lies outside the volume"]
    made, _ = make(task)
    assert (made.lesions, made.acquisitions) == ((), ())
    assert [(s.files, s.sequence) for s in made.series] == [(14, "t2")]


def test_a_mask_of_the_export_gives_the_place(
    tmp_path: Path, examination: Make, write_seg: Make
) -> None:
    exam = examination(sequences=("t2",))
    folder, volume = exam.folder, exam.volume("t2")
    names = [Path(h.path).relative_to(folder) for h in volume.headers]
    images = tuple((Source(str(n).encode(), f"key {n}", 1, 1), "") for n in names)
    seg = (write_seg(folder / "seg", volume, {"L1": exam.inside("t2")}), "")
    row = (Label(2, exam.patient, "L1", 1), "lesion L1")
    task = ExaminationTask(folder, tmp_path / "home", "e1", "p1", images, (seg,), (row,), "i")
    assert problems_of(task) == []
    (lesion,) = make(task)[0].lesions
    assert measurements_from(lesion.facts).source == "mask"
    (problem,) = problems_of(replace(task, masks=()))
    assert problem == "row 2: neither a box nor a mask_file, and no segmentation in the export"
