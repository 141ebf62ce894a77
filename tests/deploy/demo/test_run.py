"""`make demo` as a person meets it: its own data, clear errors, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from hepafed.common.contract import read_plan
from hepafed.deploy.demo.run import HERE, of_real_data, prepare

DEMO = (sys.executable, "-m", "hepafed.deploy.demo.run")


def test_a_data_folder_without_every_site_is_refused_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--build", tmp_path / "b", "--data", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr


SITES = ("hospital-a", "hospital-b", "hospital-c", "external-1", "external-2")


def _refused(*words: str | Path) -> str:
    done = subprocess.run([*DEMO, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "hint:" in done.stderr
    return done.stderr


def _write_sites(folder: Path) -> Path:
    for site in SITES:
        (folder / site).mkdir(parents=True)
        (folder / site / "labels.csv").write_text("patient_id,lesion_id,label\n")
    return folder


def test_data_inside_the_build_folder_is_refused_and_stays(tmp_path: Path) -> None:
    build = tmp_path / "demo"
    data = _write_sites(build / "dicom")
    (build / ".hepafed-demo").touch()
    (tmp_path / "link").symlink_to(build)
    for named in (data, tmp_path / "link" / "dicom"):
        assert "empties" in _refused("--build", build, "--data", named)
    (build / "labels.csv").write_text("file,site,group\n")
    assert "empties" in _refused("--build", build, "--images", build)
    assert all((data / s / "labels.csv").exists() for s in SITES)


def test_a_build_folder_with_other_files_is_refused_and_stays(tmp_path: Path) -> None:
    data = _write_sites(tmp_path / "data")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("five years")
    assert "not an earlier demo's" in _refused("--build", tmp_path / "mine", "--data", data)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "five years"
    assert "not a folder" in _refused("--build", tmp_path / "mine" / "thesis.txt", "--data", data)


def test_an_earlier_demos_folder_is_emptied(tmp_path: Path) -> None:
    for _ in range(2):
        prepare(tmp_path / "b", [tmp_path / "data"])
        assert [p.name for p in (tmp_path / "b").iterdir()] == [".hepafed-demo"]
        (tmp_path / "b" / "server").mkdir()


@pytest.mark.parametrize(
    ("program", "count"),
    [
        ("guarded_superlink", 1),
        pytest.param("hepafed.client.worker.process", 2, marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, program: str, count: int) -> None:
    demo = subprocess.Popen(
        [*DEMO, "--build", tmp_path / "b", "--patients", "3"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    ours = psutil.Process(demo.pid)
    seen: set[psutil.Process] = set()
    limit = time.monotonic() + 240
    while time.monotonic() < limit:
        seen |= set(ours.children(recursive=True))
        words = [" ".join(_words(p)) for p in seen]
        if sum(program in w for w in words) >= count:
            break
        assert demo.poll() is None, "the demo ended by itself"
        time.sleep(0.2)
    os.killpg(demo.pid, signal.SIGINT)  # what a terminal does
    assert demo.wait(60) == 1
    _, alive = psutil.wait_procs(list(seen), timeout=10)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_the_plans_of_the_phantom_are_of_made_up_data_and_their_copies_for_real_data_are_not(
    tmp_path: Path,
) -> None:
    for name in ("t2.toml", "t2-dwi.toml"):
        ours = read_plan(HERE / name)
        copy = read_plan(of_real_data(HERE / name, tmp_path))
        assert ours.synthetic
        assert not copy.synthetic
        assert (copy.name, copy.seed, copy.rounds) == (ours.name, ours.seed, ours.rounds)
    assert not read_plan(HERE / "key-images.toml").synthetic
