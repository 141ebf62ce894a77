"""Homes that the last release left behind open, and everything goes on from them.

tests/fixtures/release-0.1.0 says how they were made: all processes killed in the second round of
a rehearsal, after a validation of an earlier rehearsal's model. 0.1.0 saved the untrained weights
of a rehearsal as a model.
"""

import json
import lzma
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hepafed.client.cohort import Cohort
from hepafed.common.processes import free_port
from hepafed.deploy.demo.federation import Federation, federation

HOMES = Path(__file__).parents[1] / "fixtures/release-0.1.0/homes.tar.xz"
OLD_ADDRESS = "127.0.0.1:53853"
SITES = ("hospital-a", "hospital-b", "external-1", "external-2")
POLICY = "least_tables = 200\nminimum_train_patients = 1\nminimum_steps = 1\n"
"""The cohorts are very small."""
PLAN = """
name = "third"
protocol = "t2-dwi"
seed = 3
[model]
size = 75
freeze_norm = true
weights = "WEIGHTS"
[training]
batch = 2
rate = 1e-9
[rounds]
count = 1
quorum = 2
deadline = 600
"""
TRAINING, VALIDATION = "second-ec1d0f", "validate-5e7ca5"
ADDRESSED = ("server/server.toml", "server/coordinator.access", *(f"{s}/site.toml" for s in SITES))


@dataclass(frozen=True)
class Resumed:
    fed: Federation
    kept: dict[str, Any]
    """report.json as the last release left it."""
    run: dict[str, Any]
    """The rehearsal that was cut off, at its end."""
    folder: Path


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resumed]:
    folder = tmp_path_factory.mktemp("release")
    with lzma.open(HOMES) as packed, tarfile.open(fileobj=packed) as homes:
        homes.extractall(folder, filter="data")
    address = f"127.0.0.1:{free_port()}"
    for name in ADDRESSED:
        path = folder / "homes" / name
        path.write_text(path.read_text().replace(OLD_ADDRESS, address))
    kept = json.loads((folder / f"homes/server/runs/{VALIDATION}/report.json").read_text())
    with federation(folder / "homes") as fed:
        fed.start_server()
        for site in SITES:  # a home of 0.1.0 has allowed nothing, and its cohort is very small
            fed.command(site, "allow", "--everything")
            with (fed.home(site) / "site.toml").open("a") as config:
                config.write(POLICY)
            fed.start(site)
        fed.wait_online(SITES)
        fed.command("server", "watch", TRAINING)
        run = next(r for r in fed.json("runs") if r["id"] == TRAINING)
        yield Resumed(fed, kept, run, folder)


@pytest.fixture(scope="module")
def validated(resumed: Resumed) -> tuple[str, dict[str, Any]]:
    """A model that the same sites train afterwards, and report.json of its validation."""
    fed, folder = resumed.fed, resumed.folder
    weights = fed.home("server") / "runs" / TRAINING / "round-00003.safetensors"
    (folder / "third.toml").write_text(PLAN.replace("WEIGHTS", str(weights)))
    fed.command("server", "train", str(folder / "third.toml"), "--watch")
    (model,) = {m["id"] for m in fed.json("models")} - {resumed.kept["model"]["id"]}
    for site in ("external-1", "external-2"):  # 0.1.0 kept too little of its masked sums
        fed.command(site, "peers", "--new-group")
    fed.command("server", "validate", model, "--watch", "-o", str(folder / "new"))
    return model, json.loads((folder / "new/report.json").read_text())


def test_the_rehearsal_goes_on_with_the_round_that_was_cut_off(resumed: Resumed) -> None:
    assert (resumed.run["status"], resumed.run["round"]) == ("completed", 3)
    path = resumed.fed.home("server") / "runs" / TRAINING / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    done = [e["round"] for e in events if e["event"] == "done"]
    assert done == [1, 2, 3]


def test_the_rehearsal_makes_no_model_and_says_what_it_measured(resumed: Resumed) -> None:
    assert resumed.run["model"] == ""
    measured = resumed.run["rehearsal"]
    assert (measured["rounds"], [*measured["sites"]]) == (3, ["hospital-a", "hospital-b"])
    said = resumed.fed.command("server", "watch", TRAINING)
    assert "no model was made" in said
    assert "rehearsal: " in resumed.fed.command("server", "runs")


@pytest.mark.slow
def test_what_the_sites_train_and_validate_afterwards_is_signed_masked_and_whole(
    resumed: Resumed, validated: tuple[str, dict[str, Any]]
) -> None:
    model, report = validated
    known = {m["id"] for m in resumed.fed.json("models")}
    assert {resumed.kept["model"]["id"], model} == known
    assert [f["form"] for f in report["forms"]] == ["masked", "masked"]
    (pooled,) = (
        r for r in report["results"] if (r["scope"], r["task"]) == ("pooled", "malignant_vs_benign")
    )
    assert (pooled["n"], pooled["positives"]) == (12, 8)


def test_a_model_of_a_rehearsal_of_the_last_release_is_still_read_and_exported(
    resumed: Resumed,
) -> None:
    model = resumed.kept["model"]["id"]
    resumed.fed.command("server", "models", "export", model, "-o", str(resumed.folder))
    page = (resumed.folder / model / "card.md").read_text()
    assert "| Training | None: a rehearsal (training.epochs = 0)." in page


def test_the_report_of_the_last_release_is_written_again_as_it_was(resumed: Resumed) -> None:
    resumed.fed.command("server", "report", VALIDATION, "-o", str(resumed.folder / "again"))
    assert json.loads((resumed.folder / "again/report.json").read_text()) == resumed.kept
    assert "<h1" in (resumed.folder / "again/report.html").read_text()


@pytest.mark.parametrize("site", SITES)
def test_the_cohort_store_of_the_last_release_opens_whole(resumed: Resumed, site: str) -> None:
    store = Cohort.open(resumed.fed.home(site))
    assert len(store.rows()) == 6
    assert {r.sequences for r in store.rows()} == {"t2,dwi"}
    assert json.loads(resumed.fed.command(site, "cohort", "--quality", "--json"))


@pytest.mark.parametrize("site", SITES)
def test_the_ledger_goes_on_in_one_chain(resumed: Resumed, site: str) -> None:
    said = resumed.fed.command(site, "ledger", "--verify")
    assert "entries checked: nothing changed" in said
    assert int(said.split()[0]) >= 3


def test_the_frozen_model_is_still_signed(resumed: Resumed) -> None:
    assert resumed.kept["model"]["id"] in {m["id"] for m in resumed.fed.json("models")}
