"""The plan chooses how updates are aggregated, among the words that the contract knows."""

from dataclasses import replace

from hepafed.common.contract.plan import STRATEGIES, Plan
from hepafed.common.network.weights import Layout
from hepafed.server.training.aggregation import AGGREGATIONS, aggregation_for
from hepafed.server.training.pace import NormalisedMean
from hepafed.server.training.weighted_mean import WeightedMean

LAYOUT = Layout(("w",), ((3,),))
PLAN = Plan(name="a", protocol="t2")


def test_every_strategy_of_a_plan_has_an_aggregation() -> None:
    assert set(AGGREGATIONS) == set(STRATEGIES)
    for word in STRATEGIES:
        plan = replace(PLAN, rounds=replace(PLAN.rounds, strategy=word))
        assert aggregation_for(plan, LAYOUT) is not aggregation_for(plan, LAYOUT)


def test_fedavg_is_the_weighted_mean() -> None:
    assert isinstance(aggregation_for(PLAN, LAYOUT), WeightedMean)


def test_fednova_is_the_mean_by_steps() -> None:
    plan = replace(PLAN, rounds=replace(PLAN.rounds, strategy="fednova"))
    assert isinstance(aggregation_for(plan, LAYOUT), NormalisedMean)
