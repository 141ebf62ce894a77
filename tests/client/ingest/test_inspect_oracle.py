"""Real files of other projects against what independent tools made of them."""

import csv
import hashlib
import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepafed.client.dicom.volumes.pixels import stored_of
from hepafed.client.ingest.inspect import inspect

from tests.client.examinations import volumes_in

DATA = Path(__file__).parents[4] / "shared" / "data" / "dicom"


@cache
def manifest() -> dict[str, list[dict[str, str]]]:
    """Rows of the manifest by case; NIfTI cases are not for this reader."""
    cases: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (DATA / "manifest.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["transfer_syntax"] != "NIfTI":
                cases[row["case"]].append(row)
    return cases


@cache
def volumes() -> dict[str, list[dict[str, Any]]]:
    """Oracle volumes by case."""
    cases: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for volume in json.loads((DATA / "oracle" / "volumes.json").read_text())["volumes"]:
        cases[volume["case"]].append(volume)
    return cases


CASES = sorted(manifest()) if DATA.is_dir() else []
TWO_SERIES = "dicom2nifti/same-instances-twice"
WITH_VOLUMES = [c for c in CASES if c in volumes()]
needs_data = pytest.mark.skipif(not CASES, reason="the third-party files (../shared) are absent")


def agrees(oracle: dict[str, Any], found: dict[str, Any]) -> bool:
    """Same shape, place and values; slices may be in either order if the affine says so."""
    if found["shape"] != oracle["shape"]:
        return False
    slices, rows, columns = oracle["shape"]
    expected, got = np.array(oracle["affine"]), np.array(found["affine"])
    flipped = expected.copy()
    flipped[:3, 2] = -expected[:3, 2]
    flipped[:3, 3] = expected[:3, 3] + expected[:3, 2] * (slices - 1)
    corners = [
        [c, r, k, 1.0] for c in (0, columns - 1) for r in (0, rows - 1) for k in (0, slices - 1)
    ]
    off = min(np.abs(corners @ (a - got).T).max() for a in (expected, flipped))
    if off > max(oracle["affine_tolerance_mm"], 1e-3):
        return False
    return any(
        all(abs(o[k] - found[k]) <= 1e-4 * max(1, abs(o["max"])) for k in ("min", "max", "mean"))
        for o in (oracle, oracle.get("philips_floating_point") or oracle)
    )


@needs_data
@pytest.mark.parametrize("case", CASES)
def test_every_file_behaves_as_the_manifest_says(case: str) -> None:
    report = inspect(DATA / case)
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for file in report["files"]:
        found[file["path"].split("!")[0]].append(file)
    rows = manifest()[case]
    assert set(found) == {str(Path(r["file"]).relative_to(case)) for r in rows}
    for row in rows:
        allowed = row["outcome"].split("|")
        for file in found[str(Path(row["file"]).relative_to(case))]:
            assert file["outcome"] in allowed, file
            assert file["outcome"] == "taken" or file["reason"]


@needs_data
@pytest.mark.parametrize("case", WITH_VOLUMES)
def test_volumes_lie_where_the_oracle_says_with_its_values(case: str) -> None:
    report = inspect(DATA / case)
    if not any(f["outcome"] == "taken" for f in report["files"]):
        assert "set-aside" in manifest()[case][0]["outcome"]
        return
    left = list(report["volumes"])
    for oracle in volumes()[case]:
        match = next((v for v in left if agrees(oracle, v)), None)
        assert match is not None, oracle["id"]
        left.remove(match)
        assert match["sequence"].startswith(oracle["sequence"])
    assert not left


@needs_data
@pytest.mark.parametrize("case", WITH_VOLUMES)
def test_stored_values_have_the_oracles_checksum(case: str) -> None:
    if "lossy" in case:
        pytest.skip("lossy: decoders may differ")
    checksums = {v["stored_sha256"] for v in volumes()[case]}
    for volume in volumes_in(DATA / case):
        for stack in volume.stacks:
            slices = [s.astype("<i4").tobytes() for s in stored_of(stack.headers)]
            found = {
                hashlib.sha256(b"".join(order)).hexdigest() for order in (slices, slices[::-1])
            }
            assert found & checksums


@needs_data
def test_the_case_of_same_instances_holds_two_series_with_different_pixels() -> None:
    first, second = volumes_in(DATA / TWO_SERIES)
    assert first.study_uid != second.study_uid
    assert first.series_uid != second.series_uid
    assert not {h.instance for h in first.headers} & {h.instance for h in second.headers}
    assert not np.array_equal(first.load(), second.load())


@needs_data
def test_no_patient_name_of_any_character_set_is_told() -> None:
    with (DATA / "oracle" / "names.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = {
        part
        for r in rows
        for v in r.values()
        for part in v.replace("^", "=").split("=")
        if len(part) > 3 and "/" not in part and "." not in part
    }
    told = json.dumps(inspect(DATA / "pydicom" / "charsets"), ensure_ascii=False)
    reasons = " ".join(f["reason"] for f in json.loads(told)["files"])
    assert names
    assert not [n for n in names if n in reasons]
