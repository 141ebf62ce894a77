"""Small series for tests of what the phantom's files state: four slices of nine by eight."""

from pathlib import Path

import numpy as np
import pydicom
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.read import read_headers
from hepafed.deploy.demo.anatomy import Grid
from hepafed.deploy.demo.dialects import Dialect
from hepafed.deploy.demo.dicom_writer import write_series
from hepafed.deploy.demo.series import Mark, Study, prescribed

GRID = Grid.centred((4, 9, 8), (6.0, 3.0, 2.5), (7.0, -4.0, 3.0), (1.0, 2.0, 3.0))
PIXELS = np.arange(4 * 9 * 8, dtype=np.float32).reshape(4, 9, 8)


def study(*, chinese: bool = False) -> Study:
    """Give a study that begins at ten o'clock."""
    return Study(
        "P1", "Phantom^One", "19500101", "F", "20240102", 36000, "2.25.1", "2.25.2",
        np.array([12.0, -9.0, 40.0]), 3.0, chinese,
    )  # fmt: skip


def written(
    folder: Path,
    dialect: Dialect,
    name: str = "t2",
    b_values: tuple[float | None, ...] = (None,),
    marks: tuple[Mark, ...] = (),
    *,
    chinese: bool = False,
    **more: object,
) -> list[pydicom.Dataset]:
    """Write a series and give its files as pydicom reads them, by instance number."""
    images = tuple((b, PIXELS + n) for n, b in enumerate(b_values))
    made = prescribed(dialect, name, 3, 60, 5.0, GRID, images, marks=marks, **more)
    write_series(folder, dialect, study(chinese=chinese), made)
    files = [pydicom.dcmread(p) for p in folder.iterdir()]
    return sorted(files, key=lambda f: int(f.InstanceNumber))


def headers(folder: Path) -> list[Header]:
    """Give what the product reads of every file of a folder, by instance number."""
    found = [h for p in folder.iterdir() for h in read_headers(p, p.name)]
    return sorted(found, key=lambda h: h.number)
