"""What waits at a site is summed for its own run, scores and readers alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.client.release.prepared import Prepared, place
from hepafed.common.contract import PlacementCurve
from hepafed.common.contract.messages import PlacementsRequest
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.statistics import FIGURES, additive_of, curves_of, products_of

from .releasing import table_of, terms_of

OTHER = "b" * 64
READ = replace(table_of("s", 5), readers={"ann": np.arange(15) % 3 - 1, "bob": np.arange(15) % 2})
"""Fifteen lesions with the calls of two readers."""


def prepared(models: int = 1, form: str = "masked") -> Prepared:
    return Prepared(
        run="validate-1",
        split="external",
        form=form,
        weights=(terms_of("a", "b").weights, OTHER)[:models],
        tables=(READ, replace(table_of("s", 6), truth=READ.truth))[:models],
        thresholds=(0.5, 0.3)[:models],
        plans=("c" * 64, "d" * 64)[:models],
    )


def test_counts_are_of_the_scores_at_their_operating_point_and_of_the_readers_named() -> None:
    for readers in ((), ("ann",), ("bob", "ann")):
        wanted = additive_of(READ, 0.5, readers).to_vector()
        terms = terms_of("a", "b", readers=readers, length=len(wanted))
        assert prepared().counts_for(terms).tolist() == wanted.tolist()
        with pytest.raises(RefusedError, match="another length"):
            prepared().counts_for(replace(terms, length=len(wanted) + 1))


@pytest.mark.parametrize(
    "changes",
    [{"run": "validate-2"}, {"split": "test"}, {"weights": OTHER}, {"against": (OTHER,)}],
    ids=lambda c: next(iter(c)),
)
def test_counts_of_another_run_or_of_other_scores_are_not_given(changes: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="no scores of that run"):
        prepared().counts_for(terms_of("a", "b", **changes))


def test_of_several_models_only_what_was_prepared_together_is_given() -> None:
    both = prepared(2)
    terms = terms_of("a", "b", against=(OTHER,), length=3)
    for subject in ("counts", "pairs", "clusters"):
        with pytest.raises(RefusedError, match="was not prepared here"):
            both.counts_for(replace(terms, subject=subject))
    both.vectors["pairs"] = np.array([4, 5, 6], np.uint64)
    assert both.counts_for(replace(terms, subject="pairs")).tolist() == [4, 5, 6]
    with pytest.raises(RefusedError, match="no scores of that run"):
        both.counts_for(replace(terms, subject="pairs", against=()))


def test_patients_are_counted_once_however_many_lesions_they_have() -> None:
    table = replace(READ, patient=np.array([f"p{i // 4}" for i in range(15)]))
    totals = replace(prepared(), tables=(table,)).totals()
    assert sum(totals[:2]) == 4
    assert sum(totals[2:]) == 15


def curves(models: int) -> list[PlacementCurve | None]:
    made: list[PlacementCurve | None] = []
    for table, at in zip(prepared(2).tables[:models], (0.5, 0.3), strict=False):
        made += curves_of(additive_of(table, at), 5)
    return made


def refuse(_digests: Mapping[str, str], _split: str) -> None:
    raise RefusedError("held")


def test_what_is_refused_leaves_no_sum_behind() -> None:
    masked, request = prepared(), PlacementsRequest(run="validate-1", curves=tuple(curves(1)))
    with pytest.raises(RefusedError, match="held"):
        place(masked, request, refuse)
    assert masked.vectors == {}
    assert masked.curves == []


@pytest.mark.parametrize("models", [1, 2])
def test_each_model_is_placed_in_its_own_curves(models: int) -> None:
    asked, count = curves(models), len(FIGURES)
    parts = [asked[:count], asked[count:]][:models]
    wanted = products_of(list(prepared(models).tables), parts).to_vector()
    request = PlacementsRequest(run="validate-1", curves=tuple(asked))
    plain = place(prepared(models, "plain"), request, refuse)
    assert (plain.run, plain.form) == ("validate-1", "plain")
    assert plain.products == tuple(wanted.view(np.int64).tolist())
    masked = prepared(models)
    held: list[tuple[Mapping[str, str], str]] = []
    reply = place(masked, request, lambda found, split: held.append((found, split)))
    ((digests, split),) = held
    assert split == masked.split
    assert tuple(digests) == masked.weights
    assert len({*digests.values()}) == models
    assert (reply.run, reply.form, reply.products) == ("validate-1", "masked", ())
    name = ("clusters", "pair-clusters")[models - 1]
    assert {k: v.tolist() for k, v in masked.vectors.items()} == {name: wanted.tolist()}


@pytest.mark.parametrize("models", [1, 2])
@pytest.mark.parametrize("more", [-1, 1])
def test_a_curve_more_or_less_than_the_figures_of_the_models_is_refused(
    models: int, more: int
) -> None:
    asked = (*curves(models), None)[: len(FIGURES) * models + more]
    why = f"{len(asked)} curves, not {len(FIGURES) * models}"
    with pytest.raises(PayloadError, match=why):
        place(prepared(models), PlacementsRequest(run="validate-1", curves=asked), refuse)


@pytest.mark.parametrize(
    ("positives", "negatives", "possible"),
    [
        ((0.2, 0.2, 0.7), (0.6, 0.6, 0.1), True),
        ((0.2, 0.2 - 5e-10, 0.7), (0.6, 0.6 + 5e-10, 0.1), True),
        ((0.2, 0.1999, 0.7), (0.6, 0.5, 0.1), False),
        ((0.2, 0.3, 0.2999), (0.6, 0.5, 0.1), False),
        ((0.2, 0.3, 0.7), (0.6, 0.6001, 0.1), False),
        ((0.2, 0.3, 0.7), (0.6, 0.1, 0.1001), False),
    ],
)
def test_the_higher_a_score_the_more_negatives_it_beats(
    positives: tuple[float, ...], negatives: tuple[float, ...], possible: bool
) -> None:
    """Rounding to the ninth digit is let pass."""
    asked: list[PlacementCurve | None] = [None] * len(FIGURES)
    asked[-1] = PlacementCurve(
        edges=(0, 30_000, 40_000, 65_536), of_positives=positives, of_negatives=negatives, auc=0.5
    )
    request = PlacementsRequest(run="validate-1", curves=tuple(asked))
    if possible:
        assert place(prepared(), request, lambda *_: None).form == "masked"
        return
    with pytest.raises(PayloadError, match="the placement curve is impossible"):
        place(prepared(), request, refuse)


def test_the_question_changes_with_a_threshold_and_in_the_placement_sums_with_a_curve() -> None:
    one, other = prepared(), replace(prepared(), thresholds=(0.5000001,))
    for subject in ("counts", "clusters"):
        assert one.question(subject) == prepared().question(subject) != other.question(subject)
    curve = PlacementCurve(edges=(0, 65536), of_positives=(0.5,), of_negatives=(0.5,), auc=0.5)
    moved = replace(curve, of_positives=(0.6,))
    first, second = replace(prepared(), curves=[curve]), replace(prepared(), curves=[moved])
    assert first.question("clusters") != second.question("clusters")
    assert first.question("counts") == second.question("counts") == one.question("counts")
