"""Cohort stores with textured crops, as an ingest leaves them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.cohort import Acquisition, Cohort, Crop
from hepafed.client.cohort.measurements import Measurements
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter


def picture(seed: int, mirrored: bool = False, gain: float = 1.0) -> NDArray[np.float16]:
    """One lesion's slice, 160 × 160: a ball on texture, other texture for another seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:160, :160] - 79.5
    ball = 2.0 * (np.hypot(x, y) < 45 + 3 * rng.normal())
    texture = gaussian_filter(rng.normal(size=(160, 160)), 2.0) * 4
    made = (ball + texture + gaussian_filter(rng.normal(size=(160, 160)), 12) * 20) * gain
    return (made[:, ::-1] if mirrored else made).astype(np.float16)


def acquisition(examination: str, patient: str, sequence: str, **changes: object) -> Acquisition:
    values: dict[str, object] = {
        "examination": examination,
        "sequence": sequence,
        "patient": patient,
        "manufacturer": "siemens",
        "field_strength": 3.0,
        "b_value": 800.0 if sequence == "dwi" else None,
        "b_values": "50,800" if sequence == "dwi" else "",
        "rule": "r",
        "slices": 30,
        "rows": 320,
        "columns": 320,
        "between_slices": 5.0,
        "between_rows": 1.2,
        "between_columns": 1.2,
        "low": 0.0,
        "high": 900.0,
        "mean": 300.0,
        "spread": 100.0,
        "pixels": f"{examination}{sequence}",
    }
    return Acquisition(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def cohort(tmp_path: Path) -> Callable[..., Cohort]:
    """Make a store of n patients of one lesion; a picture may be given instead of the seed's."""

    def make(
        n: int = 12,
        pictures: dict[int, NDArray[np.float16]] | None = None,
        facts: dict[int, Measurements] | None = None,
        changes: dict[int, dict[str, object]] | None = None,
        labels: dict[int, int] | None = None,
        patients: dict[int, str] | None = None,
        sequences: tuple[str, ...] = ("t2", "dwi"),
    ) -> Cohort:
        store = Cohort.create(tmp_path)
        rows, acquired = [], []
        for k in range(n):
            patient = (patients or {}).get(k, f"{k:020x}")
            shown = (pictures or {}).get(k, picture(k))
            voxels = np.stack([np.stack([shown] * 3)] * len(sequences))
            known = Measurements("box", (30.0, 32.0, 25.0), 1.0, 1.0)
            rows.append(
                store.write(
                    Crop(
                        f"{k:04x}",
                        patient,
                        (labels or {}).get(k, k % 3),
                        sequences,
                        voxels,
                        f"e{k}",
                        (facts or {}).get(k, known).text(),
                    )
                )
            )
            acquired += [
                acquisition(f"e{k}", patient, s, **(changes or {}).get(k, {})) for s in sequences
            ]
        store.commit(rows, acquired, ())
        return store

    make.picture = picture  # type: ignore[attr-defined]
    return make
