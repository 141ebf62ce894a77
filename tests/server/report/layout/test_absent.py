"""A section without any figure is one line with its reason; one with a figure is whole."""

import re

import pytest
from hepafed.server.report.contents import contents
from hepafed.server.report.drawing import plots
from hepafed.server.report.layout import absent_sections
from hepafed.server.report.page import ABSENT, sentences

from tests.server.report.kinds import page_of, report_of

SOME = ("one site", "two looks", "withheld", "noise", "no readers", "score table")


def gone(kind: str) -> dict[str, str]:
    report = report_of(kind)
    return dict(absent_sections(report, contents(report, plots(report), ())))


def shown(kind: str) -> dict[str, str]:
    page = page_of(kind)
    found = re.findall(r'<section aria-labelledby="(\w+)"[^>]*>(.*?)</section>', page, re.DOTALL)
    return dict(found)


def test_counts_with_noise_leave_only_pooled_rates_and_aucs() -> None:
    assert set(gone("noise")) == {
        "heterogeneity", "calibration", "utility", "readers", "subgroups", "confusion",
    }  # fmt: skip
    assert gone("noise")["utility"] == "Counts with noise do not give these figures."


def test_one_site_has_nothing_between_sites_and_says_why() -> None:
    assert "heterogeneity" in gone("one site")
    assert "site" in gone("one site")["heterogeneity"]
    assert "heterogeneity" not in gone("no readers")


def test_readers_and_subgroups_say_what_is_not_there() -> None:
    assert gone("no readers")["readers"] == (
        "No reader's calls were released. No other model was compared on these cases."
    )
    assert gone("no readers")["subgroups"] == "No figure by subgroup was asked for."
    assert gone("refused subgroups")["subgroups"].startswith("Figures by subgroup were asked for")
    assert "readers" not in gone("two looks")


@pytest.mark.parametrize("kind", SOME)
def test_a_section_without_figures_is_one_paragraph_and_others_have_a_figure(kind: str) -> None:
    found, texts = gone(kind), shown(kind)
    for section in ("discrimination", "rates", "calibration", "utility", "readers", "subgroups"):
        text = texts[section]
        if section in found:
            assert text.count("<p") == 1
            assert ABSENT in text
            assert "<table" not in text
            assert "<figure" not in text
        else:
            assert "<td" in text or "<svg" in text
            assert ABSENT not in text


@pytest.mark.parametrize("kind", SOME)
def test_the_reason_is_a_sentence_and_the_word_document_has_it(kind: str) -> None:
    said = sentences(report_of(kind))
    for section, why in gone(kind).items():
        assert re.fullmatch(r"[A-Z].*\.", why)
        assert "[a]" not in why
        assert said[section] == [("", f"{ABSENT} {why}")]
