"""The wheel holds everything that the folders hold, and both commands run from it."""

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def _environment(wheel: Path, folder: Path) -> tuple[Path, Path]:
    """Make a new environment with the wheel alone; also give where its packages lie."""
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
    return folder, Path(purelib.strip())


def _needed(requirements: list[str], extra: str = "") -> set[str]:
    """Give the distributions that requirements without an extra bring, theirs included."""
    found: set[str] = set()
    waiting = [(Requirement(r), extra) for r in requirements]
    while waiting:
        wanted, within = waiting.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": within}):
            continue
        name = canonicalize_name(wanted.name)
        if name not in found:
            found.add(name)
            waiting += [(Requirement(r), "") for r in metadata.requires(name) or []]
    return found


@pytest.fixture(scope="module")
def slim(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel and what it requires without an extra; nothing else."""
    made, packages = _environment(wheel, tmp_path_factory.mktemp("slim") / "venv")
    (info,) = packages.glob("hepafed-*.dist-info")
    for name in _needed(metadata.PathDistribution(info).requires or []):
        held = metadata.distribution(name)
        for top in {
            f.parts[0] for f in held.files or [] if f.parts[0] not in ("..", "__pycache__")
        }:
            (packages / top).symlink_to(Path(str(held.locate_file(top))))
    return made


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; dependencies are seen in ours, not copied (gigabytes)."""
    folder, purelib = _environment(wheel, tmp_path_factory.mktemp("fresh") / "venv")
    # A .pth inside that folder is not read, so our editable install stays out of sight.
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
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


SCORES = """\
site,patient_id,lesion_id,truth,p_benign,p_primary_malignant,p_metastatic
a,1,1,benign,0.9,0.05,0.05
a,2,1,metastatic,0.2,0.3,0.5
b,3,1,primary_malignant,0.1,0.8,0.1
b,4,1,benign,0.4,0.3,0.3
"""


def test_an_evaluators_install_has_neither_torch_nor_flower(slim: Path) -> None:
    code = (
        "from importlib.util import find_spec; "
        "print([m for m in ('torch', 'flwr', 'monai', 'pydicom', 'starlette') if find_spec(m)])"
    )
    assert _run(slim / "bin/python", "-c", code, cwd=slim).strip() == "[]"


def test_an_evaluators_install_reports_on_a_score_table(slim: Path, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text(SCORES)
    said = _run(slim / "bin/server", "report", "--scores", "scores.csv", cwd=tmp_path)
    assert "patient: malignant vs benign        1.00" in said
    assert (tmp_path / "report/report.html").exists()


def test_an_evaluators_install_reads_a_workbook(slim: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from openpyxl import Workbook; w = Workbook(); "
        "[w.active.append(line.split(',')) for line in sys.argv[1].split()]; w.save('t.xlsx')"
    )
    _run(slim / "bin/python", "-c", code, SCORES, cwd=tmp_path)
    said = _run(slim / "bin/server", "report", "--scores", "t.xlsx", cwd=tmp_path)
    assert "patient: malignant vs benign        1.00" in said


@pytest.mark.parametrize("side", ["server", "client"])
def test_an_evaluators_install_shows_every_command(slim: Path, side: str) -> None:
    assert "Usage:" in _run(slim / "bin" / side, "--help", cwd=slim)


@pytest.mark.parametrize(
    "words", [("server", "models"), ("server", "sites"), ("server", "report", "validate-1")]
)
def test_an_evaluators_install_asks_a_coordinator(slim: Path, words: tuple[str, ...]) -> None:
    program, *rest = words
    done = subprocess.run(
        [slim / "bin" / program, *rest, "--access", "none.access"],
        capture_output=True,
        text=True,
        check=False,
        cwd=slim,
    )
    assert "cannot read none.access" in done.stderr


def test_a_command_that_needs_more_than_an_evaluators_install_says_so(
    slim: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [slim / "bin/client", "inspect", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "this command needs the package" in done.stderr
    assert "pip install 'hepafed[all]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sites_and_a_coordinators_install_bring_all_that_a_federation_runs_on(
    wheel: Path,
) -> None:
    text = zipfile.ZipFile(wheel).read("hepafed-0.1.0.dist-info/METADATA").decode()
    lines = [line.partition(": ")[2] for line in text.splitlines()]
    everyone = {
        "flwr",
        "torch",
        "timm",
        "pydicom",
        "monai",
        "numpy",
        "scikit-learn",
        "cryptography",
    }
    brought = [x for x in lines if "extra ==" not in x or x.endswith('extra == "all"')]
    assert everyone <= {re.split(r"[^a-z-]", x)[0] for x in brought}
    for extra in ("site", "coordinator"):
        assert f'hepafed[all]; extra == "{extra}"' in lines
