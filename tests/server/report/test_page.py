"""Sentences of the page stand only in the reports of which they are true."""

import functools
import re

import pytest
from hepafed.server.report.facts import exploratory
from hepafed.server.report.page import missing, sentences
from hepafed.server.report.plain_words import decides_nothing, first_page

from .kinds import ALL, page_of, report_of
from .test_write import Page


@functools.cache
def words_of(kind: str) -> str:
    return " ".join(" ".join(Page(page_of(kind)).words).split())


def test_only_made_up_data_have_a_banner_and_a_watermark() -> None:
    for kind in ALL:
        page = page_of(kind)
        assert ("Made-up data." in page) == (kind == "synthetic")
        assert ('<body class="synthetic">' in page) == (kind == "synthetic")


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        (
            ", before any score existed.",
            {"registered first", "absent site", "strong", "rehearsal", "goal missed"},
        ),
        ("This is not before any score existed", {"two looks", "too extreme"}),
        ("met (exploratory)", {"two looks", "too extreme"}),
        ("every site that was asked answered", {"complete"}),
        ("It was set when this report was made.", {"score table"}),
        ("Earlier analyses of the table are not counted.", {"score table"}),
        ("The table has no reader's calls.", set()),
        ("This report knows of no registered analysis plan.", {"score table"}),
        ("was released. The report cannot", set()),
        ("Groups are those of the table of scores.", {"score table"}),
        ("Groups are those that the sites' policies share", set()),
        ("Figures by subgroup were asked for, and none was released.", {"refused subgroups"}),
    ],
)
def test_a_sentence_of_the_page_stands_where_it_is_true(sentence: str, kinds: set[str]) -> None:
    assert {k for k in ALL if sentence in words_of(k)} == kinds


def test_no_subgroup_asked_for_is_not_said_after_a_refusal() -> None:
    assert "No figure by subgroup was asked for." in words_of("two looks")
    assert "No figure by subgroup was asked for." not in words_of("refused subgroups")


@pytest.mark.parametrize("kind", ALL)
def test_one_site_is_never_called_sites(kind: str) -> None:
    assert not re.search(r"\b1 (sites|patients|lesions|images|items)\b", words_of(kind))


@pytest.mark.parametrize("kind", ALL)
def test_all_is_there_only_where_nothing_is_missing(kind: str) -> None:
    report = report_of(kind)
    noise = "Every figure that counts with noise allow could be computed" in words_of(kind)
    there = "Every AUC and every rate could be computed" in words_of(kind) or noise
    assert noise == (there and report.noise is not None)
    assert there == (not missing(report) and not report.suppressed)


def test_captions_name_random_effects_only_where_they_are_drawn() -> None:
    for kind in ALL:
        page = page_of(kind)
        spread = [h for h in report_of(kind).heterogeneity if h.unit == "patient"]
        drawn = any(h.value is not None for h in spread)
        caption = re.search(r"Diamonds: ways of averaging \(([^)]*)\)", page)
        assert ("random effects" in caption[1] if caption else False) == drawn, kind


def test_of_key_images_no_part_of_the_page_but_the_card_speaks_of_lesions() -> None:
    page = page_of("key images")
    before_card = page.split('<section aria-labelledby="card"')[0]
    words = " ".join(Page(before_card.split("<body", 1)[1]).words)
    found = {s.strip() for s in re.findall(r"[^.\n]*\blesions?\b[^.\n]*", words)}
    assert {f for f in found if "malignant lesion" not in f} == set()


@pytest.mark.parametrize("kind", ALL)
def test_the_word_document_has_the_first_page_and_says_what_was_registered(kind: str) -> None:
    report = report_of(kind)
    said = sentences(report)
    assert [s for _, s in said["plain"]] == [s for _, part in first_page(report) for s in part]
    assert {h for h, _ in said["plain"] if h} == {h for h, part in first_page(report) if part}
    words = " ".join(s for _, s in said["preregistration"])
    assert bool(words) == bool(report.evaluation or report.look or report.provenance.run)
    assert ("exploratory" in words) == bool(
        (report.provenance.run and not report.evaluation) or exploratory(report)
    )


@pytest.mark.parametrize("kind", ALL)
def test_what_is_missing_is_one_line_for_a_reason_and_its_places(kind: str) -> None:
    found = missing(report_of(kind))
    assert len(found) == len(set(found))
    for site in report_of(kind).sites:
        assert sum(site.site in where for where, _ in found) <= len({why for _, why in found})


def test_every_missing_figure_is_named_with_its_place_and_task() -> None:
    found = {why: where for where, why in missing(report_of("withheld"))}
    for where in found.values():
        assert "of “" in where
    released = {why: where for where, why in missing(report_of("registered first"))[:1]}
    assert released == {
        "not released: with masked sums only the total over all sites is known": "site-1, site-2 "
        "and site-3: "
        "AUC, sensitivity, specificity, PPV, NPV and accuracy of “Patient: malignant vs benign”, "
        "“Lesion: benign vs rest”, “Lesion: primary malignant vs rest” and “Lesion: metastatic vs "
        "rest”; AUC of “Lesion: macro, one vs rest”"
    }


@pytest.mark.parametrize("kind", ALL)
def test_of_one_site_there_is_no_mean_of_the_sites_and_no_curve_of_all_sites(kind: str) -> None:
    words = words_of(kind)
    if len(report_of(kind).sites) == 1:
        assert "Mean of sites" not in words
        assert "plain mean of the sites" not in words
        assert "patients of all sites" not in words.split("Methods", 1)[0]


def test_the_card_says_on_what_the_model_was_trained_and_whether_that_is_made_up() -> None:
    for kind, made_up in (("synthetic", True), ("registered first", False)):
        words = words_of(kind).split("What the card states")[-1]
        assert "trained on 860 images of 3 sites" in words
        assert ("The plan says that they are made up (synthetic = true)." in words) == made_up
        assert ("The plan does not say that they are made up." in words) != made_up


def test_the_key_figures_say_that_few_patients_decide_nothing() -> None:
    for kind in ALL:
        words = words_of(kind).split("Malignant versus benign per patient")[-1]
        said = decides_nothing(report_of(kind))
        assert not said or said in words, kind
    assert words_of("fourteen patients").count("14 patients (13 malignant, 1 benign) decide") == 2
