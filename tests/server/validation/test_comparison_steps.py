"""What a comparison asks of the sites, what it waits for, and what it says when a part is lost."""

from typing import Any

import pytest
from hepafed.common.contract.messages import (
    CompareRequest,
    KeysRequest,
    OpenRequest,
    PlacementsRequest,
)
from hepafed.common.disclosure.paired import paired_length
from hepafed.common.statistics import FIGURES, products_length

from tests.server.federation import Federation
from tests.server.validation.two_models import Compared, rows

POOLS = "the comparison of models pools the sites' own figures, not their cases: "


def requests(fed: Federation, kind: type) -> list[tuple[str, Any]]:
    return [(s, r) for s, r in fed.fleet.asked if isinstance(r, kind)]


def test_a_comparison_names_each_model_with_its_plan_weights_and_threshold(
    fed: Federation,
) -> None:
    compared = Compared(fed, "cc", 40)
    report = compared.run()
    ((first, request), (second, same)) = requests(fed, CompareRequest)
    assert ({first, second}, request) == ({"a", "b"}, same)
    assert (request.run, request.split) == (report["run"], "external")
    cards = [fed.stores.registry.card(m) for m in (fed.model, compared.other)]
    assert [(m.model, m.weights, m.threshold) for m in request.models] == [
        (c.id, c.sha256, 0.5) for c in cards
    ]
    assert [
        (e["site"], e["patients"], e["form"]) for e in fed.events(report["run"], "compared")
    ] == [
        ("a", 20, "figures"),
        ("b", 20, "figures"),
    ]


def test_without_other_models_nothing_is_compared(fed: Federation) -> None:
    fed.site("a", release="cells")
    report = fed.run()
    assert (report["comparisons"], requests(fed, CompareRequest)) == ([], [])


def test_the_masked_sums_of_a_comparison_are_of_all_its_models(fed: Federation) -> None:
    compared = Compared(fed, "mmp", 60)
    compared.run()
    terms = {r.terms.subject: r.terms for _, r in requests(fed, KeysRequest)}
    first = fed.stores.registry.card(fed.model).sha256
    for subject, length in (
        ("pairs", paired_length(2)),
        ("pair-clusters", products_length(2 * len(FIGURES))),
    ):
        its = terms[subject]
        assert (its.weights, its.against) == (first, (compared.digest,))
        assert (its.participants, its.length, its.split) == (("a", "b"), length, "external")
    step = requests(fed, PlacementsRequest)[-1][1]
    assert len(step.curves) == 2 * len(FIGURES)


def lose(fed: Federation, kind: type, subject: str) -> None:
    """Have site b fall silent in one sum."""
    exchanges: set[str] = set()

    def drop(site: str, request: Any) -> Any:  # noqa: ANN401
        if isinstance(request, KeysRequest) and request.terms.subject == subject:
            exchanges.add(request.terms.exchange)
        name = request.terms.exchange if isinstance(request, KeysRequest) else ""
        name = name or getattr(request, "exchange", "")
        return None if site == "b" and isinstance(request, kind) and name in exchanges else request

    fed.fleet.hook = drop


@pytest.mark.parametrize("kind", [KeysRequest, OpenRequest])
def test_a_masked_sum_of_a_comparison_is_tried_once_and_its_loss_is_said(
    fed: Federation, kind: type
) -> None:
    compared = Compared(fed, "mmm", 60)
    lose(fed, kind, "pairs")
    report = compared.run()
    (note,) = [n for n in report["notes"] if n.startswith(POOLS)]
    silent = "no answer before the deadline"
    opening = "lost while the sum was opened: " if kind is OpenRequest else ""
    assert note == f"{POOLS}the masked sum failed (b: {opening}{silent})"
    tried = [e for e in fed.events(report["run"], "masking") if e["subject"] == "pairs"]
    assert len(tried) == 1
    for row in rows(report).values():
        assert row["difference"]["value"] is None
        assert row["reason"]


def test_a_site_lost_in_the_placement_sums_of_a_comparison_is_named(fed: Federation) -> None:
    compared = Compared(fed, "mm", 60)
    lose(fed, KeysRequest, "pair-clusters")
    report = compared.run()
    assert report["notes"] == [
        "the comparison of models has no intervals: sums over patients are missing from b "
        "(no answer before the deadline)"
    ]


def test_a_site_that_is_not_in_the_comparison_is_noted_as_missing_there(fed: Federation) -> None:
    compared = Compared(fed, "ccc", 40)
    fed.fleet.hook = lambda site, request: (
        None if site in "ca" and isinstance(request, CompareRequest) else request
    )
    report = compared.run()
    silent = "no answer before the deadline"
    assert [n for n in report["notes"] if "comparison" in n] == [
        f"{s} is not in the comparison of models: {silent}" for s in ("a", "c")
    ]
    assert [(e["site"], e["reason"]) for e in fed.events(report["run"], "missing")] == [
        (s, f"comparison: {silent}") for s in ("a", "c")
    ]
    assert rows(report)["malignant_vs_benign"]["absent"] == ["a", "c"]
    assert report["provenance"]["missing_sites"] == {}
