"""What a whole federation promises, on the real processes."""

import csv
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from hepafed.common.certificates import pinned
from hepafed.common.contract.config import Access, read_toml
from hepafed.deploy.demo.run import EXTERNAL_SITES, SITES, TRAIN_SITES
from sklearn.metrics import roc_auc_score

from .conftest import Trained

KEYS = ("benign", "primary_malignant", "metastatic")


def _scores(trained: Trained) -> list[dict[str, str]]:
    """Read the private score tables of the external sites: only a test may see them together."""
    rows = []
    for site in EXTERNAL_SITES:
        run = trained.report["provenance"]["run"]
        with (trained.fed.home(site) / "scores" / f"{run}.csv").open(newline="") as f:
            rows += list(csv.DictReader(f))
    return rows


def _result(trained: Trained, scope: str, unit: str, task: str) -> dict[str, Any]:
    (found,) = (
        r
        for r in trained.report["results"]
        if (r["scope"], r["unit"], r["task"]) == (scope, unit, task)
    )
    return dict(found)


def _by_patient(rows: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """Truth and score of each patient (docs/statistics.md)."""
    truth: dict[tuple[str, str], bool] = {}
    score: dict[tuple[str, str], float] = {}
    for r in rows:
        key = (r["site"], r["patient_id"])
        truth[key] = truth.get(key, False) or r["truth"] != "benign"
        malignant = float(r["p_primary_malignant"]) + float(r["p_metastatic"])
        score[key] = max(score.get(key, 0.0), malignant)
    return np.array(list(truth.values())), np.array([score[k] for k in truth])


def test_pooled_patient_auc_is_scikit_learns_of_all_private_scores(trained: Trained) -> None:
    truth, score = _by_patient(_scores(trained))
    auc = _result(trained, "pooled", "patient", "malignant_vs_benign")["auc"]
    assert abs(auc["value"] - roc_auc_score(truth, score)) <= auc["binning_error"] + 1e-9


@pytest.mark.parametrize("key", KEYS)
def test_pooled_lesion_auc_is_scikit_learns_of_all_private_scores(
    trained: Trained, key: str
) -> None:
    rows = _scores(trained)
    truth = np.array([r["truth"] == key for r in rows])
    score = np.array([float(r[f"p_{key}"]) for r in rows])
    auc = _result(trained, "pooled", "lesion", f"{key}_vs_rest")["auc"]
    assert abs(auc["value"] - roc_auc_score(truth, score)) <= auc["binning_error"] + 1e-9


def test_pooled_sensitivity_and_specificity_are_counts_of_the_private_scores(
    trained: Trained,
) -> None:
    truth, score = _by_patient(_scores(trained))
    called = score >= trained.report["model"]["operating_point"]["threshold"]
    found = _result(trained, "pooled", "patient", "malignant_vs_benign")
    assert found["sensitivity"]["numerator"] == int((called & truth).sum())
    assert found["sensitivity"]["denominator"] == int(truth.sum())
    assert found["specificity"]["numerator"] == int((~called & ~truth).sum())
    assert found["specificity"]["denominator"] == int((~truth).sum())


def test_the_page_is_self_contained(trained: Trained) -> None:
    page = trained.page.read_text(encoding="utf-8")
    assert "<svg" in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!#|data:)", page)


def test_every_site_has_its_own_keys_log_and_ledger(trained: Trained) -> None:
    keys = set()
    for site in SITES:
        home = trained.fed.home(site)
        keys.add((home / "keys/node.key").read_bytes())
        assert (home / "keys/node.key").stat().st_mode & 0o777 == 0o600
        assert (home / "worker.log").stat().st_size > 0
        assert (home / "supernode.log").exists()
        assert "entries checked: nothing changed" in trained.fed.command(site, "ledger", "--verify")
    assert len(keys) == len(SITES)


def test_the_ledger_lists_each_update_that_left_a_training_site_and_none_elsewhere(
    trained: Trained,
) -> None:
    run = trained.report["provenance"]["training_run"]  # other tests train here as well
    for site in SITES:
        entries = json.loads(trained.fed.command(site, "ledger", "--json"))
        updates = [e for e in entries if e["kind"] == "update"]
        assert site in TRAIN_SITES or not updates
        updates = [e for e in updates if e["run"] == run]
        assert len(updates) == (2 if site in TRAIN_SITES else 0)


def test_no_tuning_figures_of_a_site_leave_in_a_training(trained: Trained) -> None:
    """Twelve patients a site have hardly a tuning patient: what is not judged is said, with why."""
    run = trained.report["provenance"]["training_run"]
    path = trained.fed.home("server") / "runs" / run / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [e["auc"] for e in events if e["event"] == "reply"] == [None] * 6
    outcomes = [e for e in events if e["event"] in ("judged", "unjudged")]
    assert [e["round"] for e in outcomes] == [1, 2]
    for outcome in (e for e in outcomes if e["event"] == "unjudged"):
        named = {
            e["site"] for e in events if e["event"] == "missing" and e["round"] == outcome["round"]
        }
        assert named == set(TRAIN_SITES)
    for site in TRAIN_SITES:
        entries = json.loads(trained.fed.command(site, "ledger", "--json"))
        for entry in (e for e in entries if e["kind"] == "trained" and e["run"] == run):
            said = json.loads(trained.fed.command(site, "ledger", "--show", str(entry["entry"])))
            figures = said["body"]["tuning"]
            assert (figures["form"], figures["macro_auc"]) == ("masked", None)
            assert all(t["cells"] is None and t["figures"] == {} for t in figures["tasks"])


def _processes(trained: Trained) -> list[psutil.Process]:
    roots = [psutil.Process(p.pid) for p in trained.fed.running]
    return [p for root in roots for p in (root, *root.children(recursive=True))]


def test_superlink_supernodes_and_workers_are_processes_that_ps_shows(trained: Trained) -> None:
    lines = [" ".join(p.cmdline()) for p in _processes(trained)]
    assert sum("guarded_superlink" in line for line in lines) == 1
    assert sum("hepafed.client.worker.supernode" in line for line in lines) == len(SITES)
    assert sum("hepafed.client.worker.process" in line for line in lines) == len(SITES)


def test_no_process_listens_beyond_loopback_but_the_gateway(trained: Trained) -> None:
    """The demo's gateway is told to stay on loopback; here nothing else may differ from that."""
    for process in _processes(trained):
        for c in process.net_connections(kind="inet"):
            if c.status == psutil.CONN_LISTEN:
                assert c.laddr.ip in ("127.0.0.1", "::1"), process.cmdline()


def _gateway(trained: Trained) -> tuple[str, Access]:
    access = read_toml(Access, trained.fed.home("server") / "coordinator.access", "")
    return f"https://{access.address}", access


@pytest.mark.parametrize(
    "path",
    [
        "/v1/control/start-run",
        "/v1/control/list-runs",
        "/v1/runtime/acquire-task",
        "/v1/fleet/register-node",
        "/v1/fleet/unregister-node",
        "/flwr.proto.Control/StartRun",
    ],
)
def test_the_gateway_forwards_no_path_but_those_of_the_fleet(trained: Trained, path: str) -> None:
    base, access = _gateway(trained)
    answer = httpx.post(base + path, content=b"", verify=pinned(access.ca))
    assert answer.status_code == 404


def test_stock_flwr_run_through_the_gateway_is_refused(trained: Trained, tmp_path: Path) -> None:
    _, access = _gateway(trained)
    (tmp_path / "ca.pem").write_text(access.ca)
    (tmp_path / "config.toml").write_text(
        f'[superlink.gateway]\naddress = "{access.address}"\nroot-certificates = "ca.pem"\n'
    )
    app = tmp_path / "app"
    app.mkdir()
    (app / "pyproject.toml").write_text(
        '[project]\nname = "intruder"\nversion = "1.0.0"\nlicense = "Apache-2.0"\n'
        '[tool.flwr.app]\npublisher = "nobody"\nfab-include = ["pyproject.toml"]\n'
        '[tool.flwr.app.components]\nserverapp = "a:app"\nclientapp = "a:app"\n'
    )
    runs = len(trained.fed.json("runs"))
    done = subprocess.run(
        [Path(sys.executable).with_name("flwr"), "run", app, "gateway"],
        env={
            "FLWR_HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "FLWR_TELEMETRY_ENABLED": "0",
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    assert "Successfully" not in done.stdout
    assert len(trained.fed.json("runs")) == runs


def test_plain_http_to_the_gateway_gets_no_answer(trained: Trained) -> None:
    base, _ = _gateway(trained)
    with pytest.raises(httpx.HTTPError):
        httpx.get(base.replace("https", "http"), timeout=5)


def test_a_client_with_another_ca_does_not_trust_the_gateway(trained: Trained) -> None:
    base, _ = _gateway(trained)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(base, timeout=5)


def test_the_superlink_has_a_loopback_port_only(trained: Trained) -> None:
    (link,) = (p for p in _processes(trained) if "guarded_superlink" in " ".join(p.cmdline()))
    ports = [c.laddr for c in link.net_connections() if c.status == psutil.CONN_LISTEN]
    assert ports
    assert {a.ip for a in ports} == {"127.0.0.1"}
    others = {
        info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    } - {"127.0.0.1"}
    for address in others:
        with socket.socket() as s:
            s.settimeout(2)
            assert s.connect_ex((address, ports[0].port)) != 0
