"""A validation that is asked for is held to its evaluation, and the evaluation to the models."""

import pytest
from hepafed.common.contract.evaluation import evaluation_from
from hepafed.common.errors import RefusedError
from hepafed.server.validation.preregistration import Asked, fitting, questions

from tests.server.promises import CARD, card_of, promise


def test_an_evaluation_of_another_model_is_refused() -> None:
    with pytest.raises(RefusedError, match="another model"):
        fitting(Asked(model="m", evaluation=promise("cd" * 32)), CARD)


def test_an_evaluation_with_another_operating_point_is_refused() -> None:
    assert fitting(Asked(model="m", evaluation=promise(more="operating_point = 0.4123\n")), CARD)
    with pytest.raises(RefusedError, match="locked"):
        fitting(Asked(model="m", evaluation=promise(more="operating_point = 0.5\n")), CARD)


def test_sites_and_split_beside_an_evaluation_must_be_its_own() -> None:
    with pytest.raises(RefusedError, match="cohorts"):
        fitting(Asked(model="m", sites=("external-1",), evaluation=promise()), CARD)
    with pytest.raises(RefusedError, match="split"):
        fitting(Asked(model="m", split="test", evaluation=promise()), CARD)


def test_cohorts_and_wait_come_from_the_evaluation() -> None:
    made = fitting(Asked(model="m", evaluation=promise()), CARD)
    assert (made.sites, made.wait) == (("external-1", "external-2"), 600)


def test_models_to_compare_with_are_named_by_digest_and_must_be_known() -> None:
    known = [CARD, card_of("t2-dwi", "cd" * 32)]
    text = promise(more=f'against = ["{"cd" * 32}"]\n')
    assert fitting(Asked(model="t2", evaluation=text), CARD, known).against == ("t2-dwi",)
    with pytest.raises(RefusedError, match="no model with the digest cdcdcdcdcdcd"):
        fitting(Asked(model="t2", evaluation=text), CARD, known[:1])
    with pytest.raises(RefusedError, match="--against"):
        fitting(Asked(model="t2", against=("t1",), evaluation=text), CARD, known)


@pytest.mark.parametrize(
    "endpoint",
    [
        'against = "t2-typo"\nmargin = 0.05',
        f'figure = "sensitivity"\nagainst = "{"cd" * 32}"\nmargin = 0.1',
    ],
)
def test_an_endpoint_against_what_will_not_be_compared_is_refused(endpoint: str) -> None:
    known = [CARD, card_of("t2-dwi", "cd" * 32)]
    text = promise(more=f'against = ["{"cd" * 32}"]\n') + f"[[endpoints]]\n{endpoint}\n"
    with pytest.raises(RefusedError, match="is not part of this validation"):
        fitting(Asked(model="t2", evaluation=text), CARD, known)


def test_a_margin_against_a_model_is_for_its_pair_and_task_alone() -> None:
    cards = [card_of("t2-dwi", "cd" * 32)]
    text = promise(more=f'against = ["{"cd" * 32}"]\n') + (
        f'[[endpoints]]\nagainst = "{"cd" * 32}"\nmargin = 0.05\n'
        '[[endpoints]]\nfigure = "sensitivity"\nagainst = "reader_a"\nmargin = 0.15\n'
    )
    asked = questions(evaluation_from(text), CARD, cards)
    assert asked.margin == 0.15
    assert asked.model_margins == {("t2-dwi", "patient", "malignant_vs_benign"): 0.05}
