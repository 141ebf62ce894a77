"""What the model was trained on is said as its card states it, and not known where it does not."""

from dataclasses import replace

from hepafed.server.formats import Report
from hepafed.server.report.plain_words.trained import (
    input_sequences,
    trained_on,
    training_not_known,
    training_rows,
)

from tests.server.report.kinds import report_of


def with_examples(kind: str, examples: dict[str, int]) -> Report:
    report = report_of(kind)
    card = report.model.card
    assert card is not None
    model = replace(report.model, card=replace(card, training_examples=examples))
    return replace(report, model=model)


def test_images_are_added_over_the_sites_that_gave_some() -> None:
    report = with_examples("registered first", {"c": 1200, "a": 1, "b": 0})
    assert trained_on(report) == (
        "The model was trained on 1,201 images of 2 sites: a (1) and c (1,200). The sites stated "
        "these numbers. The number of patients is not recorded."
    )
    one = with_examples("synthetic", {"a": 1})
    assert "on 1 image of 1 site: a (1). " in trained_on(one)
    assert "These data were made up." in trained_on(one)


def test_without_images_of_a_site_the_training_is_not_known() -> None:
    for examples in ({}, {"a": 0}):
        report = with_examples("registered first", examples)
        assert trained_on(report) == ""
        assert training_rows(report)[0] == ("Trained on", training_not_known(report))
        assert training_not_known(report) != ""


def test_of_a_rehearsal_no_site_is_said_to_have_trained() -> None:
    rows = dict(training_rows(report_of("rehearsal")))
    assert rows["Trained on"].startswith("No site trained the model.")


def test_the_sequences_are_those_of_the_protocol_in_words() -> None:
    report = report_of("registered first")
    assert input_sequences(report).endswith("the MR sequence T2, as the sites named it.")
    enhanced = replace(report, model=replace(report.model, protocol="enhanced"))
    assert input_sequences(enhanced).endswith(
        "the MR sequences T1 before contrast, arterial phase, portal phase and delayed phase, as "
        "the sites named them."
    )
    assert input_sequences(replace(report, model=replace(report.model, protocol="x"))) == ""
