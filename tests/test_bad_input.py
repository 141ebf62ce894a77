"""Bad input ends in `error:` and `hint:`, exit 1 or 2, no traceback, and nothing half-written.

Through the commands as a person would type them, on real files; each kind once in a process of
its own.
"""

import csv
import hashlib
import subprocess
import sys
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main as client
from hepafed.common.certificates import make_authority
from hepafed.common.contract.config import Access, Invite, write_toml
from hepafed.common.processes import free_port
from hepafed.deploy.demo.hospitals import STYLES
from hepafed.deploy.demo.phantom import COLUMNS, write_site
from hepafed.server.cli.main import main as server

COMMANDS = {"server": server, "client": client}
BIN = Path(sys.executable).parent
PLAN = 'name = "t2"\nprotocol = "t2"\n'


NOT_THE_STORE = {"scan", "ingest.lock", "pseudonym.key", "kept.digests"}
"""What an ingest makes in a home before there is a store."""


def _content(folder: Path) -> dict[str, str]:
    """Digest of every file, and every folder, below `folder`."""
    return {
        p.relative_to(folder).as_posix(): (
            hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder"
        )
        for p in folder.rglob("*")
        if not NOT_THE_STORE & set(p.parts)
    }


def _run(folder: Path, program: str, words: list[str]) -> tuple[int, str, str]:
    """Run the installed command; gives its exit code, what it printed, and its complaints."""
    done = subprocess.run(
        [str(BIN / program), *words], capture_output=True, text=True, check=False, cwd=folder
    )
    return done.returncode, done.stdout, done.stderr


def _call(folder: Path, program: str, words: list[str]) -> tuple[int, str, str]:
    """Do the same in this process, which saves the start of one."""
    with chdir(folder):
        done = CliRunner().invoke(COMMANDS[program], words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def _refused(folder: Path, program: str, *words: str | Path, installed: bool = False) -> str:
    """Run a command that must fail properly and leave `folder` as it was; returns its error."""
    before = _content(folder)
    run = _run if installed else _call
    code, printed, said = run(folder, program, ["--home", str(folder / "home"), *map(str, words)])
    assert code in (1, 2), said
    assert "Traceback" not in said + printed
    lines = said.splitlines()
    assert [line for line in lines if line.startswith("error: ")], said
    assert lines[-1].startswith("hint: "), said
    assert len(lines[-1]) > len("hint: ")
    assert _content(folder) == before
    return said


@pytest.fixture
def authority(tmp_path: Path) -> str:
    folder = tmp_path / "authority"
    make_authority(folder, datetime.now(UTC))
    return (folder / "ca.pem").read_text()


@pytest.fixture
def access(tmp_path: Path, authority: str) -> Path:
    """An access file to a server that does not run."""
    path = tmp_path / "home" / "coordinator.access"
    values = Access(
        name="coordinator",
        role="coordinator",
        address=f"127.0.0.1:{free_port()}",
        token="t",
        ca=authority,
    )
    write_toml(values, path, private=True)
    return path


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One patient's examination as DICOM, and labels.csv."""
    folder = tmp_path_factory.mktemp("hospital")
    write_site(folder, STYLES["hospital-a"], 1, 3, lambda _done, _total: None)
    return folder


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (PLAN + "rate = 1\n", "rate"),
        (PLAN + "[training]\nepocs = 2\n", "training.epocs"),
        (PLAN + '[training]\nepochs = "two"\n', "training.epochs"),
        (PLAN + "[training]\nepochs = 1.5\n", "training.epochs"),
        (PLAN + "[training]\nrate = nan\n", "training.rate"),
        (PLAN + "[model]\nsize = true\n", "model.size"),
        (PLAN + "[rounds]\nquorum = 0\n", "rounds.quorum"),
        (PLAN + "training = 3\n", "training"),
        ('name = "t2"\nprotocol = "ct"\n', "protocol"),
        ('protocol = "t2"\n', "name"),
        ('name = "a b"\nprotocol = "t2"\n', "name"),
        ("name = \n", "plan.toml"),
    ],
)
def test_a_wrong_plan_is_refused_by_its_key(
    tmp_path: Path, access: Path, text: str, named: str
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(text)
    assert access.exists()
    assert named in _refused(tmp_path, "server", "train", plan)


def test_a_plan_that_is_no_file_is_refused(tmp_path: Path, access: Path) -> None:
    assert access.exists()
    none = tmp_path / "none.toml"
    assert "none.toml" in _refused(tmp_path, "server", "train", none, installed=True)
    _refused(tmp_path, "server", "train", tmp_path)
    (tmp_path / "bytes.toml").write_bytes(bytes(range(256)))
    _refused(tmp_path, "server", "train", tmp_path / "bytes.toml")


@pytest.mark.parametrize(
    "words",
    [
        ("train", "plan.toml"),
        ("train", "plan.toml", "--watch"),
        ("sites",),
        ("invite", "hospital-a", "--role", "train"),
        ("grant", "eve", "--role", "evaluator"),
        ("validate", "t2-1a2b3c", "--watch"),
        ("report", "validate-1a2b3c"),
        ("models", "export", "t2-1a2b3c"),
    ],
    ids=" ".join,
)
def test_an_unreachable_server_is_said(tmp_path: Path, access: Path, words: list[str]) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    assert access.exists()
    said = _refused(tmp_path, "server", *words, installed=words == ("sites",))
    assert "cannot reach the server" in said


@pytest.mark.parametrize("program", ["server", "client"])
def test_a_home_without_anything_is_said(tmp_path: Path, program: str) -> None:
    _refused(tmp_path, program, "start", installed=True)
    for words in (("sites",), ("renew",)) if program == "server" else (("cohort",), ("leave",)):
        _refused(tmp_path, program, *words)


def _write_invite(path: Path, ca: str, expires: datetime, **other: str) -> None:
    values = Invite(
        site="hospital-a",
        role="train",
        address=f"127.0.0.1:{free_port()}",
        token="t",
        expires=expires.isoformat(timespec="seconds"),
        ca=ca,
    )
    write_toml(values, path, private=True)
    with path.open("a") as f:
        f.writelines(f'{k} = "{v}"\n' for k, v in other.items())


def test_an_expired_invite_is_refused(tmp_path: Path, authority: str) -> None:
    invite = tmp_path / "hospital-a.invite"
    _write_invite(invite, authority, datetime.now(UTC) - timedelta(minutes=1))
    assert "expired" in _refused(tmp_path, "client", "join", invite, installed=True)


def test_an_invite_to_an_unreachable_server_leaves_nothing(tmp_path: Path, authority: str) -> None:
    invite = tmp_path / "hospital-a.invite"
    _write_invite(invite, authority, datetime.now(UTC) + timedelta(hours=1))
    assert "cannot reach the server" in _refused(tmp_path, "client", "join", invite)


def test_a_damaged_invite_is_refused(tmp_path: Path, authority: str) -> None:
    invite, later = tmp_path / "hospital-a.invite", datetime.now(UTC) + timedelta(hours=1)
    _write_invite(invite, authority, later, colour="red")
    assert "colour" in _refused(tmp_path, "client", "join", invite)
    _write_invite(invite, "not a certificate", later)
    _refused(tmp_path, "client", "join", invite)
    _write_invite(invite, authority, later)
    whole = invite.read_text()
    invite.write_text(whole[: len(whole) // 2])
    _refused(tmp_path, "client", "join", invite)
    invite.write_text(whole.replace(f"{later.year}-", "soon-"))
    _refused(tmp_path, "client", "join", invite)
    invite.write_text(whole.replace("127.0.0.1:", "nowhere"))
    _refused(tmp_path, "client", "join", invite)
    _refused(tmp_path, "client", "join", tmp_path / "none.invite")


@pytest.mark.parametrize("address", ["fl.example.org", "fl.example.org:0", ":8443", "a:b"])
def test_an_address_that_is_none_makes_no_server(tmp_path: Path, address: str) -> None:
    _refused(tmp_path, "server", "init", "--address", address)


def test_a_second_init_leaves_the_first(tmp_path: Path) -> None:
    command = [str(BIN / "server"), "--home", str(tmp_path / "home"), "init"]
    subprocess.run([*command, "--address", "localhost:8443"], check=True, capture_output=True)
    _refused(tmp_path, "server", "init", "--address", "localhost:8443")


def _rows(hospital: Path) -> list[dict[str, str]]:
    with (hospital / "labels.csv").open(newline="") as f:
        return list(csv.DictReader(f))


def _write_labels(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as f:
        writer = csv.DictWriter(f, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _ingest(folder: Path, dicom: Path, labels: Path, *, installed: bool = False) -> str:
    """Ingest into a home; afterwards it holds no store."""
    (folder / "home").mkdir(exist_ok=True)
    before = _content(dicom) if dicom.exists() else {}
    words = ("ingest", "--dicom", dicom, "--labels", labels)
    said = _refused(folder, "client", *words, installed=installed)
    assert (_content(dicom) if dicom.exists() else {}) == before
    return said


def test_labels_of_unknown_patients_and_lesions_are_all_listed(
    tmp_path: Path, hospital: Path
) -> None:
    good = _rows(hospital)[0]
    rows = [
        good,
        {**good, "lesion_id": "L8", "patient_id": "SECRET^PERSON"},
        {**good, "lesion_id": "L9", "x_max": "9000"},
    ]
    labels = _write_labels(tmp_path / "l.csv", rows)
    said = _ingest(tmp_path, hospital, labels, installed=True)
    assert "row 3" in said
    assert "row 4" in said
    assert "row 2" not in said
    assert "SECRET" not in said


@pytest.mark.parametrize(
    "change",
    [
        {"label": "haemangioma"},
        {"x_min": "left"},
        {"x_min": "nan"},
        {"x_min": "50", "x_max": "40"},
        {"patient_id": ""},
    ],
    ids=str,
)
def test_a_wrong_row_of_labels_is_refused_by_its_number(
    tmp_path: Path, hospital: Path, change: dict[str, str]
) -> None:
    rows = [{**_rows(hospital)[0], **change}]
    assert "row 2" in _ingest(tmp_path, hospital, _write_labels(tmp_path / "l.csv", rows))


def test_a_labels_file_that_is_none_is_refused(tmp_path: Path, hospital: Path) -> None:
    _ingest(tmp_path, hospital, tmp_path / "none.csv")
    (tmp_path / "l.csv").write_text("patient_id,lesion_id\nA,L1\n")
    assert "label" in _ingest(tmp_path, hospital, tmp_path / "l.csv")
    (tmp_path / "l.csv").write_text("")
    _ingest(tmp_path, hospital, tmp_path / "l.csv")
    (tmp_path / "l.csv").write_bytes(b"\xff\xfe\x00" * 50)
    _ingest(tmp_path, hospital, tmp_path / "l.csv")


def test_a_missing_dicom_folder_or_series_is_refused(tmp_path: Path, hospital: Path) -> None:
    labels = _write_labels(tmp_path / "l.csv", _rows(hospital))
    _ingest(tmp_path, tmp_path / "none", labels)
    (tmp_path / "empty").mkdir()
    assert "row 2" in _ingest(tmp_path, tmp_path / "empty", labels)


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.98], ids=["empty", "100 bytes", "half", "98 %"])
def test_cut_off_dicom_files_are_refused(tmp_path: Path, hospital: Path, kept: float) -> None:
    labels = _write_labels(tmp_path / "l.csv", _rows(hospital))
    broken = tmp_path / "broken"
    for path in (p for p in hospital.rglob("*") if p.is_file() and p.name != "labels.csv"):
        target = broken / path.relative_to(hospital)
        target.parent.mkdir(parents=True, exist_ok=True)
        whole = path.read_bytes()
        target.write_bytes(whole[: kept if isinstance(kept, int) else int(len(whole) * kept)])
    _ingest(tmp_path, broken, labels)


def test_a_missing_slice_refuses_the_lesion_on_it(tmp_path: Path, hospital: Path) -> None:
    labels = _write_labels(tmp_path / "l.csv", _rows(hospital))
    gap = tmp_path / "gap"
    for series in (p for p in hospital.glob("*/*") if p.is_dir()):
        files = sorted(series.iterdir())
        target = gap / series.relative_to(hospital)
        target.mkdir(parents=True)
        for path in files[: len(files) // 2] + files[len(files) // 2 + 1 :]:
            (target / path.name).symlink_to(path)
    _ingest(tmp_path, gap, labels)
