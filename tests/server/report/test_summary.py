"""The terminal says what the page says: made-up data, late registration, one site."""

import re

from hepafed.server.report.plain_words import decides_nothing, first_page
from hepafed.server.report.summary import summary_lines

from .kinds import ALL, report_of


def test_one_site_is_one_site() -> None:
    assert summary_lines(report_of("one site"))[0].startswith("of 1 site ")
    assert summary_lines(report_of("two looks"))[0].startswith("pooled over 3 sites ")


def test_made_up_data_are_named_first_and_only_where_they_are() -> None:
    for kind in ALL:
        first = summary_lines(report_of(kind))[0]
        assert first.startswith("Made-up data") == (kind == "synthetic")


def test_a_late_verdict_is_exploratory_and_an_early_one_is_not() -> None:
    late = summary_lines(report_of("two looks"))
    assert "the verdicts are exploratory: registered after look 1 (2026-02-22)" in late
    (verdict,) = [line for line in late if line.startswith("  primary")]
    assert verdict.endswith("met (exploratory)")
    assert late[-1] == "look 2 of this model at some of these sites"
    early = "\n".join(summary_lines(report_of("registered first")))
    assert "exploratory" not in early
    assert "look" not in early


def test_pictures_are_not_called_lesions() -> None:
    text = "\n".join(summary_lines(report_of("key images")))
    assert "lesion" not in text
    assert "image: benign vs rest" in text


def test_an_auc_has_as_many_places_as_on_the_page() -> None:
    for kind in ("one site", "huge"):
        report = report_of(kind)
        text = " ".join(said for _, part in first_page(report) for said in part)
        (value,) = re.findall(r"AUC (\d\.\d+) \(", text)
        (line,) = [s for s in summary_lines(report) if s.startswith("patient: malignant")]
        assert f" {value} (" in line


def test_few_patients_decide_nothing_on_the_terminal_as_on_the_page() -> None:
    for kind in ALL:
        said = decides_nothing(report_of(kind))
        assert (said in summary_lines(report_of(kind))) == bool(said), kind
    assert any("decide nothing" in line for line in summary_lines(report_of("fourteen patients")))
