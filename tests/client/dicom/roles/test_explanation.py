"""How the sequence of a series is explained, rule by rule, without a value of its files."""

from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.roles.explanation import explain
from hepafed.client.dicom.roles.overrides import Overrides, overrides_of
from hepafed.client.dicom.roles.series import volumes_of
from hepafed.client.dicom.volumes.volume import Grouped

from tests.client.dicom.slices import DWI, T1, run

BROKEN = (0.0, 3.0, 9.0)
"""Places with one missing between."""


def own(sequence: str, **match: object) -> Overrides:
    return overrides_of({"series": [{"sequence": sequence, "match": match}]})


def dynamic() -> list[Header]:
    return [
        h
        for n, t in enumerate((0.0, 60.0, 100.0, 200.0))
        for h in run(**T1, series=f"D{n}", acquired=t, contrast=n > 0)
    ]


def direction(*d: float) -> list[Header]:
    return run(**DWI, series="W", b_value=800.0, direction=d)


def test_explain_shows_for_each_stack_the_trail_to_its_rule_and_its_phase() -> None:
    found = explain(dynamic()[::-1], "D2")
    assert found[0] == "a volume of 3 slices:"
    assert found[1] == "  localizer: no (image type: LOCALIZER)"
    assert found[-3:] == [
        "  t1: applies, t1: a short echo and repetition time",
        "  portal-by-time: applies, portal: the time since the first enhanced stack",
        "  certainty: 0.50",
    ]


def test_explain_names_the_first_test_that_failed() -> None:
    found = explain(run(series="Q"), "Q")
    assert "  t2-star: no (gradient echo, no spin echo)" in found
    assert found[-2] == "  t2: applies, t2: a long echo and repetition time"


def test_explain_speaks_of_one_series_only_and_knows_the_sites_rules() -> None:
    slices = [*run(series="A"), *run(series="B", **T1)]
    found = explain(slices, "A", own("adc", echo_time=90))
    assert found == [
        "a volume of 3 slices:",
        "  site-1: applies, adc: the site's own sequences.toml",
        "  certainty: 1.00",
    ]


def test_explain_tells_what_is_set_aside_and_what_no_rule_wants() -> None:
    aside = explain(run(series="A", description="mrcp"), "A")
    assert aside[-1] == "  mrcp-words: applies, set aside: a cholangiogram (MRCP)"
    none = explain(run(series="A", echo_time=35.0), "A")
    assert none[-1] == "  no rule applies: set aside"


def test_explain_tells_what_made_no_volume() -> None:
    found = explain(run(places=BROKEN, series="A"), "A")
    assert found == ["not a volume: 3 slices: the slices are not evenly spaced"]


def test_explain_uses_what_was_grouped_already() -> None:
    slices = dynamic()
    unknown = explain(slices, "D1", grouped=Grouped())
    assert unknown[-1].startswith("  t1: applies, t1")
    known = explain(slices, "D1", grouped=volumes_of(slices))
    assert known[-2].startswith("  arterial-by-time: applies, arterial")


def test_explain_tells_the_stacks_of_a_mean_of_directions_one_by_one() -> None:
    found = explain([*direction(1.0, 0.0, 0.0), *direction(0.0, 1.0, 0.0)], "W")
    assert found.count("a volume of 3 slices:") == 2
    assert found.count("  b-value: applies, dwi: a b-value above 0") == 2


def test_explain_tells_what_speaks_against_a_role() -> None:
    found = explain(run(series="A", description="t1 vibe"), "A")
    assert found[-2:] == ["  certainty: 0.45", "  against: its description says t1"]


def test_explain_tells_why_a_t1_series_has_no_phase() -> None:
    slices = [h for n in (1, 2) for h in run(**T1, series=f"D{n}")]
    why = "  phase not told: nothing says in which order the T1 series were acquired"
    assert explain(slices, "D1")[-1] == why
