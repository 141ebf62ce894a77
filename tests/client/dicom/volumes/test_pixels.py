"""Pixels: rescale, Philips' scale slope, stored bits, compressed syntaxes, and a deadly decoder."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.read import read_headers
from hepafed.client.dicom.encoding.reasons import BrokenFileError
from hepafed.client.dicom.roles.series import volumes_of
from hepafed.client.dicom.volumes.decoder import close_decoder, decode
from hepafed.client.dicom.volumes.pixels import load_stack, scales, statistics
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from tests.client.dicom.builder import Stack, axial, classic, encoded, headers, save


@pytest.fixture(autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    close_decoder()


def compressed(folder: Path, syntax: str = RLELossless, stack: Stack | None = None) -> list[Header]:
    stack = stack or axial()
    for k, ds in enumerate(classic(stack)):
        ds.compress(syntax, generate_instance_uid=False)
        (folder / f"{k}").write_bytes(encoded(ds, syntax))
    return headers(folder)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_compression_changes_nothing(tmp_path: Path, syntax: str) -> None:
    stack = axial(rows=70, columns=65)
    assert np.array_equal(load_stack(compressed(tmp_path, syntax, stack)), stack.voxels)


def test_rescale_is_applied_slice_by_slice(tmp_path: Path) -> None:
    files = classic(axial())
    for k, ds in enumerate(files):
        ds.RescaleSlope, ds.RescaleIntercept = 2.0 + k, -5.0
    save(tmp_path, files)
    expected = axial().voxels * (2.0 + np.arange(4))[:, None, None] - 5
    found = headers(tmp_path)
    assert np.allclose(load_stack(found), expected)
    assert statistics(found) == (expected.min(), expected.max(), pytest.approx(expected.mean()))


def test_philips_slices_of_different_rescale_are_made_comparable(tmp_path: Path) -> None:
    stack = dataclasses.replace(
        axial(), private=((0x2005, "Philips MR Imaging DD 001", 0x0E, "FL", 0.5),)
    )
    files = classic(stack)
    for k, ds in enumerate(files):
        ds.RescaleSlope, ds.RescaleIntercept = 1.0 + k, 0.0
    save(tmp_path, files)
    assert scales(headers(tmp_path)) == [(2.0, 0.0)] * 4
    assert np.allclose(load_stack(headers(tmp_path)), axial().voxels * 2.0)


@pytest.mark.parametrize("kind", ["u2", "i2"])
def test_bits_above_the_stored_ones_do_not_reach_the_pixels(tmp_path: Path, kind: str) -> None:
    values = np.arange(-60, 60) if kind == "i2" else np.arange(120)
    stack = dataclasses.replace(axial(), voxels=values.reshape(4, 6, 5).astype(kind))
    files = classic(stack)
    for ds in files:
        stored = np.frombuffer(ds.PixelData, "<u2")
        ds.PixelData = ((stored & 0x0FFF) | 0x5000).astype("<u2").tobytes()
        ds.BitsStored, ds.HighBit = 12, 11
    save(tmp_path, files)
    assert np.array_equal(load_stack(headers(tmp_path)), stack.voxels)


def test_a_file_cut_after_the_scan_is_refused_when_loaded(tmp_path: Path) -> None:
    save(tmp_path, classic(axial()))
    found = headers(tmp_path)
    path = Path(found[2].path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BrokenFileError, match="shorter"):
        load_stack(found)


def test_pixels_of_another_size_than_the_header_says_are_refused(tmp_path: Path) -> None:
    (header, *_) = compressed(tmp_path)
    with pytest.raises(BrokenFileError, match="cannot be decoded"):
        decode(dataclasses.replace(header, rows=header.rows + 1))
    assert decode(header).shape == (6, 5)


def test_damaged_fragments_are_refused(tmp_path: Path) -> None:
    (header, *_) = compressed(tmp_path)
    path = Path(header.path)
    path.write_bytes(path.read_bytes()[:-80])
    with pytest.raises(BrokenFileError, match="cannot be decoded"):
        decode(read_headers(path, "x")[0])


def test_a_lossy_syntax_is_remarked_on(tmp_path: Path) -> None:
    files = classic(axial())
    for ds in files:
        ds.LossyImageCompression = "01"
    save(tmp_path, files)
    found = volumes_of(headers(tmp_path))
    assert {(o.outcome, o.reason) for o in found.outcomes.values()} == {
        ("taken", "compressed with loss")
    }


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_decoder_of_its_own(tmp_path: Path) -> None:
    found = compressed(tmp_path)
    decode(found[0])
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert np.array_equal(pool.submit(decode, found[1]).result(60), axial().voxels[1])
    assert np.array_equal(decode(found[2]), axial().voxels[2])
