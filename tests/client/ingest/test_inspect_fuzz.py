"""Hostile files: whatever the bytes, a reason; never a crash, a hang, much memory, or a leak."""

import io
import json
import random
import resource
import struct
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hepafed.client.ingest.inspect import inspect
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from tests.client.dicom.builder import DWI, NATIVE, axial, classic, encoded, enhanced

CANARIES = ("CANARYNAME", "CANARYPRIVATE", "CANARYDATE")
SECONDS = 5.0
MEGABYTES = 1024
DATA = Path(__file__).parents[4] / "shared" / "data" / "dicom"


def _marked(ds: Dataset) -> Dataset:
    ds.PatientName, ds.PatientID, ds.StudyDescription = "CANARYNAME^A", "CANARYNAME", "CANARYDATE"
    ds.SeriesDescription = "t2 CANARYNAME"
    ds.private_block(0x0019, "CANARYPRIVATE", create=True).add_new(1, "LO", "CANARYPRIVATE")
    return ds


@cache
def seeds() -> list[list[bytes]]:
    """Small good inputs of every kind, each a list of files."""
    stack = axial(slices=3, rows=8, columns=8)
    weighted = stack.with_attributes(**DWI, DiffusionBValue=800.0)
    made = [[encoded(_marked(ds), syntax) for ds in classic(stack)] for syntax in NATIVE]
    made += [[encoded(_marked(enhanced([stack, weighted])), s)] for s in NATIVE[:2]]
    nested = classic(stack)
    for ds in nested:
        inner: Dataset = Dataset()
        inner.EchoTime = 1.0
        for _ in range(5):
            outer = Dataset()
            outer.SharedFunctionalGroupsSequence = Items([inner])
            inner = outer
        _marked(ds).SharedFunctionalGroupsSequence = Items([inner])
    made.append([encoded(ds) for ds in nested])
    compressed = classic(stack)
    for ds in compressed:
        _marked(ds).compress(RLELossless, generate_instance_uid=False)
        made.append([encoded(ds, RLELossless)])
    made.append([encoded(ds, RLELossless) for ds in compressed])
    real = [
        "t2-j2k",
        "t2-jpeg-lossless",
        "t2-jpeg-ls",
        "ge-dwi-2b",
        "siemens-dwi-2b-implicit",
        "philips-enhanced-t1",
    ]
    for case in real if DATA.is_dir() else []:
        files = sorted((DATA / "dicom2nifti" / case).iterdir())[:3]
        made.append([f.read_bytes() for f in files])
    return made


def flip(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice((1, 2, 8, 64))):
        data[_place(data, rng)] ^= 1 << rng.randrange(8)
    return data


def truncate(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data))]


def absurd(data: bytearray, rng: random.Random) -> bytearray:
    """Overwrite four bytes with a length that no file has."""
    at = _place(data, rng)
    value = rng.choice((0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0x80000000, 0x00FFFFFF, 0, 1))
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


def rename(data: bytearray, rng: random.Random) -> bytearray:
    """Give an element another representation."""
    names = [b"SQ", b"UN", b"OB", b"DS", b"US", b"FD", b"UI", b"AT", b"UT", b"XX"]
    places = [
        i for n in (b"DS", b"US", b"CS", b"IS", b"FD", b"SQ", b"UI", b"LO") for i in _all(data, n)
    ]
    if places:
        at = rng.choice(places)
        data[at : at + 2] = rng.choice(names)
    return data


def number(data: bytearray, rng: random.Random) -> bytearray:
    """Replace a decimal string by one that is no use."""
    places = [i for i, c in enumerate(data[:4096]) if 48 <= c < 58]
    if places:
        at = rng.choice(places)
        word = rng.choice((b"NaN", b"inf", b"-1", b"1e9", b"1e308", b"1e-9", b"0", b"x", b"\\\\"))
        data[at : at + len(word)] = word
    return data


def nest(data: bytearray, rng: random.Random) -> bytearray:
    """Put a tower of open sequences where an element begins."""
    places = [i for i in _all(data, b"\x08\x00") if i > 132] or [140]
    at, levels = rng.choice(places), rng.choice((3, 40, 2000))
    tower = b"\x00\x52\x30\x92SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return data[:at] + tower * levels + data[at:]


def splice(data: bytearray, rng: random.Random) -> bytearray:
    """Repeat or drop a stretch of bytes."""
    at, size = _place(data, rng), rng.randrange(1, 64)
    piece = data[at : at + size]
    return data[:at] + piece * rng.choice((0, 2, 50)) + data[at + size :]


def _place(data: bytearray, rng: random.Random) -> int:
    """Choose a place, mostly in the header, where the structure is."""
    return rng.randrange(min(len(data), 2048) if rng.random() < 0.8 else len(data))


def _all(data: bytearray, word: bytes) -> list[int]:
    found, at = [], data.find(word)
    while at >= 0 and at < 1 << 14:
        found.append(at)
        at = data.find(word, at + 1)
    return found


MUTATIONS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    flip,
    truncate,
    absurd,
    rename,
    number,
    nest,
    splice,
)


def attack(folder: Path, seed: int) -> float:
    """Write one mutated input, inspect it, check what it says; gives the seconds it took."""
    rng = random.Random(seed)
    files = [bytearray(f) for f in rng.choice(seeds())]
    for _ in range(rng.choice((1, 1, 2))):
        victim = rng.randrange(len(files))
        files[victim] = rng.choice(MUTATIONS)(files[victim], rng) or bytearray(b"\x00")
    folder.mkdir()
    for k, data in enumerate(files):
        (folder / f"{k}").write_bytes(data)
    begun = time.monotonic()
    report = inspect(folder)
    taken = time.monotonic() - begun
    told = json.dumps(report, allow_nan=False)
    assert sorted(f["path"] for f in report["files"]) == [str(k) for k in range(len(files))], seed
    assert all(f["reason"] or f["outcome"] == "taken" for f in report["files"]), seed
    assert not any(c in told for c in CANARIES), seed
    return taken


def _run(folder: Path, numbers: range) -> None:
    attack(folder / "warm", numbers[0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    slow = [n for n in numbers if attack(folder / str(n), n) > SECONDS]
    # On a busy machine starting the decoders' process can take seconds; a hang hangs again
    assert not [n for n in slow if attack(folder / f"{n}-again", n) > SECONDS]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before < MEGABYTES
    # the decoders' process is held to its limit by the kernel (RLIMIT_AS)


def test_every_mutation_ends_in_a_reason(tmp_path: Path) -> None:
    _run(tmp_path, range(400))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_five_thousand_mutations_end_in_a_reason(tmp_path: Path, block: int) -> None:
    _run(tmp_path, range(block * 500, (block + 1) * 500))


def test_every_mutation_of_an_archive_ends_in_a_reason(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, ds in enumerate(classic(axial(slices=3))):
            archive.writestr(f"{k}", encoded(_marked(ds)))
    for seed in range(150):
        rng = random.Random(seed)
        data = bytearray(out.getvalue())
        mutate = rng.choice((flip, truncate, absurd, splice))
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "a.zip").write_bytes(mutate(data, rng))
        report = inspect(folder)
        assert report["files"], seed
        assert all(f["reason"] or f["outcome"] == "taken" for f in report["files"]), seed
        assert not any(c in json.dumps(report) for c in CANARIES), seed


def test_random_bytes_behind_a_dicom_mark_end_in_a_reason(tmp_path: Path) -> None:
    rng = random.Random(7)
    for k in range(50):
        head = b"\x00" * 128 + b"DICM"
        meta = b"\x02\x00\x10\x00UI\x14\x00" + str(ExplicitVRLittleEndian).encode() + b"\x00"
        (tmp_path / f"{k}").write_bytes(head + meta * (k % 2) + rng.randbytes(500))
    report = inspect(tmp_path)
    assert {f["outcome"] for f in report["files"]} <= {"set-aside", "refused"}
    assert all(f["reason"] for f in report["files"])
