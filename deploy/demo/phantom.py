"""Phantom hospitals: liver-MR-like examinations as real DICOM files, with a labels table.

Three lesion classes differ in sequence-dependent signal, so that T2 alone tells benign from
malignant fairly and T2 with DWI well. The same seed gives the same bytes, and a patient does not
depend on how many others are written.
"""

import csv
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from hepafed.common.console import command, progress, say
from hepafed.common.vocabulary import CLASSES
from hepafed.deploy.demo.anatomy import (
    LIVER_AXES,
    LIVER_CENTRE,
    Floats,
    Grid,
    Lesion,
    Look,
    Scene,
    bounds,
    draw,
    paint,
)

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

DYNAMIC = ("t1-pre", "arterial", "portal", "delayed")


@dataclass(frozen=True, kw_only=True)
class SiteStyle:
    """One hospital: its scanner, its protocol and whom it sees."""

    name: str
    vendor: str
    """`siemens`, `ge` or `philips`."""
    tesla: float
    mixture: tuple[float, float, float]
    """Shares of the classes among patients."""
    t2: tuple[int, int, float, float]
    """Matrix, slices, pixel and slice spacing (mm) of T2."""
    dwi: tuple[int, int, float, float]
    t1: tuple[int, int, float, float]
    tilt: float
    """Obliquity of T2 in degrees; DWI takes a third of it, T1 the opposite half."""
    bias: float
    """Strength of the bias field."""
    noise: float
    """Noise of T2 relative to the liver; DWI has twice, T1 three quarters of it."""
    gamma: float
    """Contrast: signal to this power."""
    gain: float
    """Stored value of the liver on T2."""
    joint_dwi: bool
    """Both b-values in one series."""
    label_noise: float = 0.04
    """Share of lesions with a wrong class in labels.csv."""


STYLES = {
    s.name: s
    for s in (
        SiteStyle(
            name="hospital-a", vendor="siemens", tesla=3.0, mixture=(0.50, 0.30, 0.20),
            t2=(96, 14, 3.1, 7.2), dwi=(64, 11, 4.8, 9.6), t1=(72, 12, 4.2, 9.0),
            tilt=7.0, bias=0.25, noise=0.07, gamma=1.0, gain=260, joint_dwi=True,
        ),
        SiteStyle(
            name="hospital-b", vendor="ge", tesla=1.5, mixture=(0.40, 0.42, 0.18),
            t2=(92, 13, 3.25, 7.8), dwi=(60, 10, 5.1, 10.4), t1=(68, 11, 4.5, 9.6),
            tilt=-9.0, bias=0.12, noise=0.10, gamma=0.93, gain=520, joint_dwi=True,
        ),
        SiteStyle(
            name="hospital-c", vendor="philips", tesla=3.0, mixture=(0.45, 0.22, 0.33),
            t2=(100, 15, 3.0, 6.8), dwi=(68, 12, 4.5, 8.8), t1=(76, 12, 4.0, 8.8),
            tilt=5.0, bias=0.35, noise=0.08, gamma=1.06, gain=900, joint_dwi=False,
        ),
        SiteStyle(
            name="external-1", vendor="ge", tesla=3.0, mixture=(0.42, 0.34, 0.24),
            t2=(96, 14, 3.2, 7.0), dwi=(64, 10, 4.9, 10.2), t1=(72, 11, 4.3, 9.4),
            tilt=10.0, bias=0.32, noise=0.11, gamma=1.04, gain=380, joint_dwi=False,
            label_noise=0.03,
        ),
        SiteStyle(
            name="external-2", vendor="siemens", tesla=1.5, mixture=(0.55, 0.25, 0.20),
            t2=(100, 14, 3.05, 7.4), dwi=(62, 11, 5.0, 9.4), t1=(70, 12, 4.4, 8.8),
            tilt=-6.0, bias=0.18, noise=0.12, gamma=0.9, gain=210, joint_dwi=True,
            label_noise=0.03,
        ),
    )
}  # fmt: skip


def _looks(kind: int, rng: np.random.Generator) -> dict[str, Look]:
    """Draw a lesion's signals; the constants decide how separable the classes are."""
    benign, primary, metastatic = (kind == k for k in range(3))
    t2 = rng.normal(2.15 if benign else 1.62, 0.36)
    high = rng.normal(1.15, 0.28) if benign else rng.normal(2.25, 0.38)
    target = rng.uniform(0.5, 1.0) if metastatic else 0.0
    grain = rng.uniform(0.02, 0.16) if benign else rng.uniform(0.06, 0.24)
    seen = target if rng.random() < 0.6 else 0.0
    coarse = 1.5 * grain if primary else grain
    arterial, portal, delayed = (
        ((1.0, 1.5, 1.8), (1.9, 1.25, 1.0), (0.8, 0.95, 1.1))[kind]
    )  # fmt: skip
    shift = rng.normal(0, 0.12)
    return {
        "t2": Look(t2, ring=0.30 * seen, core=-0.25 * seen, texture=coarse),
        "dwi-low": Look(0.9 * t2, ring=0.25 * target, texture=coarse),
        "dwi-high": Look(high, ring=0.9 * target, core=-1.1 * target, texture=grain),
        "t1-pre": Look(0.62 + 0.5 * shift, texture=0.5 * grain),
        "arterial": Look(arterial + shift, 0.9 * (not primary) * rng.random(), -0.4 * benign, grain),
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
                kind=kind, centre=(float(place[0]), float(place[1]), float(place[2])),
                radius=radius, stretch=tuple(rng.uniform(0.94, 1.08, 3).tolist()),
                lobes=float(rng.uniform(0.005, 0.03) if kind == 0 else rng.uniform(0.015, 0.05)),
                phases=tuple(rng.uniform(0, 2 * math.pi, 9).tolist()), looks=_looks(kind, rng),
            )
        )  # fmt: skip
    return tuple(placed)


def _scan(
    clean: Floats, points: Floats, style: SiteStyle, noise: float, gain: float,
    rng: np.random.Generator,
) -> Floats:  # fmt: skip
    """Make a scanner's image of a clean signal: contrast, bias field, Rician noise, gain."""
    slope = rng.normal(0, 1, 3) / 110
    bend = float(rng.uniform(-0.6, 0.6)) / 110**2
    field = sum(np.float32(slope[n]) * points[n] for n in range(3))
    field = field + np.float32(bend) * (np.square(points[0]) + np.square(points[1]))
    signal = clean ** np.float32(style.gamma) * np.exp(np.float32(style.bias) * field)
    real, imaginary = rng.standard_normal((2, *clean.shape), dtype=np.float32) * np.float32(noise)
    return np.hypot(signal + real, imaginary) * np.float32(gain * math.exp(rng.normal(0, 0.15)))
