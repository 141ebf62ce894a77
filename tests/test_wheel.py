"""The wheel holds everything that the folders hold, and both commands run from it."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("common", "server", "client", "deploy")
PARTS = ("pyproject.toml", "README.md", "LICENSE", *ROOMS)


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy: setuptools writes into the folder that it builds."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (ROOT / part).is_dir():
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, source / part, ignore=skip)
        else:
            shutil.copy(ROOT / part, source / part)
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", cwd=source)
    (made,) = (source / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; dependencies are seen in ours, not copied (gigabytes)."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    uv = Path(sys.executable).with_name("uv")
    python = folder / "bin/python"
    _run(uv, "venv", "--quiet", "--python", sys.executable, folder, cwd=wheel.parent)
    _run(
        uv,
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--python",
        python,
        wheel,
        cwd=wheel.parent,
    )
    purelib = _run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
    )
    # A .pth inside that folder is not read, so our editable install stays out of sight.
    Path(purelib.strip(), "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_every_file_of_the_rooms_is_in_the_wheel(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"hepafed/{path.relative_to(ROOT).as_posix()}" in held


def test_the_wheel_brings_no_module_of_a_common_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if not n.startswith("hepafed-")} == {"hepafed"}


@pytest.mark.parametrize("side", ["server", "client"])
def test_the_command_runs_from_the_wheel(fresh: Path, side: str) -> None:
    assert "Usage:" in _run(fresh / "bin" / side, "--help", cwd=fresh)


def test_the_wheel_is_what_the_fresh_environment_imports(fresh: Path) -> None:
    code = "import hepafed.server.cli as s, hepafed.client.cli as c; print(s.__file__, c.__file__)"
    for path in _run(fresh / "bin/python", "-c", code, cwd=fresh).split():
        assert Path(path).is_relative_to(fresh)
