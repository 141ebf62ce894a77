"""What was left out is added up over the sites, and noise is said as what it bounds."""

import math
import re
from dataclasses import replace

import pytest
from hepafed.common.contract import CohortOrigin, LeftOut
from hepafed.server.formats import Report
from hepafed.server.report.plain_words.tested import from_volumes, left_out, noise_added

from tests.server.report.kinds import report_of


def stating(*parts: LeftOut) -> Report:
    """Return a report of whose sites each states one part."""
    report = report_of("two looks")
    sites = [
        replace(s, origin=CohortOrigin(sources=("dicom",), left_out=(p,)))
        for s, p in zip(report.sites, parts, strict=False)
    ]
    return replace(report, sites=tuple(sites))


def part(patients: int | None, lesions: int | None, reason: str = "excluded") -> LeftOut:
    return LeftOut(reason=reason, patients=patients, lesions=lesions)


def test_counts_of_one_reason_are_added_up() -> None:
    said = left_out(stating(part(7, 9), part(0, 5), part(0, 0)))
    assert said == "Not tested: 14 lesions (excluded by the site; 7 patients had no other)."


def test_a_withheld_count_is_named_beside_the_others_and_not_counted() -> None:
    said = left_out(stating(part(0, 5), part(None, None), part(None, None, "unreadable")))
    assert said == (
        "Not tested: a number that is withheld by site-3 (no sequence could be read); 5 lesions "
        "(excluded by the site); a number that is withheld by site-2 (excluded by the site)."
    )


def test_where_nothing_was_left_out_nothing_is_said() -> None:
    assert left_out(stating(part(0, 0), part(0, 0))) == ""


def test_epsilon_is_said_as_the_factor_on_the_odds_that_it_bounds() -> None:
    """Site 1 promises ε = 1 and δ = 10⁻⁵, site 2 ε = 2.5 and δ = 10⁻⁶; the deviation is 2."""
    said = noise_added(report_of("noise"))
    assert "2.0 patients up or down (standard deviation)" in said
    assert "changes the odds that the patient is in the data by a factor of at most e^ε" in said
    assert "δ is the small part of the chance for which this limit is not promised" in said
    assert "intervals include the noise" in said
    for site, epsilon, delta in (("site-1", 1.0, "10⁻⁵"), ("site-2", 2.5, "10⁻⁶")):
        found = re.search(rf"{site}: ε = (\S+), e\^ε = (\S+), δ = ([^;.]+)", said)
        assert found is not None
        assert float(found[1]) == epsilon
        assert float(found[2]) == pytest.approx(math.exp(epsilon), rel=5e-3)
        assert found[3] == delta


def test_epsilon_is_not_called_a_chance_nor_said_to_be_of_all_answers() -> None:
    said = noise_added(report_of("noise"))
    for never in ("cannot be", "no one can", "anonymous", "guarantee", "probability", "private"):
        assert never not in said, never


def test_of_each_site_the_epsilon_and_delta_of_its_own_promise_are_said() -> None:
    report = report_of("noise")
    assert report.noise is not None
    first, second = report.noise.sites
    other = replace(report.noise, variance=6.25, sites=(replace(first, epsilon=0.3, delta=2.5e-7),))
    said = noise_added(replace(report, noise=other))
    assert "2.5 patients up or down" in said
    assert "site-1: ε = 0.3, e^ε = 1.35, δ = 2.5 × 10⁻⁷." in said
    assert second.site not in said


def test_each_source_of_volumes_begins_a_sentence_with_its_sites() -> None:
    report = report_of("two looks")
    sources = (("lld-mmri",), ("dicom",), ("key-images",))
    sites = [
        replace(s, origin=CohortOrigin(sources=x))
        for s, x in zip(report.sites, sources, strict=True)
    ]
    assert from_volumes(replace(report, sites=tuple(sites))) == (
        "Lesions were cropped from volumes. DICOM volumes: site-2. "
        "Volumes of the LLD-MMRI layout: site-1."
    )
