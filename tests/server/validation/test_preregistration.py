"""What was promised is recorded before scores exist, held to the model, counted and judged."""

import asyncio
import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hepafed.common.contract.evaluation import digest_of, evaluation_from
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import RefusedError, RunError
from hepafed.common.network.weights import Layout
from hepafed.common.records import write_record
from hepafed.server.coordinator.coordinator import Coordinator
from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    ClusteredInterval,
    ComparisonRow,
    IntervalEstimate,
    McNemarResult,
    ModelCard,
    ModelPart,
    OperatingPoint,
    Provenance,
    RateEstimate,
    ReaderRow,
    Report,
    ResultRow,
)
from hepafed.server.gateway.app import make_gateway
from hepafed.server.runs.store import Run, Runs
from hepafed.server.setup import initialise
from hepafed.server.validation.preregistration import Asked, fitting, judged, looks, questions
from starlette.applications import Starlette

PLAN = Plan(name="t2", protocol="t2")


def card_of(name: str, digest: str) -> ModelCard:
    return ModelCard(
        id=name,
        sha256=digest,
        protocol="t2",
        operating_point=OperatingPoint(threshold=0.4123456, rule="", chosen_on=""),
        plan=write_record(PLAN),
        training_examples={},
    )


CARD = card_of("t2", "ab" * 32)
TOML = """
model = "{model}"
cohorts = ["external-1", "external-2"]
wait = "10m"
[[endpoints]]
primary = true
at_least = 0.85
"""


def promise(model: str = CARD.sha256, more: str = "") -> str:
    return more + TOML.format(model=model)


def test_an_evaluation_of_another_model_is_refused() -> None:
    with pytest.raises(RefusedError, match="another model"):
        fitting(Asked(model="m", evaluation=promise("cd" * 32)), CARD)


def test_an_evaluation_with_another_operating_point_is_refused() -> None:
    assert fitting(Asked(model="m", evaluation=promise(more="operating_point = 0.4123\n")), CARD)
    with pytest.raises(RefusedError, match="locked"):
        fitting(Asked(model="m", evaluation=promise(more="operating_point = 0.5\n")), CARD)


def test_sites_and_split_beside_an_evaluation_must_be_its_own() -> None:
    with pytest.raises(RefusedError, match="cohorts"):
        fitting(Asked(model="m", sites=("external-1",), evaluation=promise()), CARD)
    with pytest.raises(RefusedError, match="split"):
        fitting(Asked(model="m", split="test", evaluation=promise()), CARD)


def test_cohorts_and_wait_come_from_the_evaluation() -> None:
    made = fitting(Asked(model="m", evaluation=promise()), CARD)
    assert (made.sites, made.wait) == (("external-1", "external-2"), 600)


def test_models_to_compare_with_are_named_by_digest_and_must_be_known() -> None:
    known = [CARD, card_of("t2-dwi", "cd" * 32)]
    text = promise(more=f'against = ["{"cd" * 32}"]\n')
    assert fitting(Asked(model="t2", evaluation=text), CARD, known).against == ("t2-dwi",)
    with pytest.raises(RefusedError, match="no model with the digest cdcdcdcdcdcd"):
        fitting(Asked(model="t2", evaluation=text), CARD, known[:1])
    with pytest.raises(RefusedError, match="--against"):
        fitting(Asked(model="t2", against=("t1",), evaluation=text), CARD, known)


def test_a_comparison_with_a_model_is_a_look_with_it() -> None:
    earlier = run("first", 1, model="t2-dwi", against=("m",))
    seen = looks(run("second", 2), ["external-1"], [(earlier, frozenset({"external-1"}))])
    assert seen.number == 2


def run(name: str, day: int, **values: Any) -> Run:  # noqa: ANN401
    return Run(
        id=name,
        kind="validate",
        plan=PLAN,
        created=f"2026-01-{day:02d}T00:00:00+00:00",
        **{"model": "m", **values},
    )


def test_a_look_is_an_earlier_validation_of_the_same_model_and_split_at_a_common_site() -> None:
    third = run("c", 3)
    others = [
        (run("a", 1), frozenset(("x", "y"))),
        (run("b", 2, status="failed"), frozenset("x")),
        (run("other-model", 2, model="n"), frozenset("x")),
        (run("other-split", 2, split="test"), frozenset("x")),
        (run("other-site", 2), frozenset("z")),
        (run("nobody-answered", 2), frozenset()),
        (run("later", 4), frozenset("x")),
        (third, frozenset("x")),
    ]
    made = looks(third, ["x", "y"], others)
    assert made.number == 3
    assert [(e.run, e.sites) for e in made.earlier] == [("a", ("x", "y")), ("b", ("x",))]


def report(*results: ResultRow, **parts: Any) -> Report:  # noqa: ANN401
    empty = ("confusion", "heterogeneity", "readers", "calibration", "suppressed", "sites")
    model = ModelPart(
        id="m", protocol="t2", sha256="", operating_point=CARD.operating_point, card=CARD
    )
    values = {**dict.fromkeys(empty, ()), "model": model, "provenance": Provenance(), **parts}
    return Report(results=results, **values)


def auc_row(
    value: float | None,
    low: float | None,
    high: float | None,
    bound: float = 0.0,
    clustered: ClusteredInterval | None = None,
) -> ResultRow:
    return ResultRow(
        scope="pooled",
        site=None,
        unit="patient",
        task="malignant_vs_benign",
        n=100,
        positives=50,
        auc=AucEstimate(
            value=value,
            low=low,
            high=high,
            method="delong",
            binning_error=bound,
            clustered=clustered,
        ),
    )


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (report(auc_row(0.93, 0.86, 0.97)), "met"),
        (report(auc_row(0.93, 0.86, 0.97, bound=0.02)), "not shown"),
        (report(auc_row(0.80, 0.76, 0.84)), "missed"),
        (report(auc_row(0.86, 0.80, 0.92)), "not shown"),
        (report(auc_row(None, None, None)), "not judged"),
        (report(auc_row(0.93, None, None)), "not judged"),
        (report(), "not judged"),
    ],
)
def test_a_goal_is_met_only_when_the_interval_and_the_bound_clear_it(
    made: Report, verdict: str
) -> None:
    asked = evaluation_from(promise())
    (endpoint,) = judged(asked, run("a", 1), made, []).endpoints
    assert endpoint.verdict == verdict


def test_the_clustered_interval_decides_where_there_is_one() -> None:
    clustered = ClusteredInterval(low=0.84, high=0.98)
    made = report(auc_row(0.93, 0.86, 0.97, clustered=clustered))
    (endpoint,) = judged(evaluation_from(promise()), run("a", 1), made, []).endpoints
    assert (endpoint.verdict, endpoint.low) == ("not shown", 0.84)


def against(low: float, high: float, margin: float = 0.05) -> str:
    text = (
        promise()
        + f"""
[[endpoints]]
figure = "sensitivity"
against = "reader_a"
margin = {margin}
"""
    )
    rate = RateEstimate(value=None, low=None, high=None, numerator=None, denominator=None)
    difference = IntervalEstimate(value=(low + high) / 2, low=low, high=high)
    reader = ReaderRow(
        reader="reader_a",
        n=0,
        positives=0,
        sensitivity=rate,
        specificity=rate,
        model_sensitivity=rate,
        model_specificity=rate,
        model_right_reader_wrong=0,
        model_wrong_reader_right=0,
        sensitivity_difference=difference,
        specificity_difference=difference,
        kappa_with_model=difference,
    )
    made = report(readers=(reader,))
    return judged(evaluation_from(text), run("a", 1), made, []).endpoints[1].verdict


def test_non_inferiority_is_shown_only_when_the_interval_is_above_minus_the_margin() -> None:
    assert against(-0.04, 0.06) == "non-inferior"
    assert against(-0.05, 0.06) == "not shown"
    assert against(-0.20, -0.10) == "not shown"


def test_non_inferiority_to_another_model_takes_the_difference_the_right_way_round() -> None:
    text = (
        promise()
        + """
[[endpoints]]
against = "other"
margin = 0.05
"""
    )
    difference = IntervalEstimate(value=0.01, low=-0.10, high=0.04)
    auc = BriefAuc(value=None, low=None, high=None)
    for pair, verdict in ((("m", "other"), "non-inferior"), (("other", "m"), "not shown")):
        comparison = ComparisonRow(
            scope="pooled",
            site=None,
            first=pair[0],
            second=pair[1],
            unit="patient",
            task="malignant_vs_benign",
            n=0,
            positives=0,
            auc_first=auc,
            auc_second=auc,
            difference=difference,
            binning_error=0.0,
            method="",
            p=None,
            p_holm=None,
            non_inferiority=None,
            mcnemar=McNemarResult(
                first_right_second_wrong=None, first_wrong_second_right=None, p=None, p_holm=None
            ),
        )
        made = report(comparisons=(comparison,))
        endpoints = judged(evaluation_from(text), run("a", 1), made, []).endpoints
        assert endpoints[1].verdict == verdict


def test_a_comparison_that_nobody_released_is_not_judged() -> None:
    text = promise() + '[[endpoints]]\nfigure = "sensitivity"\nagainst = "reader_z"\nmargin = 0.1\n'
    endpoint = judged(evaluation_from(text), run("a", 1), report(), []).endpoints[1]
    assert (endpoint.verdict, endpoint.value) == ("not judged", None)
    assert "reader_z" in endpoint.why


def test_the_absent_of_the_promised_cohorts_are_named() -> None:
    made = judged(evaluation_from(promise()), run("a", 1), report(), ["external-2", "z"])
    assert made.absent == ("external-2",)


def test_an_evaluation_changed_after_it_was_recorded_stops_the_run(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    made = runs.create("validate", PLAN, promise=promise(), model="m")
    assert runs.evaluation(made) == evaluation_from(promise())
    (runs.folder(made.id) / "evaluation.toml").write_text(promise(more="prevalence = 0.5\n"))
    with pytest.raises(RunError, match="changed"):
        runs.evaluation(made)


def test_runs_written_before_evaluations_existed_are_still_read(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    made = runs.create("validate", PLAN, model="m")
    path = runs.folder(made.id) / "run.json"
    values = json.loads(path.read_text())
    path.write_text(
        json.dumps({k: v for k, v in values.items() if k not in ("wait", "evaluation")})
    )
    assert runs.get(made.id) == made


@dataclasses.dataclass
class House:
    coordinator: Coordinator
    web: Starlette
    model: str
    digest: str

    def ask(self, token: str, **values: object) -> httpx.Response:
        async def post() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.web)
            async with httpx.AsyncClient(transport=transport, base_url="https://fl") as client:
                return await client.post(
                    "/api/validate",
                    json={"model": self.model, **values},
                    headers={"authorization": token},
                )

        return asyncio.run(post())


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A coordinator (its SuperLink not started) behind its gateway, with one model."""
    now = datetime.now(UTC)
    initialise(tmp_path, "127.0.0.1:8443", "127.0.0.1", now)
    coordinator = Coordinator(tmp_path)
    for i, site in enumerate(("external-1", "external-2", "external-3")):
        token, _ = coordinator.members.invite(site, "validate", 1, now)
        entry = coordinator.members.invited(token, now)
        coordinator.members.enrol(entry, f"key {i}", f"{i:064}", str(i + 1), now)
    weights = np.arange(4, dtype=np.float32)
    layout = Layout(("w",), ((4,),))
    model = coordinator.desk.registry.add("t2", layout, weights, CARD)
    digest = coordinator.desk.registry.card(model).sha256
    ca = (tmp_path / "keys/ca.pem").read_text()
    return House(coordinator, make_gateway(coordinator, ca), model, digest)


def test_an_evaluators_promise_is_kept_and_timed_before_anything_is_asked(house: House) -> None:
    token = "Bearer " + house.coordinator.members.grant("eva", "evaluator")[0]
    text = promise(house.digest)
    before = datetime.now(UTC).isoformat()
    made = house.ask(token, evaluation=text).json()
    assert made["evaluation"] == digest_of(text)
    assert before <= made["created"] <= datetime.now(UTC).isoformat()
    assert made["sites"] == ["external-1", "external-2"]
    assert made["wait"] == 600
    runs = house.coordinator.desk.runs
    assert (runs.folder(made["id"]) / "evaluation.toml").read_text() == text
    assert runs.events(made["id"]) == []


def test_a_promise_of_another_model_starts_no_run(house: House) -> None:
    token = "Bearer " + house.coordinator.members.grant("eva", "evaluator")[0]
    answer = house.ask(token, evaluation=promise("cd" * 32))
    assert answer.status_code == 403
    assert "another model" in answer.json()["error"]
    assert house.coordinator.desk.runs.all() == []


def test_with_a_wait_every_enrolled_site_is_asked_online_or_not(house: House) -> None:
    token = "Bearer " + house.coordinator.members.grant("eva", "evaluator")[0]
    made = house.ask(token, wait=5).json()
    assert made["sites"] == ["external-1", "external-2", "external-3"]
    house.coordinator.members.revoke("external-3")
    assert house.ask(token, wait=5).json()["sites"] == ["external-1", "external-2"]


@pytest.mark.parametrize("wait", [-1, 1e9, "soon", True])
def test_a_wait_that_cannot_be_is_refused(house: House, wait: object) -> None:
    token = "Bearer " + house.coordinator.members.grant("eva", "evaluator")[0]
    assert house.ask(token, wait=wait).status_code == 400


def test_nobody_without_an_access_file_registers_anything(house: House) -> None:
    assert house.ask("Bearer nobody", evaluation=promise(house.digest)).status_code == 403
    assert house.coordinator.desk.runs.all() == []


@pytest.mark.parametrize(
    "endpoint",
    [
        'against = "t2-typo"\nmargin = 0.05',
        f'figure = "sensitivity"\nagainst = "{"cd" * 32}"\nmargin = 0.1',
    ],
)
def test_an_endpoint_against_what_will_not_be_compared_is_refused(endpoint: str) -> None:
    known = [CARD, card_of("t2-dwi", "cd" * 32)]
    text = promise(more=f'against = ["{"cd" * 32}"]\n') + f"[[endpoints]]\n{endpoint}\n"
    with pytest.raises(RefusedError, match="will not be compared"):
        fitting(Asked(model="t2", evaluation=text), CARD, known)


def test_a_margin_against_a_model_is_for_its_pair_and_task_alone() -> None:
    cards = [card_of("t2-dwi", "cd" * 32)]
    text = promise(more=f'against = ["{"cd" * 32}"]\n') + (
        f'[[endpoints]]\nagainst = "{"cd" * 32}"\nmargin = 0.05\n'
        '[[endpoints]]\nfigure = "sensitivity"\nagainst = "reader_a"\nmargin = 0.15\n'
    )
    asked = questions(evaluation_from(text), CARD, cards)
    assert asked.margin == 0.15
    assert asked.model_margins == {("t2-dwi", "patient", "malignant_vs_benign"): 0.05}
