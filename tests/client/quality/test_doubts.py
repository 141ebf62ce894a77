"""What speaks against a sequence is a finding, and the least certain comes first."""

from dataclasses import replace

from hepafed.client.quality.doubts import doubts

from tests.client.stores import acquisition


def test_a_sequence_that_something_speaks_against_is_a_finding_the_least_certain_first() -> None:
    made = [
        replace(acquisition(e, "p", s), certainty=c, doubts=d)
        for e, s, c, d in (
            ("e1", "t2", 0.45, "its description says t1"),
            ("e2", "portal", 0.5, ""),
            ("e3", "dwi", 0.225, "its b-value is not known; its description says t2"),
            ("e4", "adc", None, ""),
        )
    ]
    found = list(doubts(made))
    assert [(f.kind, f.where, f.text) for f in found] == [
        (
            "doubt",
            "examination e3",
            "dwi: its b-value is not known; its description says t2 (certainty 0.23)",
        ),
        ("doubt", "examination e1", "t2: its description says t1 (certainty 0.45)"),
    ]
    assert all("least_certainty" in f.hint for f in found)
