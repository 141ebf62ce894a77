"""A scan finds the same in this process and in others."""

from pathlib import Path

from hepafed.client.pseudonyms import Pseudonyms
from hepafed.client.scan import ScanIndex, scan
from hepafed.client.scan.worker_pool import WorkerPool

from tests.client.dicom.builder import axial, classic, save


def test_few_files_are_read_here_unless_isolated_and_many_by_others_with_one_result(
    tmp_path: Path,
) -> None:
    export = tmp_path / "export"
    save(export, classic(axial(slices=8)))
    (export / "note.txt").write_text("x")
    found = []
    for few, isolated in ((9, False), (8, False), (512, True)):
        home = tmp_path / f"home-{few}-{isolated}"
        index = ScanIndex(home, export, Pseudonyms(tmp_path / "names"))
        with WorkerPool(1) as pool:
            scan(export, index, lambda *_: None, pool, isolated=isolated, few=few)
            assert bool(pool.hired) == (isolated or few == 8)
        (examination,) = index.examinations()
        found.append((list(index.outcomes()), index.files_of(examination)))
        index.finish()
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 9
