"""What inspect says of a folder, and what an ingest makes of it."""

from pathlib import Path
from typing import Any

from hepafed.client.ingest.examination import ExaminationTask, make
from hepafed.client.ingest.inspect import inspect
from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import ScanIndex, scan, shown
from hepafed.client.scan.worker_pool import WorkerPool

Outcomes = dict[str, tuple[str, str]]
"""Path → outcome and reason."""
Series = dict[str, tuple[int, str]]
"""Series by pseudonym → number of its files, sequences of its volumes joined by commas."""


def said(folder: Path) -> tuple[dict[str, Any], Outcomes]:
    """Return what inspect says of a folder, and of its files; each stands there once."""
    report = inspect(folder)
    files = {f["path"]: (f["outcome"], f["reason"]) for f in report["files"]}
    assert len(files) == len(report["files"])
    return report, files


def done(folder: Path, home: Path) -> tuple[Outcomes, Series]:
    """Return what an ingest's scan and reading make of every examination of a folder."""
    names = Pseudonyms(home)
    index = ScanIndex(home, folder, names)
    with WorkerPool(1) as pool:
        scan(folder, index, lambda *_: None, pool)
    series: Series = {}
    for patient, examinations in index.patients().items():
        for examination in examinations:
            files = index.files_of(examination)
            images = tuple((s, h) for s, kind, h in files if kind == "image")
            task = ExaminationTask(folder, home, examination, patient, images, (), (), "")
            made, outcomes = make(task)
            index.record(examination, "", made.to_json(), outcomes, made.series)
            series |= {s.series: (s.files, s.sequence) for s in made.series}
    left = {shown(o.path): (o.outcome, o.reason) for o in index.outcomes()}
    index.finish()
    return left, series
