"""What the calls about runs give, and to whom."""

import json
from typing import Any

import pytest
from hepafed.common.records import write_record
from hepafed.server.runs.store import Run

from .gates import PLAN, Gate, said


def new(gate: Gate, kind: str = "train", **values: Any) -> Run:  # noqa: ANN401
    return gate.stores.runs.create(kind, PLAN, **values)


def test_a_run_is_given_with_its_history(gate: Gate) -> None:
    new(gate)
    run = new(gate, model="m", wait=7.5)
    for n in range(3):
        gate.stores.runs.event(run.id, "round", n=n)
    answer = gate("GET", f"/api/runs/{run.id}", "eva")
    assert answer.status_code == 200
    values = answer.json()
    events = values.pop("events")
    assert values.pop("held") == ""
    assert values == json.loads(json.dumps(write_record(run)))
    assert [e["n"] for e in events] == [0, 1, 2]


@pytest.mark.parametrize(
    ("since", "left"),
    [
        ("0", [0, 1, 2]),
        ("2", [2]),
        ("3", []),
        ("-1", [0, 1, 2]),
        ("x", [0, 1, 2]),
        ("9999999999999999999999", []),
    ],
)
def test_a_history_is_given_from_an_event_on(gate: Gate, since: str, left: list[int]) -> None:
    run = new(gate)
    for n in range(3):
        gate.stores.runs.event(run.id, "round", n=n)
    answer = gate("GET", f"/api/runs/{run.id}?since={since}", "ann")
    assert [e["n"] for e in answer.json()["events"]] == left


def test_every_run_is_listed_from_the_oldest(gate: Gate) -> None:
    assert gate("GET", "/api/runs", "eva").json() == []
    made = [new(gate), new(gate, "validate", model="m"), new(gate, "cohort")]
    listed = gate("GET", "/api/runs", "eva").json()
    assert listed == [json.loads(json.dumps(write_record(r))) for r in made]


def test_a_report_is_given_as_it_was_written(gate: Gate) -> None:
    run = new(gate, "validate")
    answer = gate("GET", f"/api/runs/{run.id}/report", "eva")
    assert said(answer) == (403, "that run has no report")
    assert answer.json()["hint"] == "only a completed validation has one"
    path = gate.stores.runs.folder(run.id) / "report.json"
    path.write_text('{"results": [{"auc": 0.75, "site": "é"}]}')
    answer = gate("GET", f"/api/runs/{run.id}/report", "eva")
    assert answer.json() == {"results": [{"auc": 0.75, "site": "é"}]}


def test_a_signed_report_is_given_byte_for_byte_with_its_signature(gate: Gate) -> None:
    folder = gate.stores.runs.folder(new(gate, "validate").id)
    run = folder.name
    text = '{ "site":  "é" }'
    (folder / "report.json").write_text(text, encoding="utf-8")
    answer = gate("GET", f"/api/runs/{run}/report?signed=yes", "eva")
    assert answer.json() == {"text": text, "signature": ""}
    signature = gate.stores.registry.sign(text)
    (folder / "report.sig").write_text(signature)
    answer = gate("GET", f"/api/runs/{run}/report?signed=yes", "eva")
    assert answer.json() == {"text": text, "signature": signature}


@pytest.mark.parametrize("file", ["report.json", "report.sig"])
@pytest.mark.parametrize("query", ["", "?signed=yes"])
def test_a_report_that_is_not_what_was_signed_is_refused_by_its_name(
    gate: Gate, file: str, query: str
) -> None:
    folder = gate.stores.runs.folder(new(gate, "validate").id)
    (folder / "report.json").write_text('{"results": [1]}')
    (folder / "report.sig").write_text(gate.stores.registry.sign('{"results": [1]}'))
    whole = (folder / file).read_text()
    (folder / file).write_text(whole.replace("1", "3") if "." in whole else whole[:-9])
    answer = gate("GET", f"/api/runs/{folder.name}/report{query}", "eva")
    assert f"runs/{folder.name}/{file}" in said(answer)[1]


@pytest.mark.parametrize("what", ["", "/report", "/cohort"])
def test_a_run_that_is_not_there_is_named(gate: Gate, what: str) -> None:
    answer = gate("GET", f"/api/runs/demo-1{what}", "ann")
    assert said(answer) == (403, "there is no run demo-1")
    assert answer.json()["hint"] == "see server runs"


def test_a_survey_is_given_to_the_coordinator_alone(gate: Gate) -> None:
    run = new(gate, "cohort")
    answer = gate("GET", f"/api/runs/{run.id}/cohort", "ann")
    assert said(answer) == (403, "that run has no cohort summaries")
    (gate.stores.runs.folder(run.id) / "cohort.json").write_text('{"sites": {"a": 1}}')
    assert gate("GET", f"/api/runs/{run.id}/cohort", "eva").status_code == 403
    assert gate("GET", f"/api/runs/{run.id}/cohort", "ann").json() == {"sites": {"a": 1}}


@pytest.mark.parametrize("who", ["", "nobody", "a"])
@pytest.mark.parametrize("path", ["", "/R", "/R/report", "/R/cohort"])
def test_who_is_no_person_reads_nothing_of_a_run(gate: Gate, path: str, who: str) -> None:
    gate.site("a")
    run = new(gate)
    (gate.stores.runs.folder(run.id) / "report.json").write_text("{}")
    answer = gate("GET", "/api/runs" + path.replace("R", run.id), who)
    assert answer.status_code == 403
    assert "access file is not valid" in answer.json()["error"]


def test_a_training_is_queued_with_its_plan_when_its_sites_are_online(gate: Gate) -> None:
    body = {"plan": write_record(PLAN)}
    code, words = said(gate("POST", "/api/train", "ann", json=body))
    assert (code, words) == (403, "rounds.quorum is 1 training sites; enrolled: none")
    assert gate.stores.runs.all() == []
    gate.site("a")
    answer = gate("POST", "/api/train", "ann", json=body).json()
    (run,) = gate.stores.runs.all()
    assert answer == json.loads(json.dumps(write_record(run)))
    assert (run.kind, run.plan, run.status, gate.woken) == ("train", PLAN, "queued", 1)


def test_a_validation_is_queued_as_it_was_asked(gate: Gate) -> None:
    first, second = gate.freeze(), gate.freeze(2.0)
    for site in "cab":
        gate.site(site, "validate")
    body = {
        "model": first,
        "against": [second],
        "sites": ["c", "a"],
        "split": "external",
        "wait": 12.5,
        "subgroups": ["sex"],
    }
    answer = gate("POST", "/api/validate", "eva", json=body)
    assert answer.status_code == 200, answer.text
    (run,) = gate.stores.runs.all()
    assert answer.json() == json.loads(json.dumps(write_record(run)))
    assert (run.kind, run.model, run.against) == ("validate", first, (second,))
    assert (run.sites, run.split, run.wait) == (("a", "c"), "external", 12.5)
    assert run.subgroups == ("sex",)


@pytest.mark.parametrize(
    ("key", "good", "bad", "why"),
    [
        ("model", None, "m" * 201, "model: expected text of at most 200 characters"),
        ("against", None, [""], "against: expected at most 5 models"),
        ("against", None, ["m" * 201], "against: expected at most 5 models"),
        ("against", None, ["m"] * 6, "against: expected at most 5 models"),
        ("sites", ["a"] * 1000, ["a"] * 1001, "sites: expected at most 1000 names"),
        ("sites", None, ["a" * 201], "sites: expected text of at most 200 characters"),
        ("split", "external", "tune", "split is not usable"),
        ("wait", 604_800, 604_801, "wait is not usable"),
        ("wait", 0, -0.5, "wait is not usable"),
        ("subgroups", ["sex", "age"], ["sex", "sex"], "subgroups: expected at most"),
    ],
)
def test_each_value_of_a_validation_has_its_bounds(
    gate: Gate, key: str, good: object, bad: object, why: str
) -> None:
    gate.site("a", "validate")
    body = {"model": gate.freeze()}
    code, words = said(gate("POST", "/api/validate", "ann", json={**body, key: bad}))
    assert code == 400
    assert words.startswith(why)
    assert gate.stores.runs.all() == []
    if good is not None:
        answer = gate("POST", "/api/validate", "ann", json={**body, key: good})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("model", "m" * 200, "there is no model"),
        ("against", ["m" * 200], "there is no model"),
        ("against", ["m"], "there is no model"),
        ("sites", ["a" * 200], "is not an enrolled validate site"),
    ],
)
def test_a_name_of_one_to_two_hundred_letters_is_looked_for(
    gate: Gate, key: str, value: object, found: str
) -> None:
    gate.site("a", "validate")
    answer = gate("POST", "/api/validate", "eva", json={"model": gate.freeze(), key: value})
    assert answer.status_code == 403
    assert found in answer.json()["error"]


def test_what_is_not_usable_says_what_is(gate: Gate) -> None:
    hints = {}
    for key, value in (("split", "x"), ("wait", -1)):
        answer = gate("POST", "/api/validate", "eva", json={"model": "m", key: value})
        hints[key] = answer.json()["hint"]
    assert hints == {"split": "split: external or test", "wait": "seconds, 7 days at most"}


def test_a_survey_asks_the_sites_that_are_named(gate: Gate) -> None:
    for site in "cab":
        gate.site(site)
    answer = gate("POST", "/api/cohort", "ann", json={"sites": ["c", "b"]})
    assert (answer.json()["kind"], answer.json()["sites"]) == ("cohort", ["b", "c"])
    assert gate("POST", "/api/cohort", "ann", json={}).json()["sites"] == []
    for sites, code in ((["b"] * 1001, 400), (["b", "x" * 201], 400), (["b", "x"], 403)):
        assert gate("POST", "/api/cohort", "ann", json={"sites": sites}).status_code == code
    assert len(gate.stores.runs.all()) == 2
