"""Placement sums are added up over all sites or not at all, and says which are missing."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hepafed.common.contract import PlacementCurve
from hepafed.common.contract.messages import (
    KeysRequest,
    PlacementsReply,
    PlacementsRequest,
    ValidateRequest,
)
from hepafed.common.contract.plan import Plan
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import (
    FIGURES,
    Intervals,
    ScoreTable,
    add,
    additive_of,
    products_length,
)
from hepafed.server.masked_sums.masked_sum import WantedSum
from hepafed.server.pooling import Group
from hepafed.server.runs.live_run import STEP_SECONDS, LiveRun
from hepafed.server.runs.sites import Sites
from hepafed.server.runs.stores import Stores
from hepafed.server.validation.placements import (
    CURVE_CELLS,
    PlacementStep,
    curves_over,
    place,
    sum_placements,
)
from hepafed.server.validation.site_releases import SiteReleases

from tests.server.masked_sums.participants import Participants

CURVE = PlacementCurve(edges=(0, 65536), of_positives=(0.5,), of_negatives=(0.5,), auc=0.5)


class Placing(Participants):
    """Sites that answer the second question, under masks or in plain."""

    def __init__(self, stores: Stores, counts: dict[str, Any], *plain: str) -> None:
        super().__init__(stores.inbox, counts)
        self.plain = plain

    def ask(
        self,
        sites: Iterable[str],
        request: Any,  # noqa: ANN401
        kind: type,
        deadline: float,
        on_reply: Callable[[str, Any], None],
    ) -> dict[str, str]:
        if not isinstance(request, PlacementsRequest):
            return super().ask(sites, request, kind, deadline, on_reply)
        asked, failed = tuple(sites), {}
        self.asked.append((asked, request, deadline))
        for site in reversed(asked):
            values = tuple(self.counts[site].view(np.int64).tolist())
            plain = PlacementsReply(run=request.run, form="plain", products=values)
            masked = PlacementsReply(run=request.run, form="masked")
            answer = self.change(site, request, plain if site in self.plain else masked)
            if isinstance(answer, str):
                failed[site] = answer
                continue
            try:
                on_reply(site, answer)
            except PayloadError as e:
                failed[site] = e.message
        return failed


def vector(at: int, figures: int) -> np.ndarray:
    """Numbers of a site, negative ones too."""
    return (np.arange(products_length(figures)) * at - 40).astype(np.int64).view(np.uint64)


def begun(home: Path, masked: str, plain: str, figures: int = 2) -> tuple[LiveRun, Placing]:
    stores = Stores(home)
    run = stores.runs.create("validate", Plan(name="t2", protocol="t2"), model="m", split="test")
    counts = {s: vector(i, figures) for i, s in enumerate(masked + plain, 2)}
    sites = Placing(stores, counts, *plain)
    return LiveRun(run, stores, cast("Sites", sites)), sites


def step_of(masked: str, plain: str) -> PlacementStep:
    wanted = WantedSum(
        subject="clusters", weights="w", split="test", length=products_length(2), most_attempts=1
    )
    return PlacementStep(
        curves=(CURVE, None),
        sites=tuple(sorted(masked + plain)),
        masked=tuple(sorted(masked)),
        wanted=wanted,
    )


@pytest.mark.parametrize(("masked", "plain"), [("ba", "dc"), ("bac", ""), ("", "ca"), ("", "a")])
def test_sums_in_each_form_add_up_to_those_of_all_sites(
    tmp_path: Path, masked: str, plain: str
) -> None:
    live, sites = begun(tmp_path, masked, plain)
    products, missing = sum_placements(live, step_of(masked, plain))
    assert missing == ""
    assert products is not None
    wanted = sum(c.view(np.int64) for c in sites.counts.values())
    assert products.to_vector().view(np.int64).tolist() == np.asarray(wanted).tolist()
    names = tuple(sorted(masked + plain))
    assert sites.asked[0] == (
        names, PlacementsRequest(run=live.run.id, curves=(CURVE, None)), STEP_SECONDS,
    )  # fmt: skip
    keys = [s for s, r, _ in sites.asked if isinstance(r, KeysRequest)]
    assert keys == ([tuple(sorted(masked))] if masked else [])


def answering(site: str, answer: Any) -> Any:  # noqa: ANN401
    def change(name: str, request: object, right: Any) -> Any:  # noqa: ANN401
        if name != site or not isinstance(request, PlacementsRequest):
            return right
        return answer(right) if callable(answer) else answer

    return change


@pytest.mark.parametrize("lost", ["a", "c"], ids=["masked", "plain"])
def test_one_silent_site_leaves_no_sum_and_no_mask_is_made(tmp_path: Path, lost: str) -> None:
    live, sites = begun(tmp_path, "ab", "c")
    sites.change = answering(lost, "silent")
    assert sum_placements(live, step_of("ab", "c")) == (None, f"{lost} (silent)")
    assert [r for _, r, _ in sites.asked if isinstance(r, KeysRequest)] == []


def test_all_missing_sites_are_named_in_order(tmp_path: Path) -> None:
    live, sites = begun(tmp_path, "ab", "c")
    sites.change = lambda s, _r, right: right if s == "b" else f"{s} is silent"
    assert sum_placements(live, step_of("ab", "c")) == (None, "a (a is silent), c (c is silent)")


def test_a_site_that_answers_in_another_form_than_its_own_leaves_no_sum(tmp_path: Path) -> None:
    live, sites = begun(tmp_path / "1", "ab", "c")
    sites.plain = ("b", "c")
    assert sum_placements(live, step_of("ab", "c")) == (None, "a site")
    live, sites = begun(tmp_path / "2", "ab", "c")
    sites.plain = ()
    assert sum_placements(live, step_of("ab", "c")) == (None, "a site")
    live, sites = begun(tmp_path / "3", "", "c")
    sites.plain = ()
    assert sum_placements(live, step_of("", "c")) == (None, "a site")


def test_a_site_lost_under_masks_leaves_no_sum_of_the_others(tmp_path: Path) -> None:
    live, sites = begun(tmp_path, "abe", "c")
    sites.change = lambda s, r, right: (
        "silent" if s == "b" and isinstance(r, KeysRequest) else right
    )
    assert sum_placements(live, step_of("abe", "c")) == (None, "b (silent)")


@pytest.mark.parametrize(
    ("values", "words"),
    [((2**64,), "a placement sum beyond 64 bits"), ((1, 2, 3), "agreed layout")],
    ids=["too large", "too short"],
)
def test_plain_sums_of_another_form_are_not_taken(
    tmp_path: Path, values: tuple[int, ...], words: str
) -> None:
    live, sites = begun(tmp_path, "", "ac")
    sites.change = answering("a", lambda right: replace(right, products=values))
    products, missing = sum_placements(live, step_of("", "ac"))
    assert products is None
    assert missing.startswith("a (")
    assert words in missing


def cells(cases: int) -> Intervals:
    at = np.arange(1000, 1000 + cases)
    return Intervals(at, at + 1, np.arange(cases) % 2, 1 - np.arange(cases) % 2)


def sizes(cases: int, least: int) -> list[int]:
    """Give how many cases each cell of a curve over single cases holds."""
    (curve,) = curves_over([cells(cases)], least)
    assert curve is not None
    edges = [max(e, 1000) for e in curve.edges[:-1]] + [1000 + cases]
    return np.diff(edges).tolist()  # type: ignore[no-any-return]


def test_each_cell_of_a_curve_holds_the_minimum_counts_of_all_sites_together() -> None:
    assert sizes(40, 7) == [7, 7, 7, 7, 12]
    assert sizes(40, 8) == [8] * 5
    assert sizes(12, 0) == sizes(12, 1) == sizes(12, 2) == [2] * 6


def test_a_curve_has_at_most_500_cells() -> None:
    assert CURVE_CELLS == 500
    assert sizes(1500, 2) == [3] * 500
    assert min(sizes(1501, 2)) == 4


def test_a_withheld_figure_has_no_curve_and_keeps_its_place() -> None:
    found = curves_over(["gone", cells(12), "gone"], 3)
    assert [c is None for c in found] == [True, False, True]


def released(site: str) -> tuple[ScoreTable, Any]:
    n = 30 + 2 * ord(site) % 7
    rng = np.random.default_rng(ord(site))
    raw = rng.normal(size=(n, 3))
    table = ScoreTable(
        site=np.full(n, site),
        patient=np.array([f"p{i // 2}" for i in range(n)]),
        lesion=np.array([f"l{i}" for i in range(n)]),
        truth=rng.choice(3, n, p=[0.6, 0.2, 0.2]),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )
    made = summarise(table, run="r", model="m", weights="w", threshold=0.4, minimum_count=3)
    return table, made


def gathered(masked: str, plain: str, cells_of: str = "") -> SiteReleases:
    got = SiteReleases()
    for site in plain + masked + cells_of:
        table, made = released(site)
        form = {"m": "masked", "p": "plain", "c": "cells"}[
            "m" if site in masked else "p" if site in plain else "c"
        ]
        got.summaries[site] = replace(made, form=form)
        if form == "plain":
            got.groups.append(Group((site,), additive_of(table, 0.4), "plain"))
    if masked:
        parts = [additive_of(released(s)[0], 0.4) for s in sorted(masked)]
        got.groups.append(Group(tuple(sorted(masked)), add(parts)))
    return got


REQUEST = ValidateRequest(
    run="r", model="m", plan=Plan(name="t2", protocol="t2"), weights="w", threshold=0.4,
    split="test",
)  # fmt: skip


def test_every_site_is_asked_and_the_sum_is_over_those_under_masks(tmp_path: Path) -> None:
    live, sites = begun(tmp_path, "ba", "c", len(FIGURES))
    products, notes = place(live, REQUEST, gathered("ba", "c"))
    assert (products is not None, notes) == (True, [])
    (names, request, _) = sites.asked[0]
    assert (names, len(request.curves)) == (("a", "b", "c"), len(FIGURES))
    (keys,) = [r for _, r, _ in sites.asked if isinstance(r, KeysRequest)]
    terms = keys.terms
    assert (terms.participants, terms.subject) == (("a", "b"), "clusters")
    assert (terms.weights, terms.split, terms.length) == ("w", "test", products_length())


def test_a_cell_of_a_curve_is_as_large_as_the_sites_minimum_counts_together(
    tmp_path: Path,
) -> None:
    live, sites = begun(tmp_path, "", "cab", len(FIGURES))
    got = gathered("", "cab")
    place(live, REQUEST, got)
    curve = sites.asked[0][1].curves[0]
    whole = sum(g.sums.patient_scores.sum(0) for g in got.groups)
    held = np.add.reduceat(whole, curve.edges[:-1])
    assert held.min() == 9  # 3 of each site; 18 would part into two
    assert len(held) == int(np.sum(whole)) // 9


def test_the_step_is_tried_once_and_its_loss_is_noted(tmp_path: Path) -> None:
    live, sites = begun(tmp_path, "bae", "c", len(FIGURES))
    sites.change = lambda s, r, right: (
        "silent" if s == "b" and isinstance(r, KeysRequest) else right
    )
    products, notes = place(live, REQUEST, gathered("bae", "c"))
    assert products is None
    assert notes == [
        "no clustered interval of the pooled lesions: sums over patients are missing from b "
        "(silent)"
    ]
    assert len([r for _, r, _ in sites.asked if isinstance(r, KeysRequest)]) == 1


def test_sites_without_fine_counts_are_named_and_nobody_is_asked(tmp_path: Path) -> None:
    live, sites = begun(tmp_path, "", "cab", len(FIGURES))
    got = gathered("", "c", "ba")
    products, notes = place(live, REQUEST, got)
    assert products is None
    assert notes == ["no clustered interval of the pooled lesions: a, b released no fine counts"]
    assert sites.asked == []


def test_a_site_whose_sum_failed_has_released_no_fine_counts(tmp_path: Path) -> None:
    live, sites = begun(tmp_path, "", "cab", len(FIGURES))
    got = gathered("ab", "c")
    got.groups = got.groups[:1]
    products, notes = place(live, REQUEST, got)
    assert products is None
    assert "a, b released no fine counts" in notes[0]
    assert sites.asked == []


def test_a_run_that_was_stopped_makes_no_placement_sums_and_no_note(tmp_path: Path) -> None:
    live, sites = begun(tmp_path, "", "ca", len(FIGURES))
    live.stores.runs.ask_to_stop(live.run.id)
    assert place(live, REQUEST, gathered("", "ca")) == (None, [])
    assert sites.asked == []
