"""One series of an examination before a scanner's dialect: what is acquired, when and where."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from hepafed.deploy.demo.anatomy import Floats, Grid
from hepafed.deploy.demo.dialects import Dialect, family_of
from numpy.typing import NDArray


def uid(*words: object) -> str:
    """Derive a UID from words: the same words give the same UID (2.25, DICOM PS3.5 B.2)."""
    digest = hashlib.sha256("\x1f".join(map(str, words)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big') | 1 << 120}"


@dataclass(frozen=True)
class Study:
    """What all series of one examination share."""

    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    date: str
    """YYYYMMDD."""
    start: int
    """Seconds after midnight."""
    study_uid: str
    frame_uid: str
    offset: NDArray[np.float64]
    """Body centre in the scanner's coordinates, mm [3]."""
    tesla: float
    chinese: bool = False
    """Descriptions are in Chinese."""


@dataclass(frozen=True)
class Mark:
    """What sets one image of a series apart from its others."""

    direction: tuple[float, float, float] | None = None
    """Of the diffusion gradient; None: a trace image, b = 0, or no diffusion."""
    number: int = 0
    """Of the direction, from 1."""
    phase: int = 0
    """Temporal position from 1; 0: the series'."""
    seconds: float = 0.0
    """Acquisition time after the series' own."""
    trigger: float | None = None
    """Trigger time, ms."""
    part: str = ""
    """Of a Dixon: `water`, `fat`, `in-phase` or `opposed-phase`."""
    echo_time: float | None = None
    """ms; None: the series'."""


UNMARKED = Mark()


@dataclass(frozen=True)
class Series:
    """One series: its number, timing, contrast settings and images."""

    name: str
    """Key of the dialect's descriptions."""
    number: int
    """Order in the examination; the dialect makes the Series Number of it."""
    seconds: int
    """Acquisition after the study's start."""
    echo_time: float
    repetition_time: float
    flip_angle: float
    scanning: str
    """Scanning Sequence: `SE`, `EP` or `GR` (DICOM PS3.3 C.8.3.1)."""
    kind: str
    """MR Acquisition Type: `2D` or `3D`."""
    thickness: float
    grid: Grid
    images: tuple[tuple[float | None, Floats], ...]
    """(b-value or None, signal in stored-value units) one after the other."""
    phase: int = 0
    """Temporal position 1…4 of a dynamic series; 0: none."""
    contrast: bool = False
    extra: dict[str, object] = field(default_factory=dict)
    """Further attributes by keyword."""
    marks: tuple[Mark, ...] = ()
    """One for each image; empty: nothing but the b-value sets them apart."""

    def mark(self, n: int) -> Mark:
        """Return what sets the `n`-th image apart."""
        return self.marks[n] if self.marks else UNMARKED


def prescribed(
    dialect: Dialect,
    name: str,
    number: int,
    seconds: int,
    thickness: float,
    grid: Grid,
    images: tuple[tuple[float | None, Floats], ...],
    **more: object,
) -> Series:
    """Return a series as the dialect's protocol acquires it; `more` are fields of `Series`."""
    s = dialect.settings[family_of(name)]
    times = (s.echo_time, s.repetition_time, s.flip_angle)
    return Series(
        name, number, seconds, *times, s.scanning, s.kind, thickness, grid, images,
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def series_uid(study: Study, series: Series) -> str:
    """Return the SeriesInstanceUID."""
    return uid(study.study_uid, series.number)


def dynamic_marks(layout: str, delays: list[int]) -> tuple[Mark, ...]:
    """Return what sets the phases of one series apart, each `delays` seconds after the first.

    `times`: the acquisition time moves on. `triggers`: it stays, and the trigger time counts.
    `both`: both do. `restart`: the acquisition time moves, the trigger time begins anew.
    """
    moves, counts = layout != "triggers", layout in ("triggers", "both")
    return tuple(
        Mark(
            phase=phase,
            seconds=float(delay) if moves else 0.0,
            trigger=1000.0 * delay if counts else 0.0 if layout == "restart" else None,
        )
        for phase, delay in enumerate(delays, 1)
    )
