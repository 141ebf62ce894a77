"""Figures, intervals and bounds in words: minus signs, dashes, and nothing where there is none."""

import pytest
from hepafed.server.formats import (
    AucEstimate,
    BriefAuc,
    ClusteredInterval,
    CoveringInterval,
    HeterogeneityRow,
    IntervalEstimate,
    LogitInterval,
    PatientInterval,
    RateEstimate,
)
from hepafed.server.report.tables.table import estimate
from hepafed.server.report.tables.words import (
    bound,
    figure,
    interval,
    mean_of_sites,
    number,
    preferred,
)


def auc(error: float = 0.0, clustered: ClusteredInterval | None = None) -> AucEstimate:
    return AucEstimate(
        value=0.9,
        low=0.85,
        high=0.95,
        method="delong",
        binning_error=error,
        clustered=clustered,
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (1234567, "1,234,567"),
        (0.12345, "0.123"),
        (-0.12345, "−0.123"),
        (-0.0004, "−0.0004"),
        (0.0004, "0.000"),
        (-1e-17, "0.000"),
        (-0.0, "0.000"),
        (True, "True"),
        ("text", "text"),
    ],
)
def test_a_number_has_three_places_and_a_real_minus(value: object, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.2, "0.100–0.200"),
        (0.0, 0.2, "0.000–0.200"),
        (-0.1, 0.2, "−0.100 to 0.200"),
        (None, 0.2, ""),
        (0.1, None, ""),
    ],
)
def test_an_interval_with_a_negative_end_has_no_dash(
    low: float | None, high: float | None, words: str
) -> None:
    assert interval(IntervalEstimate(value=0.1, low=low, high=high)) == words


def test_a_figure_without_a_value_is_a_dash_whatever_its_interval() -> None:
    assert figure(None) == "–"
    assert figure(IntervalEstimate(value=None, low=0.1, high=0.2)) == "–"
    assert figure(IntervalEstimate(value=0.15, low=0.1, high=0.2)) == "0.150 (0.100–0.200)"


@pytest.mark.parametrize(
    ("error", "words"),
    [(0.0, "0"), (0.001, "±0.001"), (0.00099, "±9.9 × 10⁻⁴"), (3.2e-5, "±3.2 × 10⁻⁵")],
)
def test_a_bound_below_a_thousandth_is_a_power_of_ten(error: float, words: str) -> None:
    assert bound(auc(error)) == words


def test_the_clustered_interval_is_preferred_where_it_has_ends() -> None:
    assert preferred(auc()).low == 0.85
    ends = preferred(auc(clustered=ClusteredInterval(low=0.8, high=0.97)))
    assert (ends.value, ends.low, ends.high) == (0.9, 0.8, 0.97)
    assert preferred(auc(clustered=ClusteredInterval(low=None, high=None))).low == 0.85


def test_every_auc_is_written_with_the_interval_that_covers() -> None:
    logit = LogitInterval(low=0.75, high=0.93)
    patient = AucEstimate(
        value=0.9, low=0.85, high=0.95, method="delong", binning_error=0.0, logit=logit
    )
    clustered = ClusteredInterval(low=0.8, high=0.97, logit=LogitInterval(low=0.66, high=0.94))
    lesion = AucEstimate(
        value=0.9,
        low=0.85,
        high=0.95,
        method="delong",
        binning_error=0.0,
        logit=logit,
        clustered=clustered,
    )
    chosen = CoveringInterval(low=0.6, high=0.96, method="logit", decides=True)
    brief = BriefAuc(value=0.9, low=0.85, high=0.95, covering=chosen)
    for found, ends in ((patient, "0.750–0.930"), (lesion, "0.660–0.940"), (brief, "0.600–0.960")):
        assert figure(found) == f"0.900 ({ends})"
        assert estimate(found) == ("0.900", ends)


def test_an_auc_whose_interval_has_no_width_is_written_without_one() -> None:
    perfect = AucEstimate(value=1.0, low=1.0, high=1.0, method="delong", binning_error=0.0)
    assert figure(perfect) == "1.000"
    assert estimate(perfect) == ("1.000", "the interval is degenerate: the AUC has no variance")


def test_a_mean_of_sites_is_written_with_the_interval_that_covers() -> None:
    chosen = CoveringInterval(
        low=0.7, high=0.95, method="hartung-knapp-sidik-jonkman", decides=True
    )
    row = HeterogeneityRow(
        unit="patient",
        task="malignant_vs_benign",
        sites=3,
        method="dersimonian-laird",
        value=0.9,
        low=0.85,
        high=0.93,
        covering=chosen,
    )
    assert figure(mean_of_sites(row)) == "0.900 (0.700–0.950)"


def lesion_rate(clustered: PatientInterval | None) -> RateEstimate:
    return RateEstimate(
        value=0.7, low=0.6, high=0.8, numerator=7, denominator=10, clustered=clustered
    )


def test_a_rate_of_lesions_is_written_with_the_interval_between_patients() -> None:
    wide = PatientInterval(low=0.5, high=0.85, method="rao-scott")
    assert figure(lesion_rate(wide)) == "70 % (50–85)"
    assert figure(lesion_rate(None)) == "70 % (60–80)"
    kappa = IntervalEstimate(
        value=0.4, low=0.3, high=0.5, clustered=PatientInterval(low=-0.1, high=0.7, method="score")
    )
    assert figure(kappa) == "0.400 (−0.100 to 0.700)"


def test_a_cell_tells_the_remark_on_an_interval_or_why_there_is_none() -> None:
    unsure = PatientInterval(low=0.5, high=0.85, method="rao-scott", reason="few patients")
    assert estimate(lesion_rate(unsure)) == ("70 %", "50–85 %; 7/10; few patients")
    none = PatientInterval(low=None, high=None, method="rao-scott", reason="withheld")
    assert estimate(lesion_rate(none)) == ("70 %", "7/10; withheld")
    assert estimate(lesion_rate(None)) == ("70 %", "60–80 %; 7/10")


def test_a_figure_without_an_interval_says_why() -> None:
    why = "fewer than two of a class: no interval"
    bare = AucEstimate(
        value=0.99, low=None, high=None, method="delong", binning_error=0.0, reason=why
    )
    assert estimate(bare) == ("0.990", why)
    assert estimate(IntervalEstimate(value=0.5, low=None, high=None, reason=why)) == ("0.500", why)
    assert estimate(auc())[1] == "0.850–0.950"


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (0.912, 0.999, "0.91–0.999"),
        (0.003, 0.11, "0.003–0.11"),
        (0.8, 0.996, "0.80–0.996"),
        (0.8, 1.0, "0.80–1.00"),
        (1.002, 1.3, "1.002–1.30"),
        (-0.2, -0.001, "−0.20 to −0.001"),
        (-0.2, 0.0, "−0.20 to 0.00"),
        (0.8, 1 - 1e-9, "0.80–1.00"),
    ],
)
def test_whether_0_or_1_lies_in_an_interval_can_be_seen(
    low: float, high: float, written: str
) -> None:
    assert interval(IntervalEstimate(value=None, low=low, high=high), 2) == written
