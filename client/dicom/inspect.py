"""`client inspect`: what HepaFed would make of a folder, file by file and volume by volume."""

from pathlib import Path
from typing import Any

from hepafed.client.dicom.series import FileOutcome, Volume, pixels_of, read_folder
from hepafed.common.errors import DicomError


def inspect(folder: Path) -> dict[str, Any]:
    """Read a folder and describe it (schema hepafed.inspect/1); writes nothing.

    Every volume's pixels are decoded once, slice by slice, so that a file that cannot be
    decoded is refused here and not later.
    """
    reading = read_folder(folder)
    outcomes = {f.path: f for f in reading.files}
    volumes = []
    for volume in reading.volumes:
        names = [h.path.relative_to(folder).as_posix() for h in volume.headers]
        try:
            low, high, mean = _statistics(volume)
        except DicomError as e:
            outcomes |= {n: FileOutcome(n, "refused", e.message) for n in names}
            continue
        volumes.append(
            {
                "files": names,
                "sequence": volume.sequence,
                "shape": [len(names), volume.headers[0].rows, volume.headers[0].columns],
                "spacing": list(volume.spacing),
                "affine": volume.affine.tolist(),
                "min": low,
                "max": high,
                "mean": mean,
            }
        )
    return {
        "schema": "hepafed.inspect/1",
        "files": [
            {"path": f.path, "outcome": f.outcome, "reason": f.reason} for f in outcomes.values()
        ],
        "volumes": volumes,
    }


def _statistics(volume: Volume) -> tuple[float, float, float]:
    """Smallest, largest and mean voxel, one slice in memory at a time."""
    low, high, total, count = float("inf"), float("-inf"), 0.0, 0
    for header in volume.headers:
        pixels = pixels_of(header)
        low, high = min(low, float(pixels.min())), max(high, float(pixels.max()))
        total += float(pixels.sum())
        count += pixels.size
    return low, high, total / count
