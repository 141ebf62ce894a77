"""Joining, checking and leaving, against a coordinator of its own over TLS.

Its certificate had run out a day before it was started: what works here works with a renewed one.
"""

import hashlib
import importlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main as client
from hepafed.client.cohort import SIDE, Cohort, Crop
from hepafed.client.home import sole_use
from hepafed.client.membership import status as standing
from hepafed.client.release import Ledger
from hepafed.client.worker.supervisor import why_shut_out
from hepafed.common.certificates import make_authority, make_node_key, pinned
from hepafed.common.contract.config import Invite, SiteConfig, read_toml, write_toml
from hepafed.common.errors import EnrolmentError, UnreachableError
from hepafed.common.processes import free_port, stop_process
from hepafed.deploy.demo.federation import Federation, federation
from hepafed.server.cli.api_client import Remote
from hepafed.server.setup import initialise

from .conftest import Trained
from .lossy_wire import LossyWire, through

enrol = importlib.import_module("hepafed.client.membership.join")
"""The module: in the room its name is the function's."""


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    with federation(tmp_path_factory.mktemp("membership")) as made:
        made.address = f"127.0.0.1:{free_port()}"
        long_ago = datetime.now(UTC) - timedelta(days=366)
        initialise(made.home("server"), made.address, "127.0.0.1", long_ago)
        made.start_server()
        yield made


@pytest.fixture(scope="module")
def remote(fed: Federation) -> Iterator[Remote]:
    """Speak for the coordinator, as its commands do."""
    made = Remote(fed.home("server") / "coordinator.access")
    with closing(made):
        yield made


def _invite(remote: Remote, site: str, role: str, path: Path) -> Path:
    made = remote.post("/api/invites", site=site, role=role, hours=1)
    own = remote.access
    values = Invite(
        site=site,
        role=role,
        address=own.address,
        token=made["token"],
        expires=made["expires"],
        ca=own.ca,
    )
    write_toml(values, path)
    return path


@pytest.fixture
def invite(remote: Remote, fed: Federation, request: pytest.FixtureRequest) -> Path:
    """Invite a site of the test's own name."""
    site = re.sub("[^a-z]+", "-", str(request.node.name)[-40:]).strip("-")
    return _invite(remote, site, "validate", fed.folder / f"{site}.invite")


def _client(home: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(client, ["--home", str(home), *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def _check(home: Path) -> tuple[int, dict[str, dict[str, str]]]:
    code, printed, _ = _client(home, "check", "--json")
    found = json.loads(printed)
    assert found["schema"] == "hepafed.check/1"
    assert found["passed"] == (code == 0)
    return code, {line["name"]: line for line in found["lines"]}


def _ask(home: Path) -> standing.Standing:
    return standing.ask(home, read_toml(SiteConfig, home / "site.toml", ""))


def _state(remote: Remote, site: str) -> str:
    return next(str(s["state"]) for s in remote.get("/api/sites") if s["site"] == site)


def test_server_start_renewed_the_certificate_and_said_so(fed: Federation) -> None:
    said = (fed.home("server") / "console.log").read_text()
    expires = datetime.now(UTC) + timedelta(days=365)
    assert "renewed the server certificate; it expires" in said
    assert f"{expires:%Y-%m}" in said
    assert "warning: the federation's authority" not in said


def test_server_renew_beside_a_running_server_disturbs_nobody(
    fed: Federation, invite: Path, tmp_path: Path
) -> None:
    enrol.join(tmp_path / "site", invite)
    before = (fed.home("server") / "keys" / "server.pem").read_bytes()
    assert "it expires" in fed.command("server", "renew")
    assert (fed.home("server") / "keys" / "server.pem").read_bytes() != before
    assert _ask(tmp_path / "site").role == "validate"


def test_a_join_whose_answer_is_lost_is_done_again_with_the_same_key(
    fed: Federation, remote: Remote, invite: Path, tmp_path: Path
) -> None:
    home, wire = tmp_path / "site", LossyWire(fed, invite.stem)
    with through(wire, fed, invite):
        code, _, said = _client(home, "join", str(invite))
        assert code == 1
        assert "same command again" in said
        assert _state(remote, invite.stem) == "enrolled"
        key = (home / "keys" / "node.key").read_bytes()
        assert not (home / "site.toml").exists()
        code, printed, said = _client(home, "join", str(invite))
        assert (code, said) == (0, "")
        assert "joined as" in printed
        assert (home / "keys" / "node.key").read_bytes() == key
        assert not (home / "keys" / "joining").exists()
        assert _ask(home).site == invite.stem


def test_a_spent_invite_is_refused_to_any_other_key_or_token(
    fed: Federation, invite: Path, tmp_path: Path
) -> None:
    home, thief = tmp_path / "site", tmp_path / "thief"
    enrol.join(home, invite)
    with pytest.raises(EnrolmentError, match="used already"):
        enrol.join(thief, invite)
    assert not thief.exists()
    made = read_toml(Invite, invite, "")
    stolen = enrol.public_line(enrol.read_own_identity(home))
    own = hashlib.sha256((home / "keys" / "token").read_text().encode()).hexdigest()
    other = make_node_key(tmp_path / "other.key")
    for public_key, digest in ((stolen, "0" * 64), (other, own), (other, "0" * 64)):
        answer = httpx.post(
            f"https://{fed.address}/enrol",
            json={"token": made.token, "public_key": public_key, "own": digest},
            verify=pinned(made.ca),
        )
        assert answer.status_code == 400
    again = httpx.post(
        f"https://{fed.address}/enrol",
        json={"token": made.token, "public_key": stolen, "own": own},
        verify=pinned(made.ca),
    ).json()
    assert sorted(again) == ["role", "site", "time"]
    assert _ask(home).site == invite.stem


def test_a_join_that_reached_nobody_leaves_nothing(
    fed: Federation, invite: Path, tmp_path: Path
) -> None:
    whole = invite.read_text()
    invite.write_text(whole.replace(fed.address, f"127.0.0.1:{free_port()}"))
    with pytest.raises(UnreachableError, match="refused"):
        enrol.join(tmp_path / "site", invite)
    assert not (tmp_path / "site").exists()
    invite.write_text(whole)
    enrol.join(tmp_path / "site", invite)


def test_check_fails_on_the_cohort_alone_before_ingest_and_passes_after(
    invite: Path, tmp_path: Path
) -> None:
    enrol.join(tmp_path, invite)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    code, lines = _check(tmp_path)
    assert code == 1
    assert [n for n, line in lines.items() if line["state"] == "fail"] == ["cohort"]
    assert "client ingest" in lines["cohort"]["hint"]
    assert {"server", "token", "clock", "certificate", "versions", "disk", "memory", "GPU"} < set(
        lines
    )
    voxels = np.zeros((2, 1, SIDE, SIDE), np.float16)
    Cohort.create(tmp_path).add([Crop("l1", "p1", 0, ("t2", "dwi"), voxels)])
    with sole_use(tmp_path):  # as while client start runs
        code, lines = _check(tmp_path)
    assert code == 0
    assert "t2 1, t2-dwi 1, multi-sequence 0, enhanced 0" in lines["cohort"]["found"]
    code, printed, _ = _client(tmp_path, "check")
    assert code == 0
    assert "next: client start" in printed
    assert [n for n in before if n not in {p.name for p in tmp_path.rglob("*")}] == []


def test_check_says_why_the_server_is_not_reached(
    fed: Federation, invite: Path, tmp_path: Path
) -> None:
    enrol.join(tmp_path, invite)
    ca, config = tmp_path / "keys" / "ca.pem", tmp_path / "site.toml"
    whole = ca.read_text()
    make_authority(tmp_path / "other", datetime.now(UTC))
    ca.write_text((tmp_path / "other" / "ca.pem").read_text())
    _, lines = _check(tmp_path)
    assert "its certificate is not from this federation" in lines["server"]["found"]
    assert "token" not in lines
    ca.write_text(whole)
    config.write_text(config.read_text().replace(fed.address, f"127.0.0.1:{free_port()}"))
    _, lines = _check(tmp_path)
    assert "refused" in lines["server"]["found"]


def test_check_and_start_say_that_the_site_was_revoked(
    remote: Remote, invite: Path, tmp_path: Path
) -> None:
    config = enrol.join(tmp_path, invite).config
    remote.post(f"/api/sites/{invite.stem}/revoke")
    code, lines = _check(tmp_path)
    assert code == 1
    assert lines["server"]["state"] == "pass"
    assert lines["token"]["state"] == "fail"
    assert "does not accept this site's token" in why_shut_out(tmp_path, config)[0]


def test_start_says_what_keeps_the_site_away_and_goes_on(
    fed: Federation, remote: Remote, invite: Path
) -> None:
    home = fed.home(invite.stem)
    enrol.join(home, invite)
    crop = Crop("l", "p", 0, ("t2",), np.zeros((1, 1, 160, 160), np.float16))
    Cohort.create(home).add([crop])
    left, new = (home / "cohort" / f".index.{n}.unfinished" for n in ("old", "new"))
    for path, age in ((left, 3700), (new, 3000)):
        path.write_bytes(bytes(9))
        os.utime(path, (time.time() - age,) * 2)
    (home / "keys").chmod(0o755)
    remote.post(f"/api/sites/{invite.stem}/revoke")
    process = fed.start(invite.stem)
    limit = time.monotonic() + 60
    while "hint: " not in (home / "console.log").read_text():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.1)
    assert process.poll() is None
    stop_process(process)
    said = (home / "console.log").read_text()
    assert (
        "error: the coordinator does not accept this site's token\n"
        "hint: ask the coordinator whether it was revoked" in said
    )
    assert "removed 1 unfinished files" in said
    assert (left.exists(), new.exists()) == (False, True)
    assert (home / "keys").stat().st_mode & 0o777 == 0o700


def _shift_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    class Shifted(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # noqa: ANN401
            return datetime.now(tz) + timedelta(seconds=seconds)

    for module in (enrol, standing):
        monkeypatch.setattr(module, "datetime", Shifted)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(42, r"\b4[0-2] s ahead of"), (-400, r"\b40[0-9] s behind")],
    ids=["ahead", "behind"],
)
def test_a_clock_that_flower_refuses_is_said_at_join_check_and_start(
    invite: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    words: str,
) -> None:
    _shift_clock(monkeypatch, seconds)
    code, _, said = _client(tmp_path, "join", str(invite))
    assert code == 0
    assert re.search(words, said)
    assert "NTP" in said
    _, lines = _check(tmp_path)
    assert lines["clock"]["state"] == "fail"
    assert re.search(words, lines["clock"]["found"])
    assert lines["token"]["state"] == "pass"
    config = read_toml(SiteConfig, tmp_path / "site.toml", "")
    assert re.search(words, why_shut_out(tmp_path, config)[0])


def test_a_clock_a_little_off_is_nobodys_trouble(
    invite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _shift_clock(monkeypatch, -200)
    assert _client(tmp_path, "join", str(invite))[2] == ""
    assert _check(tmp_path)[1]["clock"]["state"] == "pass"
    config = read_toml(SiteConfig, tmp_path / "site.toml", "")
    assert why_shut_out(tmp_path, config) == ("", "")


KEPT = ("cohort/index.db", "pseudonym.key", "exchanges.json", "released.json")


def test_a_site_that_left_is_shut_out_keeps_its_cohort_and_joins_again(
    fed: Federation, remote: Remote, invite: Path, tmp_path: Path
) -> None:
    enrol.join(tmp_path, invite)
    for name in KEPT:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "flower").mkdir()
    entries = len(Ledger(tmp_path).entries())
    token = (tmp_path / "keys" / "token").read_text()
    ca = (tmp_path / "keys" / "ca.pem").read_text()
    with sole_use(tmp_path):
        code, _, said = _client(tmp_path, "leave")
    assert code == 2
    assert "is running in" in said
    assert _state(remote, invite.stem) == "enrolled"
    code, _, said = _client(tmp_path, "leave")
    assert (code, said) == (0, "")
    assert not [n for n in ("keys", "flower", "site.toml") if (tmp_path / n).exists()]
    assert [(tmp_path / n).read_text() for n in KEPT] == list(KEPT)
    assert len(Ledger(tmp_path).entries()) > entries > 0
    assert _state(remote, invite.stem) == "revoked"
    for method, path in (
        ("GET", "/site"),
        ("POST", "/site/leave"),
        ("GET", "/weights/" + "0" * 64),
    ):
        answer = httpx.request(
            method,
            f"https://{fed.address}{path}",
            verify=pinned(ca),
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.json()["error"] == "not an enrolled site"
    assert _client(tmp_path, "leave")[0] == 2
    with pytest.raises(EnrolmentError):
        enrol.join(tmp_path, invite)
    _invite(remote, invite.stem, "train", invite)
    assert enrol.join(tmp_path, invite).config.role == "train"
    assert _ask(tmp_path).role == "train"
    assert [(tmp_path / n).read_text() for n in KEPT] == list(KEPT)


def test_without_the_coordinator_a_site_leaves_offline_only(
    fed: Federation, remote: Remote, invite: Path, tmp_path: Path
) -> None:
    enrol.join(tmp_path, invite)
    config = tmp_path / "site.toml"
    config.write_text(config.read_text().replace(fed.address, f"127.0.0.1:{free_port()}"))
    code, _, said = _client(tmp_path, "leave")
    assert code == 1
    assert "--offline" in said
    assert (tmp_path / "keys" / "node.key").exists()
    code, printed, _ = _client(tmp_path, "leave", "--offline")
    assert code == 0
    assert f"server revoke {invite.stem}" in printed
    assert not (tmp_path / "keys").exists()
    assert _state(remote, invite.stem) == "enrolled"


def test_leaving_after_being_revoked_still_removes_the_keys(
    remote: Remote, invite: Path, tmp_path: Path
) -> None:
    enrol.join(tmp_path, invite)
    remote.post(f"/api/sites/{invite.stem}/revoke")
    code, printed, _ = _client(tmp_path, "leave")
    assert code == 0
    assert "already" in printed
    assert not (tmp_path / "keys").exists()
    remote.post(f"/api/sites/{invite.stem}/revoke")  # once more changes nothing


def test_the_sites_questions_need_a_sites_own_token(fed: Federation, invite: Path) -> None:
    ca = read_toml(Invite, invite, "").ca
    access = fed.home("server") / "coordinator.access"
    token = next(
        line.split('"')[1] for line in access.read_text().splitlines() if line.startswith("token")
    )
    for bearer in ("none", token):
        for method, path in (("GET", "/site"), ("POST", "/site/leave")):
            answer = httpx.request(
                method,
                f"https://{fed.address}{path}",
                verify=pinned(ca),
                headers={"Authorization": f"Bearer {bearer}"},
            )
            assert answer.status_code == 403


def test_a_running_site_passes_its_check_and_cannot_leave(trained: Trained) -> None:
    home = trained.fed.home("hospital-a")
    code, lines = _check(home)
    assert code == 0, lines
    assert lines["token"]["found"] == "accepted as hospital-a (train)"
    code, _, said = _client(home, "leave")
    assert code == 2
    assert "stop it first" in said
