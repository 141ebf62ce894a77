"""Quality control finds what spoils a study, and nothing where nothing is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hepafed.client.cohort.measurements import Measurements
from hepafed.client.cohort.store import Cohort
from hepafed.client.quality.duplicates import describe, detail_alike, same_pictures
from hepafed.client.quality.findings import quality
from hepafed.client.quality.outliers import robust_z
from numpy.typing import NDArray
from scipy.ndimage import shift

Make = Callable[..., Cohort]


def test_a_clean_cohort_has_no_finding(cohort: Make) -> None:
    found = quality(cohort(20))
    assert found.findings == ()
    assert found.scanners == {"siemens 3 T": 20}
    assert found.b_values == {"50,800": 20}
    assert found.spacing["t2"] == ((5.0, 5.0, 5.0), (1.2, 1.2, 1.2))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"between_slices": 9.0}, "distance between slices"),
        ({"between_columns": 3.0}, "pixel spacing"),
        ({"slices": 3}, "slices"),
        ({"spread": 1.0}, "contrast"),
    ],
)
def test_an_examination_unlike_the_others_is_an_outlier(
    cohort: Make, change: dict[str, Any], word: str
) -> None:
    found = quality(cohort(changes={3: change})).findings
    assert {f.kind for f in found} == {"outlier"}
    assert {f.where for f in found} == {"examination e3"}
    assert all(word in f.text for f in found)


def test_a_lesion_of_an_odd_size_is_an_outlier(cohort: Make) -> None:
    (finding,) = quality(cohort(facts={5: Measurements("box", (300.0, 20.0, 20.0))})).findings
    assert finding.where == "lesion 0005"


@pytest.mark.parametrize(
    "again",
    [
        lambda p: p,
        lambda p: p[:, ::-1],
        lambda p: p[::-1],
        lambda p: p * 0.4 + 2,
        lambda p: shift(p[:, ::-1].astype(float), (1, -2), mode="nearest"),
    ],
    ids=["same", "mirrored", "upside down", "scaled", "mirrored and shifted"],
)
def test_the_same_pixels_under_two_patients_are_found_however_exported(
    cohort: Make, again: Callable[[Any], Any]
) -> None:
    first = cohort.picture(0)  # type: ignore[attr-defined]
    store = cohort(pictures={7: np.asarray(again(first), np.float16)})
    found = [f for f in quality(store).findings if f.kind in ("duplicate", "leak")]
    assert len(found) == 1
    assert f"{0:020x}" in found[0].where
    assert f"{7:020x}" in found[0].where
    splits = store.splits()
    apart = splits[f"{0:020x}"] != splits[f"{7:020x}"]
    assert found[0].kind == ("leak" if apart else "duplicate")


def test_one_patient_s_own_lesions_may_look_alike(cohort: Make) -> None:
    first = cohort.picture(0)  # type: ignore[attr-defined]
    assert quality(cohort(pictures={1: first}, patients={1: f"{0:020x}"})).findings == ()


def test_a_volume_that_is_voxel_for_voxel_another_patient_s_is_found(cohort: Make) -> None:
    found = quality(cohort(changes={2: {"pixels": "x"}, 9: {"pixels": "x"}})).findings
    assert {f.kind for f in found} <= {"duplicate", "leak"}
    assert any("voxel for voxel" in f.text for f in found)


def test_a_leak_between_splits_is_told_apart_from_a_duplicate_within_one(cohort: Make) -> None:
    store = cohort(40, pictures={k: cohort.picture(k % 20) for k in range(40)})  # type: ignore[attr-defined]
    splits = store.splits()
    wanted = {
        "leak" if splits[f"{k:020x}"] != splits[f"{k + 20:020x}"] else "duplicate"
        for k in range(20)
    }
    assert wanted == {"leak", "duplicate"}
    assert {f.kind for f in quality(store).findings} == wanted


def test_looking_for_duplicates_does_not_compare_all_with_all(cohort: Make) -> None:
    pictures = [cohort.picture(k) for k in range(150)]  # type: ignore[attr-defined]
    described = [describe(p) for p in pictures]
    asked: list[int] = []

    def picture(n: int) -> NDArray[np.float16]:
        asked.append(n)
        return pictures[n]

    compared: list[float] = []

    def compare(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
        compared.append(detail_alike(first, second))
        return compared[-1]

    owners = [str(k) for k in range(150)]
    found = [d for d in described if d is not None]
    assert not list(same_pictures(found, owners, picture, compare))
    assert len(compared) < 0.05 * 150 * 149 / 2
    assert len(asked) == len(set(asked))


def test_a_picture_without_detail_is_left_out() -> None:
    assert describe(np.ones((160, 160), np.float16)) is None


def test_robust_z_is_not_moved_by_the_outlier_itself() -> None:
    z = robust_z([10.0, 10.1, 9.9, 10.0, 10.2, 9.8, 10.0, 1000.0])
    assert max(abs(v) for v in z[:-1]) < 2
    assert z[-1] > 100
