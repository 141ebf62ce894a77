"""What one place of the report states no other place denies, and a figure has its unit."""

import re
from dataclasses import replace
from html import unescape

import pytest
from hepafed.server.formats import AtPrevalence, BriefAuc, PredictionInterval
from hepafed.server.formats.readers import ReaderNonInferiority
from hepafed.server.report.contents import contents
from hepafed.server.report.drawing.plots import plots
from hepafed.server.report.drawing.site_aucs import forest_plot
from hepafed.server.report.page import missing
from hepafed.server.report.plain_words import weak
from hepafed.server.report.tables import (
    between_sites,
    classes,
    comparisons,
    results,
    utility,
    very_few,
)

from .kinds import ALL, page_of, report_of


def test_a_number_of_cases_that_was_not_released_is_not_0() -> None:
    report = report_of("moved")
    (row,) = between_sites.drift(report).rows
    assert row[:4] == ("Pooled", "Patient: malignant vs benign", "positives", "900")
    assert between_sites.drift(report).note.endswith(" Not compared by themselves: site-1.")
    alone = replace(report, sites=report.sites[:1])
    assert "Not compared" not in between_sites.drift(alone).note


def test_a_mean_of_sites_that_was_not_released_has_that_reason() -> None:
    said = [why for where, why in missing(report_of("two looks")) if "Mean of sites" in where]
    assert said
    assert not any("every class" in why for why in said)


def test_one_interval_has_the_same_ends_in_figure_and_table() -> None:
    report = report_of("huge")
    wide = PredictionInterval(low=0.2, high=0.9996)
    report = replace(
        report,
        heterogeneity=tuple(replace(h, prediction=wide) for h in report.heterogeneity),
    )
    plot, table = forest_plot(report), between_sites.heterogeneity(report)
    assert plot.svg is not None
    words = table.rows[0][table.head.index("95 % prediction interval")][0]  # type: ignore[index]
    assert words == "0.200–0.9996"
    assert f">{words}</text>" in str(plot.svg.wide)


def test_without_a_site_s_own_figures_there_is_no_figure_by_site() -> None:
    plot = forest_plot(report_of("noise"))
    assert plot.svg is None
    assert "no figure of a single site was released" in plot.reason
    assert forest_plot(report_of("huge")).svg is not None


@pytest.mark.parametrize("kind", ["noise", "drowned"])
def test_key_figures_of_noisy_counts_name_the_error_that_the_interval_leaves_out(kind: str) -> None:
    report = report_of(kind)
    (row,) = [r for r in report.results if r.scope == "pooled" and r.unit == "patient"]
    words = unescape(page_of(kind)).replace("\xa0", " ")
    key = words.split('id="key"')[1].split('id="preregistration"')[0]
    said = "The interval of the AUC does not include this." in key
    assert said == (row.auc.value is not None and row.auc.binning_error > 0)


def test_very_few_patients_do_not_say_where_the_model_does_good() -> None:
    for kind in ALL:
        report = report_of(kind)
        said = " ".join(utility.utility_sentences(report))
        if utility.point_benefit(report) is not None:
            assert bool(re.search(r"Acting on the model does", said)) != very_few(report)


@pytest.mark.parametrize(
    ("n", "cells"),
    [
        (100, ("30 %", "44.3 % (40.3–49.1)", "95.8 % (92.6–97.7)")),
        (99, ("30 %", "44 % (40–49)", "96 % (93–98)")),
    ],
)
def test_predictive_values_are_percent_as_finely_as_their_cases_tell(
    n: int, cells: tuple[str, ...]
) -> None:
    report = report_of("huge")
    ends = {"ppv_low": 0.403, "ppv_high": 0.491, "npv_low": 0.926, "npv_high": 0.977}
    stated = AtPrevalence(prevalence=0.3, ppv=0.443, npv=0.958, **ends)
    none = AtPrevalence(prevalence=0.1, ppv=None, npv=0.958)
    (row,) = [r for r in report.results if r.scope == "pooled" and r.unit == "patient"]
    only = replace(report, results=(replace(row, n=n, at_prevalence=(stated, none)),))
    first, second = results.at_prevalence(only).rows
    assert first == cells
    assert second == ("10 %", "–", cells[2].split(" (")[0])


def test_i2_is_percent_in_both_tables_between_sites() -> None:
    report = report_of("no readers")
    left = between_sites.leave_one_out(report_of("huge"))
    assert left.rows
    assert all(re.fullmatch(r"\d+ %", str(r[left.head.index("I²")])) for r in left.rows)
    spread = between_sites.heterogeneity(report)
    assert all(re.fullmatch(r"\d+ %", str(r[spread.head.index("I²")])) for r in spread.rows)


def test_a_pooled_auc_that_is_not_known_without_a_site_has_its_reason() -> None:
    report = report_of("huge")
    first = report.heterogeneity[0]
    why = "the site is part of a masked sum"
    lost = BriefAuc(value=None, low=None, high=None, reason=why)
    (one, *_) = first.leave_one_out
    row = replace(first, leave_one_out=(replace(one, pooled=lost),))
    left = between_sites.leave_one_out(replace(report, heterogeneity=(row,)))
    assert left.rows[0][2] == ("–", why)


def test_a_table_with_small_figures_below_says_what_they_are() -> None:
    report = report_of("registered first")
    for table in (
        results.more_rates(report),
        between_sites.calibration(report),
        classes.multiclass(report),
    ):
        assert "Below a figure: its 95 % interval" in table.note, table.name
    assert "95 % interval and the counts" in classes.by_largest(report).note


def test_a_margin_is_said_to_be_used_for_more_than_its_endpoint_where_there_is_one() -> None:
    report = report_of("registered first")
    assert not any(r.non_inferiority for r in report.readers)
    assert "no margin was stated" in comparisons.readers(report).note
    assert "is exploratory" not in comparisons.readers(report).note
    held = ReaderNonInferiority(margin=0.1, sensitivity=True, specificity=False, why="")
    judged = replace(
        report, readers=(report.readers[0], replace(report.readers[1], non_inferiority=held))
    )
    assert "every reader and for both rates" in comparisons.readers(judged).note
    assert "no margin was stated" not in comparisons.readers(judged).note


def test_without_any_figure_of_a_subgroup_the_first_page_says_so() -> None:
    report = report_of("refused subgroups")
    none = replace(report, subgroups=())
    assert weak.subgroups_withheld(none).startswith("No figure of a subgroup is known.")
    known = [g for g in report.subgroups if g.sensitivity.value is not None]
    assert weak.subgroups_withheld(report).startswith(
        "Figures of subgroups are incomplete." if known else "No figure of a subgroup is known."
    )


def test_a_pooled_subgroup_names_its_sites_where_they_are_not_all() -> None:
    report = report_of("score table")
    (first, *_) = [g for g in report.subgroups if g.scope == "pooled"]
    sites = tuple(s.site for s in report.sites)
    for of, said in ((sites, ""), (sites[:2], f"only {', '.join(sites[:2])}")):
        row = replace(first, released_by=of)
        table = between_sites.subgroups(replace(report, subgroups=(row,)))
        where = table.rows[0][1]
        assert where == (("Pooled", said) if said else "Pooled")


def test_an_empty_part_of_the_provenance_is_none() -> None:
    report = report_of("huge")
    report = replace(report, provenance=replace(report.provenance, missing_sites={}))
    parts = contents(report, plots(report), ())
    rows = dict(
        r for p in parts for i in p.items if getattr(i, "name", "") == "origin" for r in i.rows
    )  # type: ignore[union-attr]
    assert rows["Missing sites"] == "none"
