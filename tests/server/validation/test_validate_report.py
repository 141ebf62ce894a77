"""A validation waits for its sites, publishes the models meanwhile, and says what it did."""

import json
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import pytest
from hepafed.common.contract.messages import PlacementsRequest, ValidateRequest
from hepafed.common.contract.plan import plan_from
from hepafed.common.errors import RefusedError, RunError
from hepafed.common.records import write_record
from hepafed.server.runs.store import Run
from hepafed.server.validation.validate import validate

from tests.server.federation import PLAN, Federation
from tests.server.promises import promise


def run_of(fed: Federation, promised: str = "", **values: Any) -> Run:  # noqa: ANN401
    plan = plan_from(write_record(PLAN))
    values = {"model": fed.model, "wait": 0.0, **values}
    return fed.stores.runs.create("validate", plan, promised, **values)


def cells(fed: Federation, *names: str) -> None:
    for name in names:
        fed.site(name, release="cells")


def test_the_request_is_of_the_card_and_the_run(fed: Federation) -> None:
    cells(fed, "b", "a")
    run = run_of(fed, split="test", subgroups=("x",))
    with pytest.raises(RunError, match="external split only"):  # these sites have no other
        validate(fed.live(run))
    card = fed.stores.registry.card(fed.model)
    ((_, request), *_) = fed.fleet.asked
    assert request == ValidateRequest(
        run=run.id,
        model=fed.model,
        plan=plan_from(card.plan),
        weights=card.sha256,
        threshold=0.5,
        split="test",
        subgroups=("x",),
    )
    assert [e["sites"] for e in fed.events(run.id, "asked")] == [["a", "b"]]


def test_only_named_sites_are_asked_and_those_that_are_offline_are_missing(
    fed: Federation,
) -> None:
    cells(fed, "c", "b", "a")
    fed.fleet.gone.add("b")
    report = fed.run(run=run_of(fed, sites=("c", "b")))
    assert [s["site"] for s in report["sites"]] == ["c"]
    assert report["provenance"]["missing_sites"] == {"b": "offline"}
    assert [(e["site"], e["reason"]) for e in fed.events(report["run"], "missing")] == [
        ("b", "offline")
    ]


def test_a_site_that_comes_within_the_wait_is_asked(fed: Federation) -> None:
    cells(fed, "a", "b")
    fed.fleet.gone.add("b")
    looked = []

    def come() -> list[int]:
        looked.append(1)
        if len(looked) > 1:
            fed.fleet.gone.discard("b")
        return [n for s, n in fed.fleet.nodes.items() if s not in fed.fleet.gone]

    fed.fleet.get_node_ids = come  # type: ignore[method-assign]
    report = fed.run(run=run_of(fed, sites=("a", "b"), wait=60.0))
    assert [s["site"] for s in report["sites"]] == ["a", "b"]
    assert [(e["sites"], e["seconds"]) for e in fed.events(report["run"], "absent")] == [
        (["b"], 60.0)
    ]


def test_without_names_the_first_site_that_comes_is_enough(fed: Federation) -> None:
    cells(fed, "a", "b")
    fed.fleet.gone.add("b")
    report = fed.run(run=run_of(fed, wait=60.0))
    assert [s["site"] for s in report["sites"]] == ["a"]
    assert report["provenance"]["missing_sites"] == {}
    assert fed.events(report["run"], "absent") == []


@pytest.mark.parametrize("named", [(), ("a", "b")], ids=["any", "named"])
def test_with_no_site_online_the_run_fails(fed: Federation, named: tuple[str, ...]) -> None:
    cells(fed, "a", "b", "c")
    fed.fleet.gone |= {"a", "b"} if named else {"a", "b", "c"}
    with pytest.raises(RunError, match="no site that can validate is online"):
        validate(fed.live(run_of(fed, sites=named)))


def test_when_no_site_answers_the_run_fails_with_each_reason_in_order(fed: Federation) -> None:
    cells(fed, "c", "a", "b")
    fed.fleet.gone.add("b")
    fed.fleet.hook = lambda _site, request: (
        None if isinstance(request, ValidateRequest) else request
    )
    run = run_of(fed, sites=("c", "a", "b"))
    live = fed.live(run)
    with pytest.raises(RunError) as e:
        validate(live)
    silent = "no answer before the deadline"
    assert f"no site answered (a: {silent}; b: offline; c: {silent})" in str(e.value)
    assert not (live.folder / "report.json").exists()


def test_a_run_that_is_stopped_gives_no_model_and_no_report(fed: Federation) -> None:
    cells(fed, "a", "b")
    run = run_of(fed)

    def stop(site: str, request: object) -> object:
        if site == "b":
            fed.stores.runs.ask_to_stop(run.id)
        return request

    fed.fleet.hook = stop
    live = fed.live(run)
    assert validate(live) == ""
    assert not (live.folder / "report.json").exists()


def published(fed: Federation, digest: str) -> bool:
    try:
        return fed.stores.blobs.path(digest).exists()
    except RefusedError:
        return False


def test_weights_can_be_fetched_while_the_sites_are_asked_and_not_afterwards(
    fed: Federation,
) -> None:
    cells(fed, "a")
    other = fed.freeze(2.0)
    digests = [fed.stores.registry.card(m).sha256 for m in (fed.model, other)]
    seen: list[list[bool]] = []

    def look(_site: str, request: object) -> object:
        seen.append([published(fed, d) for d in digests])
        return request

    fed.fleet.hook = look
    fed.sites["a"].others[digests[1]] = fed.sites["a"].table
    fed.run(run=run_of(fed, against=(other,)))
    assert seen
    assert [found for found in seen if found != [True, True]] == []
    assert [published(fed, d) for d in digests] == [False, False]


def test_the_provenance_says_of_which_run_plan_and_software(fed: Federation) -> None:
    cells(fed, "a")
    before = datetime.now(UTC).isoformat(timespec="seconds")
    run = run_of(fed)
    found = fed.run(run=run)["provenance"]
    card = fed.stores.registry.card(fed.model)
    assert (found["run"], found["split"]) == (run.id, "external")
    assert before <= found["created"] <= datetime.now(UTC).isoformat(timespec="seconds")
    assert (found["plan"], found["training_run"]) == (dict(card.plan), "r")
    assert found["software"] == {
        "python": platform.python_version(),
        **{p: metadata.version(p) for p in ("hepafed", "flwr", "numpy", "scipy")},
    }
    assert found["compared_models"] == []


def test_the_report_is_of_the_model_and_returns_its_id(fed: Federation) -> None:
    cells(fed, "b", "a")
    live = fed.live(run_of(fed))
    assert validate(live) == fed.model
    report = json.loads((live.folder / "report.json").read_text())
    card = fed.stores.registry.card(fed.model)
    model = report["model"]
    assert (model["id"], model["sha256"], model["protocol"]) == (fed.model, card.sha256, "t2")
    assert model["operating_point"]["threshold"] == 0.5
    assert [s["site"] for s in report["sites"]] == ["a", "b"]
    assert {d["site"] for d in report["drift"]} == {None, "a", "b"}
    assert report.get("evaluation") is None


def test_looks_are_counted_and_a_promise_is_judged(fed: Federation) -> None:
    cells(fed, "external-1", "external-2")
    fed.fleet.gone.add("external-2")
    first = fed.run(run=run_of(fed))
    text = promise(fed.stores.registry.card(fed.model).sha256)
    second = fed.run(run=run_of(fed, text, sites=("external-1", "external-2")))
    assert (first["look"]["number"], second["look"]["number"]) == (1, 2)
    assert [e["run"] for e in second["look"]["earlier"]] == [first["run"]]
    judged = second["evaluation"]
    assert (
        judged["exploratory"]
        == f"registered after look 1 ({second['look']['earlier'][0]['created'][:10]})"
    )
    assert judged["absent"] == ["external-2"]
    assert [e["figure"] for e in judged["endpoints"]] == ["auc"]
    row = second["results"][0]["auc"]
    assert judged["endpoints"][0]["value"] == row["value"]


def test_notes_of_the_placement_sums_and_of_the_comparison_stand_one_after_the_other(
    fed: Federation,
) -> None:
    fed.site("a", release="plain")
    fed.site("b", release="plain")
    other = fed.freeze(2.0)
    digest = fed.stores.registry.card(other).sha256
    for site in fed.sites.values():
        site.others[digest] = site.table
    fed.fleet.hook = lambda site, request: (
        None if site == "b" and isinstance(request, PlacementsRequest) else request
    )
    notes = fed.run(run=run_of(fed, against=(other,)))["notes"]
    assert [n.split(":")[0] for n in notes] == [
        "no clustered interval of the pooled lesions",
        "the comparison of models pools the sites' own figures, not their cases",
    ]
