"""The plan chooses how updates are aggregated, among the words that the contract knows."""

from dataclasses import replace

import pytest
from hepafed.common.contract.plan import Plan
from hepafed.common.contract.rounds import STRATEGIES
from hepafed.common.network.weights import Layout
from hepafed.server.training.aggregation import AGGREGATIONS, aggregation_for
from hepafed.server.training.pace import NormalisedMean
from hepafed.server.training.strategies import (
    AdaptiveMean,
    BlockwiseRule,
    ControlledMean,
    Krum,
    MomentumMean,
)
from hepafed.server.training.weighted_mean import WeightedMean

from .strategies.plans import plan_of

LAYOUT = Layout(("w",), ((3,),))


def test_every_strategy_of_a_plan_has_an_aggregation() -> None:
    assert set(AGGREGATIONS) == set(STRATEGIES)
    for word in STRATEGIES:
        plan = plan_of(word)
        assert aggregation_for(plan, LAYOUT) is not aggregation_for(plan, LAYOUT)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("fedavg", WeightedMean),
        ("fednova", NormalisedMean),
        ("fedprox", WeightedMean),
        ("fedavgm", MomentumMean),
        ("fedadam", AdaptiveMean),
        ("fedyogi", AdaptiveMean),
        ("fedbn", WeightedMean),
        ("silobn", WeightedMean),
        ("scaffold", ControlledMean),
        ("median", BlockwiseRule),
        ("trimmed-mean", BlockwiseRule),
        ("krum", Krum),
    ],
)
def test_a_word_is_its_aggregation(word: str, kind: type) -> None:
    assert type(aggregation_for(plan_of(word), LAYOUT)) is kind


@pytest.mark.parametrize("word", STRATEGIES)
def test_a_rehearsal_has_nothing_to_aggregate_but_zeros(word: str) -> None:
    plan = plan_of(word)
    rehearsal: Plan = replace(plan, training=replace(plan.training, epochs=0))
    assert type(aggregation_for(rehearsal, LAYOUT)) is WeightedMean
