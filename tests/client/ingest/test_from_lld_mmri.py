"""The public LLD-MMRI layout ends in crops that lie on the lesions, and in a store like any."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hepafed.client.cohort.measurements import measurements_from
from hepafed.client.cohort.store import Cohort
from hepafed.client.ingest.from_lld_mmri import ingest_lld_mmri, make
from hepafed.client.ingest.lld_layout import CATEGORIES, PHASES, Examination, read_annotation
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.common.errors import LabelsError, UsageError
from hepafed.deploy.demo.anatomy import Grid

PHASE_NAMES = ("T2WI", "DWI", "In Phase", "Out Phase", "C-pre", "C+A", "C+V", "C+Delay")
SEVEN = {
    "Hepatic_hemangioma": "benign", "Hepatic_abscess": "benign", "Hepatic_cyst": "benign",
    "FOCAL_NODULAR_HYPERPLASIA": "benign", "Hepatocellular_carcinoma": "primary-malignant",
    "Intrahepatic_cholangiocarcinoma": "primary-malignant", "Hepatic_metastasis": "metastatic",
}  # fmt: skip
TO_RAS = np.array([-1.0, -1.0, 1.0])
LESIONS = (((-30.0, 15.0, 5.0), 16.0), ((45.0, -20.0, -10.0), 12.0))


def write(folder: Path, patients: int = 3, phases: tuple[str, ...] = PHASE_NAMES) -> Path:
    """Write the layout: every phase its own oblique grid, one bright ball of 1000 a lesion."""
    info: dict[str, list[dict[str, Any]]] = {}
    names = list(SEVEN)
    for p in range(patients):
        patient, study = f"MR{p:06d}", f"1.2.840.{p}"
        info[patient] = []
        for n, phase in enumerate(phases):
            tilt = (3.0 * n - 8, 11.0 - 4 * n, 2.0 * n)
            grid = Grid.centred((24 - n, 44 + n, 50), (5.0, 4.4, 4.0), tilt, (2.0 * n, 3.0, 0.0))
            points = np.moveaxis(grid.points(), 0, -1)
            noise = np.random.default_rng([p, n]).uniform(60, 140, points.shape[:-1])
            image = noise * (np.linalg.norm(points / [120, 100, 90], axis=-1) <= 1)
            lesions: dict[str, Any] = {}
            for number, (centre, radius) in enumerate(LESIONS[: 1 + p % 2]):
                inside = np.linalg.norm(points - np.array(centre), axis=-1) <= radius
                image[inside] = 1000.0
                index = np.argwhere(inside)[:, ::-1]
                box = dict(zip(("x_min", "y_min", "z_min"), index.min(0).tolist(), strict=True))
                box |= dict(zip(("x_max", "y_max", "z_max"), index.max(0).tolist(), strict=True))
                lesions[str(number)] = {"category": names[p % 7], "bbox": {"3D_box": box}}
            affine = np.eye(4)
            affine[:3, :3] = (grid.axes * np.array(grid.spacing[::-1])[:, None]).T * TO_RAS[:, None]
            affine[:3, 3] = grid.origin * TO_RAS
            path = folder / "images" / patient / study / f"1.3.12.{n}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            voxels = image.transpose(2, 1, 0).astype(np.int16)
            nibabel.Nifti1Image(voxels, affine).to_filename(path)
            info[patient].append(
                {
                    "studyUID": study,
                    "seriesUID": f"1.3.12.{n}",
                    "phase": phase,
                    "pixel_spacing": [4.4, 4.0],
                    "slice_thickness": 5.0,
                    "annotation": {"num_targets": len(lesions), "lesion": lesions},
                }
            )
    (folder / "Annotation.json").write_text(json.dumps({"Annotation_info": info}))
    return folder


def change(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "Annotation.json"
    values = json.loads(path.read_text())
    edit(values["Annotation_info"])
    path.write_text(json.dumps(values))


def ingest(home: Path, folder: Path) -> Cohort:
    ingest_lld_mmri(home, folder, lambda *_: None, workers=1)
    return Cohort.open(home)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The layout and a home that has ingested it, for tests that change neither."""
    folder = tmp_path_factory.mktemp("lld")
    ingest(folder / "home", write(folder / "lld"))
    return folder / "home", folder / "lld"


def test_every_crop_of_every_phase_lies_on_the_lesion(taken: tuple[Path, Path]) -> None:
    store = Cohort.open(taken[0])
    rows = store.rows()
    assert len(rows) == 4
    for row in rows:
        assert row.sequences == "t2,dwi,t1-pre,arterial,portal,delayed"
        crop = store.voxels(row).astype(np.float32)
        # The ball's centre, by its bright pixels, is the crop's centre in every phase.
        for channel in crop[:, crop.shape[1] // 2]:
            y, x = np.nonzero(channel > 0.9 * channel.max())
            mm = 1.6 * max(measurements_from(row.facts).size[:2]) / 160
            assert np.hypot(y.mean() - 79.5, x.mean() - 79.5) * mm < 4.0
            assert len(y) * mm**2 > 0.5 * np.pi * 12.0**2
        facts = measurements_from(row.facts)
        assert facts.in_body == 1.0
        assert facts.in_field == 1.0
        assert facts.apart is not None
        assert facts.apart < 5.0


def test_the_seven_categories_become_three_classes(tmp_path: Path) -> None:
    folder = write(tmp_path / "lld", patients=7, phases=("T2WI",))
    examinations, _ = read_annotation(folder)
    found = {e.patient: set(e.labels.values()) for e in examinations}
    classes = list(CATEGORIES)
    wanted = {f"MR{p:06d}": {classes.index(c)} for p, c in enumerate(SEVEN.values())}
    assert found == wanted


def test_the_eight_phases_have_a_sequence_each() -> None:
    keys = [p.lower().replace(" ", "").replace("-", "") for p in PHASE_NAMES]
    assert keys == list(PHASES)


def test_ingesting_again_changes_no_byte_of_the_store(taken: tuple[Path, Path]) -> None:
    home, folder = taken

    def content() -> dict[str, bytes]:
        files = (home / "cohort").rglob("*")
        return {p.name: p.read_bytes() for p in files if p.is_file()}

    first = content()
    ingest(home, folder)
    assert content() == first
    assert len(first) == 1 + 4


def test_no_name_of_the_data_set_is_in_the_store(taken: tuple[Path, Path]) -> None:
    home, folder = taken
    for path in (p for p in home.rglob("*") if p.is_file()):
        for word in (b"MR000", b"1.2.840", b"1.3.12", str(folder).encode()):
            assert word not in path.read_bytes()


def test_every_wrong_entry_is_listed_at_once_without_a_value(tmp_path: Path) -> None:
    folder = write(tmp_path / "lld", patients=5, phases=("T2WI", "DWI"))

    def edit(info: dict[str, Any]) -> None:
        info["MR000000"][0]["annotation"]["lesion"]["0"]["category"] = "Secret_tumour"
        info["MR000001"][1]["phase"] = "C+Later"
        info["MR000002"][0]["seriesUID"] = "9.9.9"
        info["MR000003"][1]["annotation"]["lesion"]["1"]["bbox"]["3D_box"]["x_min"] = "four"
        info["MR000003"][0]["studyUID"] = "../../etc"
        info["MR000004"][1]["annotation"]["lesion"]["0"]["category"] = "Hepatic_cyst"
        del info["MR000004"][0]["phase"]

    change(folder, edit)
    with pytest.raises(LabelsError) as caught:
        ingest(tmp_path / "home", folder)
    text = caught.value.message
    for wanted in (
        "patient 1, series 1: a lesion's category is none of the seven",
        "patient 2, series 2: its phase is none of the eight",
        "patient 3, series 1: its NIfTI file is missing",
        "patient 4, series 2: a 3D_box is not six numbers",
        "patient 4, series 1: a name that is not usable as a folder's name",
        "patient 5, series 1: not a series entry",
    ):
        assert wanted in text
    for value in ("Secret", "Later", "9.9.9", "four", "etc", "MR0000"):
        assert value not in text
    assert not (tmp_path / "home/cohort").exists()


def test_a_box_outside_its_volume_and_overlapping_lesions_are_problems(tmp_path: Path) -> None:
    folder = write(tmp_path / "lld", patients=2, phases=("T2WI", "DWI"))

    def edit(info: dict[str, Any]) -> None:
        info["MR000000"][1]["annotation"]["lesion"]["0"]["bbox"]["3D_box"]["z_max"] = 400
        lesions = info["MR000001"][0]["annotation"]["lesion"]
        lesions["1"]["bbox"] = lesions["0"]["bbox"]

    change(folder, edit)
    with pytest.raises(LabelsError) as caught:
        ingest(tmp_path / "home", folder)
    assert "examination 1: a box lies outside the volume of its dwi series" in caught.value.message
    assert "examination 2: two lesions overlap" in caught.value.message


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Annotation_info": 3}', "[" * 100_000])
def test_another_json_file_is_not_the_annotation(tmp_path: Path, text: str) -> None:
    folder = write(tmp_path / "lld", patients=1, phases=("T2WI",))
    (folder / "Annotation.json").write_text(text)
    with pytest.raises(LabelsError, match="LLD-MMRI annotation"):
        ingest(tmp_path / "home", folder)


def test_another_folder_is_not_the_layout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="layout"):
        ingest(tmp_path / "home", tmp_path)


def test_what_was_taken_is_known_to_come_from_the_layout(taken: tuple[Path, Path]) -> None:
    store = Cohort.open(taken[0])
    found = store.facts(store.lesions(), "external")
    assert found.sources == ("lld-mmri",)
    assert set(found.left_out.values()) == {(0, 0)}


def test_an_examination_s_rows_hold_what_its_files_hold(
    taken: tuple[Path, Path], tmp_path: Path
) -> None:
    examinations, _ = read_annotation(taken[1])
    second = examinations[1]
    shutil.copy(taken[0] / "pseudonym.key", tmp_path)
    lesions, acquisitions, broken = make((tmp_path, 2, second))
    names = Pseudonyms(tmp_path)
    patient = names.of("patient", second.patient)
    name = names.of("examination", second.patient, second.study)
    assert broken == []
    assert {(r.patient, r.examination) for r in [*lesions, *acquisitions]} == {(patient, name)}
    assert {r.lesion for r in lesions} == {
        names.of("lesion", second.patient, f"{second.study}/{n}") for n in ("0", "1")
    }
    by_phase = dict(zip(PHASE_NAMES, range(8), strict=True))
    used = [by_phase[p] for p in ("T2WI", "DWI", "C-pre", "C+A", "C+V", "C+Delay")]
    assert [(a.slices, a.rows, a.columns) for a in acquisitions] == [
        (24 - n, 44 + n, 50) for n in used
    ]
    assert {(a.between_slices, a.between_rows, a.between_columns) for a in acquisitions} == {
        (5.0, 4.4, 4.0)
    }
    facts = {r.label: measurements_from(r.facts) for r in lesions}
    assert {f.source for f in facts.values()} == {"box"}
    for number, (f, (_, radius)) in enumerate(
        zip((measurements_from(r.facts) for r in lesions), LESIONS, strict=True)
    ):
        assert f.apart == pytest.approx(apart(second, str(number)), abs=0.06)
        assert f.size == pytest.approx((2 * radius,) * 3, abs=6.0)
        assert f.in_body == 1.0
        assert f.signals is not None
        sequences = {a.sequence for a in acquisitions}
        assert set(f.signals.contrast) == sequences
        assert min(f.signals.contrast.values()) > 5
        assert set(f.signals.agreement) == sequences
        assert set(f.signals.course) == {"t1-pre", "arterial", "portal", "delayed"}


def apart(examination: Examination, number: str) -> float:
    """The greatest distance of two box centres, from what nibabel reads."""
    centres = []
    for series in examination.series:
        affine = np.asarray(nibabel.load(series.path).affine)
        low, high = np.array(series.boxes[number][:3]), np.array(series.boxes[number][3:])
        centres.append(affine[:3, :3] @ ((low + high) / 2) + affine[:3, 3])
    return max(float(np.linalg.norm(a - b)) for a in centres for b in centres)


def test_each_broken_series_of_each_examination_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "lld", patients=3, phases=("T2WI", "DWI"))
    for patient, phase in (("MR000000", 1), ("MR000002", 0)):
        (path,) = (folder / "images" / patient).rglob(f"1.3.12.{phase}.nii.gz")
        image = nibabel.load(path)
        voxels = np.asarray(image.dataobj).astype(np.float32)
        voxels[3, 4, 5] = np.nan
        nibabel.Nifti1Image(voxels, image.affine).to_filename(path)
    report = ingest_lld_mmri(tmp_path / "home", folder, lambda *_: None, workers=1)
    why = "the NIfTI file contains values that are not numbers"
    assert report.left == [
        ("examination 1", f"a dwi series: {why}"),
        ("examination 3", f"a t2 series: {why}"),
    ]
