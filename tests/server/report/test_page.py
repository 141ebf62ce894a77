"""Sentences of the page stand only in the reports of which they are true."""

import re

import pytest
from hepafed.server.report.facts import exploratory
from hepafed.server.report.page import missing, render, sentences
from hepafed.server.report.plain_words import first_page

from .kinds import ALL, report_of
from .test_write import Page


def words_of(kind: str) -> str:
    return " ".join(" ".join(Page(render(report_of(kind))).words).split())


def test_only_made_up_data_have_a_banner_and_a_watermark() -> None:
    for kind in ALL:
        page = render(report_of(kind))
        assert ("Made-up data." in page) == (kind == "synthetic")
        assert ('<body class="synthetic">' in page) == (kind == "synthetic")


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        (", before any score existed.", {"registered first", "absent site", "strong"}),
        ("This is not before any score existed", {"two looks", "too extreme"}),
        ("met (exploratory)", {"two looks", "too extreme"}),
        ("every site that was asked answered", {"complete"}),
        ("It was set when this report was made.", {"score table"}),
        ("Earlier analyses of the table are not counted.", {"score table"}),
        ("The table has no reader's calls.", set()),
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
        page = render(report_of(kind))
        spread = [h for h in report_of(kind).heterogeneity if h.unit == "patient"]
        drawn = any(h.value is not None for h in spread)
        caption = re.search(r"Diamonds: ways of averaging \(([^)]*)\)", page)
        assert ("random effects" in caption[1] if caption else False) == drawn, kind


def test_of_key_images_no_part_of_the_page_but_the_card_speaks_of_lesions() -> None:
    page = render(report_of("key images"))
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
