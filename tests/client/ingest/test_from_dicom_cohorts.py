"""Random exports as files: what an ingest takes is what each slice truly is, in every home."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hepafed.client.cohort.store import Cohort
from hepafed.client.ingest.acquisition import digest
from hepafed.client.ingest.from_dicom import ingest_dicom
from hepafed.deploy.demo.dialects import DIALECTS

from tests.client.ingest.cohorts.draws import Draw, draw
from tests.client.ingest.cohorts.files import stored, write_export
from tests.client.ingest.cohorts.plan import DYNAMICS, Plan, Slice
from tests.client.ingest.cohorts.reading import judge

PSEUDONYMS = {"lesion", "patient", "examination"}


@dataclass(frozen=True)
class Export:
    """An export that lies in a folder, and a home that ingested it."""

    slices: list[Slice]
    plan: Plan
    home: Path


def drawn(vendor: str) -> Draw:
    """Give a manufacturer's first export that names its T2 and whose DWI is of one stack."""
    whole = ("joint", "separate")
    draws = (draw(5, n) for n in count())
    fits = (d for d in draws if d.plan.named and d.plan.diffusion in whole)
    return next(d for d in fits if d.plan.vendor == vendor)


def ingest(home: Path, export: Path) -> None:
    ingest_dicom(home, export, export / "labels.csv", lambda _s, _d, _a: None, workers=1)


def contents(home: Path) -> tuple[list[dict[str, object]], dict[str, bytes]]:
    """Give what a store holds but for its pseudonyms: the rows, and the crops byte for byte."""
    store = Cohort.open(home)
    rows = [asdict(r) for r in (*store.rows(), *store.acquisitions())]
    plain = [{k: v for k, v in row.items() if k not in PSEUDONYMS} for row in rows]
    crops = {p.name: p.read_bytes() for p in (home / "cohort/crops").iterdir()}
    return plain, crops


def true_pixels(slices: Sequence[Slice], stack: str) -> str:
    """Give the digest of a stack's voxels as they were acquired."""
    own = sorted((s for s in slices if s.stack == stack), key=lambda s: s.record.place)
    slope = DIALECTS[own[0].vendor].slope or 1.0
    return digest(np.stack([stored(s) for s in own]).astype(np.float32) * np.float32(slope))


SLOW = ("canon", "ge")
VENDORS = [pytest.param(v, marks=[pytest.mark.slow] if v in SLOW else []) for v in DYNAMICS]


@pytest.fixture(scope="module", params=VENDORS)
def export(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """An export that was ingested; do not change it."""
    found = drawn(request.param)
    slices, folder = found.slices(), tmp_path_factory.mktemp(request.param)
    write_export(folder / "export", slices, found.plan)
    ingest(folder / "home", folder / "export")
    return Export(slices, found.plan, folder / "home")


def test_two_homes_hold_the_same_store_whatever_the_files_are_called(
    export: Export, tmp_path: Path
) -> None:
    """The second home has a key of its own, and its files other names in another order."""
    mixed = Random(7).sample(export.slices, len(export.slices))
    write_export(tmp_path / "export", mixed, export.plan)
    ingest(tmp_path / "home", tmp_path / "export")
    assert contents(tmp_path / "home") == contents(export.home)
    names = [Cohort.open(home).lesions() for home in (tmp_path / "home", export.home)]
    assert names[0].isdisjoint(names[1])


def test_the_volumes_of_an_ingest_are_the_stacks_that_were_acquired(export: Export) -> None:
    found = {a.sequence: a.pixels for a in Cohort.open(export.home).acquisitions()}
    verdict = judge(export.slices, export.plan)
    assert set(found) == verdict.right
    for channel, pixels in found.items():
        stacks = {s.stack for s in export.slices if channel in (s.channel, "t1")}
        assert pixels in {true_pixels(export.slices, k) for k in stacks}
