"""`client inspect`: what HepaFed would make of a folder, file by file and volume by volume."""

from pathlib import Path
from typing import Any

from hepafed.client.dicom.encoding import outcome_of
from hepafed.client.dicom.roles import NO_OVERRIDES, Overrides
from hepafed.client.dicom.volumes import statistics
from hepafed.client.ingest.folder import read_folder
from hepafed.common.errors import DicomError


def inspect(folder: Path, overrides: Overrides = NO_OVERRIDES) -> dict[str, Any]:
    """Read a folder and describe it (schema hepafed.inspect/1); writes nothing.

    Every stack's pixels are decoded once, slice by slice, so that a file that cannot be decoded
    is refused here and not later. Diffusion directions are listed one by one.
    """
    reading = read_folder(folder, overrides=overrides)
    outcomes = {f.path: f for f in reading.files}
    volumes = []
    for volume in (stack for v in reading.volumes for stack in v.stacks):
        try:
            low, high, mean = statistics(volume.headers)
        except DicomError as e:
            outcomes |= {n: outcome_of(n, e) for n in volume.names}
            continue
        volumes.append(
            {
                "files": volume.names,
                "sequence": volume.sequence,
                "shape": list(volume.shape),
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
