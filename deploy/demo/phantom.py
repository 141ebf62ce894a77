"""Phantom hospitals: liver-MR-like examinations as real DICOM files, with a labels table.

Three lesion classes differ in sequence-dependent signal, so that T2 alone tells benign from
malignant fairly and T2 with DWI well. The same seed gives the same bytes, and a patient does not
depend on how many others are written.
"""

import csv
import io
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hepafed.common.contract import CLASSES
from hepafed.common.files import write_whole
from hepafed.deploy.demo.anatomy import (
    LIVER_AXES,
    LIVER_CENTRE,
    Drawn,
    Floats,
    Grid,
    Lesion,
    Look,
    bounds,
    draw,
    paint,
)
from hepafed.deploy.demo.dialects import DIALECTS, Dialect
from hepafed.deploy.demo.dicom_writer import write_series
from hepafed.deploy.demo.hospitals import SiteStyle
from hepafed.deploy.demo.series import Series, Study, dynamic_marks, prescribed, uid

COLUMNS = (
    "patient_id", "lesion_id", "label", "study_uid", "series_uid",
    "x_min", "y_min", "z_min", "x_max", "y_max", "z_max",
)  # fmt: skip
"""Of labels.csv; boxes are voxel indices of the T2 series, both ends included: x column, y row,
z slice counted along the slice normal (column direction × row direction), whatever the instance
numbers say."""

ORGANS = {
    "t2": (1.1, 0.55, 1.9, 1.7, 0.9, 3.0, 0.3, 1.0, 0.4),
    "dwi-low": (0.5, 0.5, 1.2, 1.6, 0.7, 2.2, 0.3, 1.0, 0.45),
    "dwi-high": (0.35, 0.4, 0.6, 1.7, 0.6, 0.7, 0.2, 1.0, 0.6),
    "t1-pre": (0.6, 0.8, 0.5, 0.8, 0.8, 0.3, 0.7, 1.0, 0.75),
    "arterial": (0.6, 0.9, 0.7, 1.6, 1.0, 0.3, 2.4, 1.1, 1.2),
    "portal": (0.6, 1.0, 0.9, 1.6, 1.1, 0.3, 1.9, 1.5, 2.0),
    "delayed": (0.6, 1.05, 0.9, 1.5, 1.1, 0.3, 1.6, 1.4, 1.6),
}
"""Signal of fat, muscle, stomach, spleen, spine, fluid, aorta, liver and vessels by image."""

DECAY = {"dwi-high": 0.45}
"""Liver at the highest b-value over that at the lowest: exp(−750 s/mm² · 1.07 · 10⁻³ mm²/s)."""

DYNAMIC = ("t1-pre", "arterial", "portal", "delayed")
STARTS = (600, 660, 705, 840)
"""Seconds after the study's start at which each phase of the dynamic is acquired."""


def _looks(kind: int, rng: np.random.Generator) -> dict[str, Look]:
    """Draw a lesion's signals; the constants decide how separable the classes are."""
    benign, primary, metastatic = (kind == k for k in range(3))
    t2 = rng.normal(2.15 if benign else 1.62, 0.36)
    high = rng.normal(1.15, 0.28) if benign else rng.normal(2.25, 0.38)
    target = rng.uniform(0.5, 1.0) if metastatic else 0.0
    grain = rng.uniform(0.02, 0.16) if benign else rng.uniform(0.06, 0.24)
    seen = target if rng.random() < 0.6 else 0.0
    coarse = 1.5 * grain if primary else grain
    arterial, portal, delayed = ((1.0, 1.5, 1.8), (1.9, 1.25, 1.0), (0.8, 0.95, 1.1))[kind]
    shift = rng.normal(0, 0.12)
    return {
        "t2": Look(t2, ring=0.30 * seen, core=-0.25 * seen, texture=coarse),
        "dwi-low": Look(0.9 * t2, ring=0.25 * target, texture=coarse),
        "dwi-high": Look(high, ring=0.9 * target, core=-1.1 * target, texture=grain),
        "t1-pre": Look(0.62 + 0.5 * shift, texture=0.5 * grain),
        "arterial": Look(
            arterial + shift, 0.9 * (not primary) * rng.random(), -0.4 * benign, grain
        ),
        "portal": Look(portal + shift, 0.4 * (not metastatic), -0.3 * metastatic, grain),
        "delayed": Look(delayed + shift, 0.6 * primary, 0.0, grain),
    }


def _lesions(
    kind: int, mixture: tuple[float, ...], pixel: float, rng: np.random.Generator
) -> tuple[Lesion, ...]:
    """Place one to three lesions apart from each other, well inside the liver."""
    wanted = int(rng.choice((1, 2, 3), p=(0.5, 0.3, 0.2)))
    placed: list[Lesion] = []
    for _ in range(60 * wanted):
        if len(placed) == wanted:
            break
        # Twelve T2 pixels across at least, whatever the pixel's size.
        radius = float(rng.uniform(6.6 * pixel, (9.4, 8.0, 7.4)[wanted - 1] * pixel))
        inner = np.array([a - 1.1 * radius for a in LIVER_AXES])
        inner[2] = max(42.0 - radius, 4.0)
        unit = rng.normal(size=3)
        place = unit / np.linalg.norm(unit) * rng.random() ** (1 / 3) * inner + LIVER_CENTRE
        if any(math.dist(place, p.centre) < 1.15 * (radius + p.radius) for p in placed):
            continue
        if placed and rng.random() < 0.2:
            kind = int(rng.choice(3, p=mixture))
        placed.append(
            Lesion(
                kind=kind,
                centre=(float(place[0]), float(place[1]), float(place[2])),
                radius=radius,
                stretch=tuple(rng.uniform(0.94, 1.08, 3).tolist()),
                lobes=float(rng.uniform(0.005, 0.03) if kind == 0 else rng.uniform(0.015, 0.05)),
                phases=tuple(rng.uniform(0, 2 * math.pi, 9).tolist()),
                looks=_looks(kind, rng),
            )
        )
    return tuple(placed)


def _scan(
    clean: Floats,
    points: Floats,
    style: SiteStyle,
    noise: float,
    gain: float,
    rng: np.random.Generator,
) -> Floats:
    """Make a scanner's image of a clean signal: contrast, bias field, Rician noise, gain."""
    slope = rng.normal(0, 1, 3) / 110
    bend = float(rng.uniform(-0.6, 0.6)) / 110**2
    field = sum(np.float32(slope[n]) * points[n] for n in range(3))
    field = field + np.float32(bend) * (np.square(points[0]) + np.square(points[1]))
    signal = clean ** np.float32(style.gamma) * np.exp(np.float32(style.bias) * field)
    real, imaginary = rng.standard_normal((2, *clean.shape), dtype=np.float32) * np.float32(noise)
    level = np.float32(gain * math.exp(rng.normal(0, 0.15)))
    image: Floats = np.hypot(signal + real, imaginary) * level
    return image


@dataclass(frozen=True)
class Patient:
    """One made-up person: the build, the lesions, and what labels.csv will say of them."""

    study: Study
    lesions: tuple[Lesion, ...]
    labels: tuple[int, ...]
    """Class of each lesion as the hospital wrote it down; some are wrong."""
    phases: tuple[float, ...]
    """Eight angles of the vessels and the parenchyma's texture."""


def make_patient(style: SiteStyle, number: int, seed: int) -> tuple[Patient, np.random.Generator]:
    """Make the `number`-th patient of a site, and the random stream of their scans."""
    rng = np.random.default_rng([seed, zlib.crc32(style.name.encode()), number])
    lesions = _lesions(int(rng.choice(3, p=style.mixture)), style.mixture, style.t2[2], rng)
    labels = tuple(
        int(rng.choice([k for k in range(3) if k != lesion.kind]))
        if rng.random() < style.label_noise
        else lesion.kind
        for lesion in lesions
    )
    name = f"{style.name.upper()}-{number:05d}"
    year, month, day = rng.integers(2015, 2025), rng.integers(1, 13), rng.integers(1, 29)
    study = Study(
        patient_id=name,
        patient_name=f"PHANTOM^{name}",
        birth_date=f"{rng.integers(1935, 1995)}{rng.integers(1, 13):02d}{rng.integers(1, 29):02d}",
        sex="FM"[int(rng.integers(2))],
        date=f"{year}{month:02d}{day:02d}",
        start=int(rng.integers(8 * 3600, 17 * 3600)),
        study_uid=uid("study", seed, name),
        frame_uid=uid("frame", seed, name),
        offset=rng.normal(0, 12, 3),
        tesla=style.tesla,
        chinese=style.chinese,
    )
    phases = tuple(rng.uniform(0, 2 * math.pi, 8).tolist())
    return Patient(study, lesions, labels, phases), rng


def _grid(size: tuple[int, int, float, float], tilt: float, rng: np.random.Generator) -> Grid:
    matrix, slices, pixel, between = size
    turn = (tilt + rng.normal(0, 1), rng.normal(0, 1), rng.normal(0, 1.5))
    middle = (rng.normal(0, 3), rng.normal(0, 3), rng.normal(0, 2))
    return Grid.centred((slices, matrix, matrix), (between, pixel, pixel), turn, middle)


def _images(
    grid: Grid,
    names: tuple[str, ...],
    patient: Patient,
    style: SiteStyle,
    noise: float,
    rng: np.random.Generator,
) -> tuple[dict[str, Floats], tuple[Drawn, ...]]:
    """Scan one grid in each of the contrasts `names`; gives the lesions on it as well."""
    points = grid.points()
    scene = draw(points, patient.lesions, patient.phases)
    organs = ("fat", "muscle", "stomach", "spleen", "spine", "fluid", "aorta", "liver", "vessels")
    made = {}
    for name in names:
        levels = dict(zip(organs, ORGANS[name], strict=True))
        clean = paint(scene, levels, [lesion.looks[name] for lesion in patient.lesions])
        gain = style.gain * DECAY.get(name, 1.0)
        made[name] = _scan(clean, points, style, noise * style.noise, gain, rng)
    return made, scene.lesions


def write_patient(folder: Path, style: SiteStyle, number: int, seed: int) -> list[dict[str, str]]:
    """Write a patient's examination under `folder`; returns their rows of labels.csv."""
    patient, rng = make_patient(style, number, seed)
    dialect, study = DIALECTS[style.dialect], patient.study
    home = folder / f"P{number:05d}"
    t2 = _grid(style.t2, style.tilt, rng)
    images, drawn = _images(t2, ("t2",), patient, style, 1.0, rng)
    pixels = ((None, images["t2"]),)
    series = [prescribed(dialect, "t2", 2, 60, 0.85 * style.t2[3], t2, pixels)]
    dwi = _grid(style.dwi, style.tilt / 3, rng)
    images, _ = _images(dwi, ("dwi-low", "dwi-high"), patient, style, 2.0, rng)
    pair = ((50.0, images["dwi-low"]), (800.0, images["dwi-high"]))
    parts = {"dwi": pair} if style.joint_dwi else {"dwi-low": pair[:1], "dwi-high": pair[1:]}
    series += [
        prescribed(dialect, name, 3 + n, 240 + 90 * n, 0.8 * style.dwi[3], dwi, taken)
        for n, (name, taken) in enumerate(parts.items())
    ]
    t1 = _grid(style.t1, -style.tilt / 2, rng)
    images, _ = _images(t1, DYNAMIC, patient, style, 0.75, rng)
    series += _dynamic(dialect, style, t1, images)
    for one in series:
        written = write_series(home / f"S{one.number:03d}", dialect, study, one)
        if one.name == "t2":
            reference = written
    return [
        _label_row(study, reference, f"L{n}", CLASSES[label], seen)
        for n, (label, seen) in enumerate(zip(patient.labels, drawn, strict=True), 1)
    ]


def _dynamic(
    dialect: Dialect, style: SiteStyle, grid: Grid, images: dict[str, Floats]
) -> list[Series]:
    """Return the dynamic as the site's scanner writes it: a series a phase, or all in one."""
    shown = [(name, when, images[name]) for name, when in zip(DYNAMIC, STARTS, strict=True)]
    if style.dynamic == "series":
        return [
            prescribed(
                dialect,
                name,
                5 + phase,
                when,
                style.t1[3],
                grid,
                ((None, image),),
                phase=phase,
                contrast=phase > 1,
            )
            for phase, (name, when, image) in enumerate(shown, 1)
        ]
    marks = dynamic_marks(style.dynamic, [when - STARTS[0] for when in STARTS])
    pixels = tuple((None, image) for _, _, image in shown)
    joint = prescribed(
        dialect, "dynamic", 6, STARTS[0], style.t1[3], grid, pixels, contrast=True, marks=marks
    )
    return [joint]


def _label_row(study: Study, series: str, lesion: str, label: str, seen: Drawn) -> dict[str, str]:
    inside = bounds(seen.weight >= 0.5)
    starts = [outer.start + inner.start for outer, inner in zip(seen.box, inside, strict=True)]
    stops = [outer.start + inner.stop - 1 for outer, inner in zip(seen.box, inside, strict=True)]
    words = [study.patient_id, lesion, label, study.study_uid, series]
    return dict(
        zip(COLUMNS, [*words, *map(str, starts[::-1]), *map(str, stops[::-1])], strict=True)
    )


def write_site(
    folder: Path, style: SiteStyle, patients: int, seed: int, step: Callable[[int, int], None]
) -> None:
    """Write a hospital: a folder a patient, and labels.csv; `step(done, total)` as it goes."""
    rows = []
    for number in range(patients):
        rows += write_patient(folder, style, number, seed)
        step(number + 1, patients)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / "labels.csv", text.getvalue())
