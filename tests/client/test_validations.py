"""What a site keeps of a validation: found again by its run, never used when damaged."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.validations import keep, recall, recall_weights
from hepafed.common.contract import Plan
from hepafed.common.contract.messages import ValidateRequest
from hepafed.common.errors import DataError, PayloadError
from hepafed.common.network import Layout, from_bf16, to_bf16
from hepafed.common.statistics import ScoreTable

LAYOUT = Layout(("w",), ((1000,),))
CONTENT = bytes(to_bf16(np.random.default_rng(1).random(LAYOUT.size, np.float32)))
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A site that has taken part in a validation."""
    table = ScoreTable(
        site=np.array(["s", "s"]),
        patient=np.array(["p", "q"]),
        lesion=np.array(["l", "m"]),
        truth=np.array([0, 1]),
        log_probs=np.log(np.full((2, 3), 1 / 3)),
        readers={},
    )
    request = ValidateRequest(
        run="validate-1",
        model="m",
        plan=Plan(name="small", protocol="t2"),
        weights=DIGEST,
        threshold=0.5,
        split="external",
    )
    keep(tmp_path / "site", request, table, from_bf16(CONTENT, LAYOUT))
    return tmp_path / "site"


def test_a_validation_is_found_again_by_its_run(home: Path) -> None:
    found = recall(home, "validate-1")
    assert found.request.weights == DIGEST
    assert found.table.patient.tolist() == ["p", "q"]
    assert bytes(to_bf16(recall_weights(home, DIGEST, LAYOUT))) == CONTENT


def test_an_unknown_run_names_those_that_are_kept(home: Path) -> None:
    with pytest.raises(DataError) as raised:
        recall(home, "validate-2")
    assert "validate-1" in raised.value.hint


def test_a_run_id_cannot_lead_out_of_the_folder(home: Path) -> None:
    with pytest.raises(PayloadError):
        recall(home, "../site")


def test_damaged_weights_are_not_used(home: Path) -> None:
    path = home / "models" / f"{DIGEST}.bf16"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="damaged"):
        recall_weights(home, DIGEST, LAYOUT)


def test_scores_of_an_earlier_run_are_never_overwritten(home: Path) -> None:
    kept = recall(home, "validate-1")
    first = {p.name: p.read_bytes() for p in (home / "scores").glob("*.[cj]s*")}
    weights = from_bf16(CONTENT, LAYOUT)
    keep(home, kept.request, kept.table, weights)
    assert {p.name: p.read_bytes() for p in (home / "scores").glob("*.[cj]s*")} == first
    other = replace(kept.table, truth=np.array([1, 0]))
    for _ in range(2):
        keep(home, kept.request, other, weights)
    found = {p.name: p.read_bytes() for p in (home / "scores").glob("*.[cj]s*")}
    assert {n: found[n] for n in first} == first
    assert len(found) == len(first) + 2
    (stem,) = {Path(n).stem for n in found} - {"validate-1"}
    assert recall(home, stem).table.truth.tolist() == [1, 0]
    assert recall(home, "validate-1").table.truth.tolist() == [0, 1]


def test_another_question_under_the_same_run_gets_its_own_file_too(home: Path) -> None:
    kept = recall(home, "validate-1")
    keep(home, replace(kept.request, threshold=0.7), kept.table, from_bf16(CONTENT, LAYOUT))
    assert recall(home, "validate-1").request.threshold == 0.5
    assert len(list((home / "scores").glob("*.json"))) == 2
