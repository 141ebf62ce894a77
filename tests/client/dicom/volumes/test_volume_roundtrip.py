"""What the builder writes comes back: the same voxels at the same places in the patient."""

import random
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.dicom.roles.series import volumes_of
from hepafed.client.dicom.volumes.volume import Volume
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from tests.client.dicom.builder import NATIVE, T2, Stack, axial, classic, enhanced, headers, save


@dataclass(frozen=True)
class Geometry:
    """A random grid: `affine` may run against the slice normal."""

    affine: NDArray[np.float64]
    shape: tuple[int, int, int]


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    turn = np.array(draw(st.tuples(*[st.floats(-1, 1)] * 4)))
    if np.linalg.norm(turn) < 0.1:
        turn = np.array([1.0, 0, 0, 0])
    w, x, y, z = turn / np.linalg.norm(turn)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    spacing = draw(st.tuples(*[st.floats(0.3, 8.0)] * 3))
    flip = draw(st.sampled_from((1.0, -1.0)))
    affine = np.eye(4)
    affine[:3, :3] = rotation * np.array([spacing[0], spacing[1], spacing[2] * flip])
    affine[:3, 3] = draw(st.tuples(*[st.floats(-300, 300)] * 3))
    shape = draw(st.tuples(st.integers(2, 9), st.integers(1, 7), st.integers(1, 7)))
    return Geometry(affine, shape)


def voxels_for(geometry: Geometry, seed: int, kind: str) -> NDArray[np.integer]:
    rng = np.random.default_rng(seed)
    info = np.iinfo(kind)
    return rng.integers(info.min, info.max, geometry.shape, dtype=kind, endpoint=True)


@dataclass(frozen=True)
class Loaded:
    """A volume and its voxels, loaded while the files were there."""

    volume: Volume
    voxels: NDArray[np.float32]

    @property
    def key(self) -> tuple[str, float]:
        return self.volume.sequence, self.volume.b_value or 0.0


def read(data_sets: list[Dataset], syntax_index: int, seed: int) -> list[Loaded]:
    """Write the files in any order under any names and read them; sorted by role."""
    with tempfile.TemporaryDirectory() as folder:
        random.Random(seed).shuffle(data_sets)
        for k, ds in enumerate(data_sets):
            save(Path(folder) / f"{k % 3}" / f"{k}", [ds], NATIVE[syntax_index])
        grouped = volumes_of(headers(Path(folder)))
        assert all(o.outcome == "taken" for o in grouped.outcomes.values()), grouped.outcomes
        return sorted((Loaded(v, v.load()) for v in grouped.volumes), key=lambda x: x.key)


def same_in_the_patient(
    found_volume: Loaded, voxels: NDArray[np.integer], affine: np.ndarray
) -> None:
    """Every voxel has its value at its place, in whichever order the slices come."""
    k, r, c = np.indices(voxels.shape).reshape(3, -1)
    ones = np.ones(k.size)
    volume, loaded = found_volume.volume, found_volume.voxels
    truth = affine @ [c, r, k, ones]
    found = volume.affine @ [c, r, k, ones]
    if np.abs(truth - found).max() > 1e-3:
        found = volume.affine @ [c, r, voxels.shape[0] - 1 - k, ones]
        loaded = loaded[::-1]
    assert np.abs(truth - found).max() < 1e-3
    assert np.array_equal(loaded, voxels.astype(np.float32))


quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(geometries(), st.integers(0, 1 << 20), st.integers(0, 3), st.sampled_from(("u2", "i2")))
def test_any_geometry_comes_back(geometry: Geometry, seed: int, syntax: int, kind: str) -> None:
    voxels = voxels_for(geometry, seed, kind)
    (volume,) = read(classic(Stack(voxels, geometry.affine, dict(T2))), syntax, seed)
    same_in_the_patient(volume, voxels, geometry.affine)
    sizes = np.linalg.norm(geometry.affine[:3, :3], axis=0)
    assert np.allclose(volume.volume.spacing, (sizes[2], sizes[1], sizes[0]), atol=1e-4)


@quick
@given(geometries(), st.integers(0, 1 << 20))
def test_interleaved_acquisition_comes_back_in_order(geometry: Geometry, seed: int) -> None:
    voxels = voxels_for(geometry, seed, "u2")
    files = classic(Stack(voxels, geometry.affine, dict(T2)))
    for number, k in enumerate([*range(0, len(files), 2), *range(1, len(files), 2)], 1):
        files[k].InstanceNumber = number
        files[k].AcquisitionNumber = number
        files[k].AcquisitionTime = f"1200{number:02d}.5"
    (volume,) = read(files, 0, seed)
    same_in_the_patient(volume, voxels, geometry.affine)


@quick
@given(geometries(), st.integers(0, 1 << 20), st.integers(0, 1))
def test_classic_and_enhanced_files_give_the_same_volumes(
    geometry: Geometry, seed: int, syntax: int
) -> None:
    voxels = [voxels_for(geometry, seed + n, "u2") for n in range(3)]
    first = Stack(
        voxels[0], geometry.affine, dict(T2) | {"RescaleSlope": 2.0, "RescaleIntercept": -10.0}
    )
    stacks = [first]
    for n, b in ((1, 0.0), (2, 800.0)):
        attributes = {
            "ScanningSequence": ["SE", "EP"],
            "EchoTime": 60.0,
            "RepetitionTime": 6000.0,
            "DiffusionBValue": b,
        }
        stacks.append(Stack(voxels[n], geometry.affine, attributes, number=2, first=100 * n))
    files = [ds for stack in stacks for ds in classic(stack)]
    alone = read(files, syntax, seed)
    together = read([enhanced(stacks[:1]), enhanced(stacks[1:])], syntax, seed)
    assert len(alone) == len(together) == 3

    for a, b in zip(alone, together, strict=True):
        assert a.key == b.key
        assert np.allclose(a.volume.affine, b.volume.affine)
        assert np.array_equal(a.voxels, b.voxels)


@pytest.mark.parametrize("signed", [0, 1], ids=["unsigned", "signed"])
@pytest.mark.parametrize("scaled", [False, True], ids=["as stored", "rescaled"])
def test_inverted_grey_values_are_turned_round(signed: int, scaled: bool) -> None:
    """White is the lowest value of MONOCHROME1: 12 bits, from -2048 where values are signed."""
    stack = axial()
    lowest, highest = (-2048, 2047) if signed else (0, 4095)
    stored = stack.voxels.astype(np.int16) * 3 + lowest
    inverted = (highest - (stored - lowest)).astype(np.int16 if signed else np.uint16)
    shown = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    shown |= {"PixelRepresentation": signed}
    if scaled:
        shown |= {"RescaleSlope": 2.5, "RescaleIntercept": -7.0}
    files = classic(replace(stack, voxels=inverted).with_attributes(**shown))
    (volume,) = read(files, 0, 1)
    wanted = stored * 2.5 - 7.0 if scaled else stored
    assert (volume.voxels == wanted.astype(np.float32)).all()


def test_inverted_grey_values_that_philips_scaled_slice_by_slice_are_turned_round() -> None:
    stack = axial(slices=2)
    files = classic(stack)
    for ds, (slope, scale) in zip(files, ((2.0, 0.5), (4.0, 0.25)), strict=True):
        plain = ds.pixel_array.astype(np.uint16)
        ds.PixelData = (65535 - plain).astype(np.uint16).tobytes()
        ds.PhotometricInterpretation = "MONOCHROME1"
        ds.RescaleSlope, ds.RescaleIntercept = slope, 6.0
        ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(
            0x0E, "FL", scale
        )
        ds.Manufacturer = "Philips"
    (volume,) = read(files, 0, 1)
    first = stack.voxels[0] / 0.5 + 6.0 / (2.0 * 0.5)
    second = stack.voxels[1] / 0.25 + 6.0 / (4.0 * 0.25)
    assert volume.voxels == pytest.approx(np.stack([first, second]), rel=1e-6)
