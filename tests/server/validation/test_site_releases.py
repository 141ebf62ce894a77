"""What sites released is taken in when it agrees with their figures, and listed by its form."""

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import PayloadError
from hepafed.common.statistics import Additive, ScoreTable, add, additive_of
from hepafed.server.formats import FormRow
from hepafed.server.masked_sums.masked_sum import MaskedSum
from hepafed.server.pooling import Group
from hepafed.server.validation.site_releases import SiteReleases

LESIONS = {"c": 31, "a": 24, "b": 18}
READERS = ("r1", "r2")


@cache
def table(site: str, readers: tuple[str, ...] = ()) -> ScoreTable:
    n = LESIONS[site]
    rng = np.random.default_rng(n)
    raw = rng.normal(size=(n, 3))
    return ScoreTable(
        site=np.full(n, site),
        patient=np.array([f"p{i // 2}" for i in range(n)]),
        lesion=np.array([f"l{i}" for i in range(n)]),
        truth=rng.integers(0, 3, n),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={r: np.repeat(rng.integers(-1, 2, n), 2)[:n].astype(np.int8) for r in readers},
    )


def summary(site: str, form: str = "masked", readers: tuple[str, ...] = ()) -> SiteSummary:
    its, minimum = table(site, readers), 1 if readers else 1 + LESIONS[site] % 7
    made = summarise(its, run="r", model="m", weights="", threshold=0.4, minimum_count=minimum)
    return dataclasses.replace(made, form=form)


def sums(site: str, readers: tuple[str, ...] = ()) -> Additive:
    return additive_of(table(site, readers), 0.4, readers)


def masked(*sites: str, total: Any = None) -> MaskedSum:  # noqa: ANN401
    vector = add([sums(s) for s in sites]).to_vector() if total is None else total
    return MaskedSum(sites=sites, total=vector, attempts=1)


def releases(**forms: str) -> SiteReleases:
    return SiteReleases(summaries={s: summary(s, f) for s, f in forms.items()})


def test_forms_are_listed_in_the_order_of_names_with_minimum_and_reason() -> None:
    got = releases(c="masked", a="cells", b="plain")
    got.groups = [Group(("b",), sums("b"), "plain"), Group(("c",), sums("c"))]
    got.notes = {"a": "its policy"}
    assert got.forms() == (
        FormRow(site="a", form="cells", sum_over=(), minimum_count=4, reason="its policy"),
        FormRow(site="b", form="plain", sum_over=(), minimum_count=5, reason=""),
        FormRow(site="c", form="masked", sum_over=("c",), minimum_count=4, reason=""),
    )


def test_a_masked_sum_names_all_the_sites_it_is_over() -> None:
    got = releases(c="masked", a="masked", b="cells")
    got.groups = [Group(("a", "c"), add([sums("a"), sums("c")]))]
    assert [(f.site, f.sum_over) for f in got.forms()] == [
        ("a", ("a", "c")),
        ("b", ()),
        ("c", ("a", "c")),
    ]


def test_a_masked_site_without_a_sum_has_withheld_its_counts() -> None:
    (row,) = releases(a="masked").forms()
    assert (row.form, row.sum_over) == ("withheld", ())
    (row,) = releases(a="cells").forms()
    assert row.form == "cells"


def test_plain_counts_of_the_sites_own_cases_are_taken() -> None:
    got = SiteReleases()
    got.add_plain("a", summary("a", "plain"), sums("a").to_vector())
    (group,) = got.groups
    assert (group.sites, group.form, group.sums.readers) == (("a",), "plain", ())
    assert (group.sums.to_vector() == sums("a").to_vector()).all()


def test_plain_counts_have_the_readers_calls_of_the_summary_beside_them() -> None:
    got = SiteReleases()
    got.add_plain("a", summary("a", "plain", READERS), sums("a").to_vector())
    (group,) = got.groups
    wanted = sums("a", READERS)
    assert group.sums.readers == READERS
    assert group.sums.reader_calls.tolist() == wanted.reader_calls.tolist()
    assert group.sums.reader_pairs.tolist() == wanted.reader_pairs.tolist()
    assert group.sums.reader_calls.sum() > 0


@pytest.mark.parametrize("name", ["reader_calls", "reader_pairs"])
def test_readers_of_whom_a_part_is_withheld_are_not_counted(name: str) -> None:
    whole = summary("a", "plain", READERS)
    held = {n: v for n, v in whole.sections.items() if n != name}
    got = SiteReleases()
    got.add_plain("a", dataclasses.replace(whole, sections=held), sums("a").to_vector())
    assert got.groups[0].sums.readers == ()
    nobody = dataclasses.replace(whole, readers=())
    got.add_plain("a", nobody, sums("a").to_vector())
    assert got.groups[1].sums.readers == ()


@pytest.mark.parametrize("name", ["patients", "lesions"])
@pytest.mark.parametrize("by", [1, -1])
def test_plain_counts_of_other_cases_than_announced_are_refused(name: str, by: int) -> None:
    its = summary("a", "plain")
    other = dataclasses.replace(its, **{name: getattr(its, name) + by})
    got = SiteReleases()
    with pytest.raises(PayloadError, match="the sums of a are not over the announced patients"):
        got.add_plain("a", other, sums("a").to_vector())
    assert got.groups == []


def test_plain_counts_that_cannot_be_are_refused() -> None:
    vector = sums("a").to_vector().copy()
    vector[0] += 1  # one patient more in the histogram alone
    with pytest.raises(PayloadError, match="the sums of a are impossible"):
        SiteReleases().add_plain("a", summary("a", "plain"), vector)


def test_a_masked_sum_over_the_announced_cases_is_taken() -> None:
    got = releases(c="masked", a="masked", b="cells")
    got.add_masked(masked("a", "c"), ())
    (group,) = got.groups
    assert (group.sites, group.form) == (("a", "c"), "masked")
    assert (group.sums.to_vector() == add([sums("a"), sums("c")]).to_vector()).all()
    assert got.notes == {}


def test_the_readers_of_a_masked_sum_are_those_that_were_asked_for() -> None:
    got = SiteReleases(summaries={s: summary(s, "masked", READERS) for s in "ac"})
    total = add([sums(s, READERS) for s in "ac"]).to_vector()
    got.add_masked(masked("a", "c", total=total), READERS)
    assert got.groups[0].sums.readers == READERS


def test_a_reader_whose_table_would_be_one_site_s_is_not_in_the_report() -> None:
    got = SiteReleases(summaries={s: summary(s, "masked", READERS) for s in "ac"})
    total = add([sums(s, READERS) for s in "ac"])
    found = dataclasses.replace(
        masked("a", "c", total=total.without_readings({("r1",), ("r1", "r2")}).to_vector()),
        totals={"a": (9, 9, 9, 9, 9, 5, 5, 6, 6, 6), "c": (9, 9, 9, 9, 9, 0, 0, 6, 6, 0)},
    )
    got.add_masked(found, READERS)
    (group,) = got.groups
    assert group.sums.readers == ("r2",)
    assert (group.sums.reader_calls[0] == total.reader_calls[1]).all()
    assert group.sums.reader_pairs.shape == (0, 2, 2)
    assert got.remarks() == [
        "No table of r1: in the masked sum it would be that of one site.",
        "No table of r1 and r2: in the masked sum it would be that of one site.",
    ]
    assert releases(a="masked").remarks() == []


def test_no_sum_changes_nothing() -> None:
    got = releases(a="masked", c="masked")
    got.add_masked(MaskedSum(attempts=3, lost={"a": "silent"}), ())
    assert (got.groups, got.notes) == ([], {})


def test_a_sum_with_a_site_whose_figures_are_missing_is_not_used() -> None:
    got = releases(a="masked")
    got.add_masked(masked("a", "b", "c"), ())
    reason = "the sum includes b, c, whose figures are missing"
    assert got.notes == {"a": reason, "b": reason, "c": reason}
    assert got.groups == []


@pytest.mark.parametrize("name", ["patients", "lesions"])
def test_a_sum_of_other_cases_than_announced_is_not_used_and_its_sites_say_so(name: str) -> None:
    got = releases(a="masked", c="masked", b="cells")
    its = got.summaries["c"]
    got.summaries["c"] = dataclasses.replace(its, **{name: getattr(its, name) + 1})
    got.notes = {"b": "its policy"}
    got.add_masked(masked("a", "c"), ())
    reason = "the sums of a, c are not over the announced patients"
    assert got.notes == {"b": "its policy", "a": reason, "c": reason}
    assert got.groups == []


def test_a_sum_of_another_length_is_not_used() -> None:
    got = releases(a="masked", c="masked")
    got.add_masked(masked("a", "c", total=np.zeros(3, np.uint64)), ())
    assert set(got.notes) == {"a", "c"}
    assert got.groups == []


def test_a_new_collection_is_empty_and_its_own() -> None:
    first, second = SiteReleases(), SiteReleases()
    first.notes["a"] = "x"
    assert (second.notes, second.groups, second.missing, second.summaries) == ({}, [], {}, {})
