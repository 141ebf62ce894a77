"""Where the model helps is read off the decision curve, harm at the threshold off the counts."""

from hepafed.server.report.plain_words.risks import harm_at_threshold

from tests.server.report.kinds import KINDS


def test_a_threshold_at_which_the_model_is_the_best_is_not_called_harmful() -> None:
    assert harm_at_threshold(KINDS["huge"]()) == ""
