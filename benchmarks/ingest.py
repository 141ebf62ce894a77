"""Scan and ingest of phantom hospitals, against a pydicom header loop and against dcm2niix.

The scan's yardstick is what a script does: one process, `pydicom.dcmread(stop_before_pixels=True)`
and the attributes that a scan needs. The ingest's is dcm2niix, then resampling each series onto
its patient's T2 with scipy: no labels, no crops, no checks. All in one run, on the same files.

    python benchmarks/ingest.py [--quick] [--keep DIR]
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

FILES = {False: 12_000, True: 3_000}
TEMPLATES = 4
"""Patients that are drawn; the others are copies of them under identities of their own."""
TARGET = 1.5
ATTRIBUTES = (
    "SOPClassUID", "SOPInstanceUID", "Modality", "Manufacturer", "ImageType", "PatientID",
    "StudyInstanceUID", "SeriesInstanceUID", "SeriesDescription", "EchoTime", "RepetitionTime",
    "DiffusionBValue", "TemporalPositionIdentifier", "InstanceNumber", "ImagePositionPatient",
    "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "NumberOfFrames",
)  # fmt: skip
"""What the yardstick reads of each header."""


def main() -> None:
    """Write the files, measure every part in a process of its own, print figures and the line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer files, under a minute")
    options.add_argument("--keep", type=Path, help="folder to write into and keep")
    options.add_argument("--part", help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.part:
        print(json.dumps(PARTS[chosen.part](chosen.folder)))
        return
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="hepafed-ingest-"))
    try:
        run(folder, FILES[chosen.quick], scan_only=chosen.quick)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, wanted: int, *, scan_only: bool) -> None:
    """Measure everything on at least `wanted` files under `folder`."""
    count = write_files(folder / "export", wanted)
    print(f"{count} files, {os.cpu_count()} cores")
    list((folder / "export").rglob("*"))  # the names are in the system's cache for all alike
    loop = measured("loop", folder)
    scan = measured("scan", folder)
    again = measured("again", folder)
    for name, m in (("pydicom header loop", loop), ("scan", scan), ("scan again", again)):
        print(f"{name}: {m.seconds:.1f} s, {count / m.seconds:.0f} files/s, {m.peak:.0f} MB peak")
    quarter = measured("quarter", folder)
    print(f"scan of a quarter of the files: {quarter.peak:.0f} MB peak")
    if not scan_only:
        whole = measured("ingest", folder)
        print(f"ingest: {whole.seconds:.1f} s, {whole.peak:.0f} MB peak")
        if shutil.which("dcm2niix"):
            theirs = measured("dcm2niix", folder)
            share = whole.seconds / theirs.seconds
            print(f"dcm2niix + resampling: {theirs.seconds:.1f} s, {theirs.peak:.0f} MB peak")
            print(f"ingest takes {share:.2f} × of that (target: at most {TARGET})")
        else:
            print("dcm2niix is not installed: ingest was not compared")
    ours, theirs_rate = count / scan.seconds, count / loop.seconds
    line = {
        "benchmark": "ingest",
        "ours": round(ours, 1),
        "theirs": round(theirs_rate, 1),
        "unit": "files/s",
        "ratio": round(ours / theirs_rate, 2),
        "target": TARGET,
        "met": ours / theirs_rate >= TARGET,
    }
    print(json.dumps(line))


class Measured:
    """Seconds inside a part and the peak of its whole process tree."""

    def __init__(self, seconds: float, peak: float) -> None:
        self.seconds, self.peak = seconds, peak


def measured(part: str, folder: Path) -> Measured:
    """Run a part in a process of its own; peak memory (MB) of it and all its children."""
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            peak[0] = max(peak[0], tree_memory(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{part} failed")
    seconds, own = json.loads(out.splitlines()[-1])
    return Measured(seconds, max(peak[0], own))


def tree_memory(pid: int) -> float:
    """Resident memory of a process and its children, MB; what they share counts once."""
    total = 0.0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
    except psutil.Error:
        return 0.0
    return total / 1e6


def own_peak() -> float:
    """Peak of this process alone, MB (getrusage would count what its parent had before exec)."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1e3


def write_files(folder: Path, wanted: int) -> int:
    """Write phantom patients and copies of them until there are enough files; gives how many.

    A copy has its own PatientID and UIDs, of equal length, put into the bytes of the header.
    """
    from hepafed.deploy.demo.hospitals import STYLES
    from hepafed.deploy.demo.phantom import write_site

    styles = ("hospital-a", "hospital-b")
    rows: list[dict[str, str]] = []
    written = copy = 0
    for style in styles:
        source = folder / style
        if not (source / "labels.csv").exists():
            write_site(source, STYLES[style], TEMPLATES // len(styles), 1, lambda _done, _all: None)
        with (source / "labels.csv").open(newline="") as f:
            rows += list(csv.DictReader(f))
        written += sum(1 for p in source.rglob("*") if p.is_file()) - 1
    templates = [
        sorted(p for p in (folder / s).rglob("*") if p.is_file() and p.suffix != ".csv")
        for s in styles
    ]
    own = list(rows)
    while written < wanted:
        copy += 1
        for style, files in zip(styles, templates, strict=True):
            for path in files:
                target = folder / f"{style}-{copy:03d}" / path.relative_to(folder / style)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(renamed(path.read_bytes(), copy))
            written += len(files)
        for row in own:
            text = json.dumps(row)
            rows.append(json.loads(renamed(text.encode(), copy).decode()))
    with (folder.parent / "labels.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for style in styles:
        (folder / style / "labels.csv").unlink(missing_ok=True)
    return written


def renamed(content: bytes, copy: int) -> bytes:
    """Give a file, or a row of labels, identities of another patient."""
    digits = f"{1000 + copy:04d}".encode()
    content = re.sub(rb"(?<=2\.25\.)\d{4}", digits, content)
    return re.sub(rb"(HOSPITAL-[AB])-\d{2}", rb"\1-%02d" % copy, content)


def files_of(folder: Path) -> Iterator[Path]:
    """Give every file of the export."""
    return (p for p in (folder / "export").rglob("*") if p.is_file())


def part_loop(folder: Path) -> tuple[float, float]:
    """Read every header as a script would."""
    import pydicom

    begun = time.perf_counter()
    kept = []
    for path in files_of(folder):
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        kept.append(tuple(ds.get(a) for a in ATTRIBUTES))
    return time.perf_counter() - begun, own_peak()


def _scan(home: Path, export: Path) -> tuple[float, float]:
    from hepafed.client.pseudonyms import Pseudonyms
    from hepafed.client.scan import ScanIndex, WorkerPool, scan

    begun = time.perf_counter()
    index = ScanIndex(home, export, Pseudonyms(home))
    with WorkerPool() as pool:
        scan(export, index, lambda _stage, _done, _all: None, pool)
    index.close()
    return time.perf_counter() - begun, own_peak()


def part_scan(folder: Path) -> tuple[float, float]:
    """Scan into a new index."""
    shutil.rmtree(folder / "home-scan", ignore_errors=True)
    return _scan(folder / "home-scan", folder / "export")


def part_again(folder: Path) -> tuple[float, float]:
    """Scan once more, with nothing new."""
    return _scan(folder / "home-scan", folder / "export")


def part_quarter(folder: Path) -> tuple[float, float]:
    """Scan a quarter of the files."""
    shutil.rmtree(folder / "quarter", ignore_errors=True)
    folders = sorted(p for p in (folder / "export").iterdir() if p.is_dir())
    (folder / "quarter").mkdir()
    for source in folders[:: max(1, 4)]:
        shutil.copytree(source, folder / "quarter" / source.name, copy_function=os.link)
    return _scan(folder / "home-quarter", folder / "quarter")


def part_ingest(folder: Path) -> tuple[float, float]:
    """Ingest everything, from nothing to the store."""
    from hepafed.client.ingest import ingest_dicom

    shutil.rmtree(folder / "home", ignore_errors=True)
    begun = time.perf_counter()
    report = ingest_dicom(
        folder / "home", folder / "export", folder / "labels.csv", lambda _stage, _done, _all: None
    )
    seconds = time.perf_counter() - begun
    if not report.taken:
        raise SystemExit("nothing was taken")
    return seconds, own_peak()


def part_dcm2niix(folder: Path) -> tuple[float, float]:
    """Convert every patient's folder with dcm2niix, then put each series on the T2's grid."""
    import nibabel
    import numpy as np
    from scipy.ndimage import affine_transform

    out = folder / "nifti"
    shutil.rmtree(out, ignore_errors=True)
    begun = time.perf_counter()
    for patient in sorted(p for p in (folder / "export").glob("*/P*") if p.is_dir()):
        target = out / patient.parent.name / patient.name
        target.mkdir(parents=True)
        command = ["dcm2niix", "-b", "n", "-z", "n", "-f", "%s_%d", "-o", str(target), str(patient)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        images = {p.name: nibabel.load(p) for p in sorted(target.glob("*.nii"))}
        reference = next(i for n, i in images.items() if "t2" in n.lower())
        for name, image in images.items():
            voxels = np.asarray(image.dataobj, np.float32)
            voxels = voxels[..., -1] if voxels.ndim == 4 else voxels
            to = np.linalg.inv(image.affine) @ reference.affine
            placed = affine_transform(voxels, to[:3, :3], to[:3, 3], reference.shape[:3], order=1)
            np.save(target / f"{name}.npy", placed)
    return time.perf_counter() - begun, own_peak()


PARTS = {
    "loop": part_loop, "scan": part_scan, "again": part_again, "quarter": part_quarter,
    "ingest": part_ingest, "dcm2niix": part_dcm2niix,
}  # fmt: skip

if __name__ == "__main__":
    main()
