"""What an evaluation leaves open stays as asked; what it says must be what was asked."""

from dataclasses import replace

import pytest
from hepafed.common.contract import Cells
from hepafed.common.contract.evaluation import evaluation_from
from hepafed.common.errors import RefusedError
from hepafed.common.statistics import intervals_of
from hepafed.server.formats import ModelCard, TuningScores
from hepafed.server.validation.preregistration import Asked, fitting, questions

from tests.server.promises import CARD, card_of, promise

LOCKED = CARD.operating_point.threshold
OTHER = card_of("t2-dwi", "cd" * 32)
THIRD = card_of("enhanced", "ef" * 32)
BOTH = f'against = ["{"ef" * 32}", "{"cd" * 32}"]\n'


def fit(more: str = "", models: tuple[ModelCard, ...] = (), **asked: object) -> Asked:
    return fitting(Asked(model="m", evaluation=promise(more=more), **asked), CARD, models)  # type: ignore[arg-type]


def test_without_an_evaluation_the_request_stays_as_it_was() -> None:
    asked = Asked(model="m", against=("n",), sites=("b",), split="test", wait=3, subgroups=("x",))
    assert fitting(asked, CARD, [OTHER]) == asked
    bare = Asked(model="m")
    assert (bare.split, bare.wait, bare.sites, bare.against) == ("external", 0.0, (), ())


def test_an_operating_point_is_that_of_the_card_to_one_in_ten_thousand() -> None:
    fit(f"operating_point = {LOCKED + 0.9e-4:.8f}\n")
    fit(f"operating_point = {LOCKED - 0.9e-4:.8f}\n")
    for off in (1.1e-4, -1.1e-4):
        with pytest.raises(RefusedError, match=r"the operating point is locked at 0\.412346"):
            fit(f"operating_point = {LOCKED + off:.8f}\n")


def test_a_refusal_names_both_digests() -> None:
    with pytest.raises(RefusedError) as e:
        fitting(Asked(model="name", evaluation=promise("cd" * 32)), CARD)
    assert "name has the digest abababababab…, the evaluation says cdcdcdcdcdcd…" in str(e.value)


def test_sites_may_be_named_in_another_order_and_must_be_all() -> None:
    made = fit(sites=("external-2", "external-1"))
    assert made.sites == ("external-1", "external-2")
    for sites in (("external-1",), ("external-1", "external-2", "external-3")):
        with pytest.raises(RefusedError, match="--sites differs from the cohorts"):
            fit(sites=sites)


def test_the_split_is_that_of_the_evaluation() -> None:
    assert fit('split = "test"\n', split="test").split == "test"
    with pytest.raises(RefusedError, match="the evaluation is for the split test"):
        fit('split = "test"\n')


def test_subgroups_are_those_of_the_evaluation() -> None:
    more = 'subgroups = ["vendor", "sex"]\n'
    assert fit(more).subgroups == ("vendor", "sex")
    assert fit(more, subgroups=("sex", "vendor")).subgroups == ("vendor", "sex")
    for named in (("sex",), ("sex", "vendor", "size")):
        with pytest.raises(RefusedError, match="--subgroups differs"):
            fit(more, subgroups=named)
    assert fit().subgroups == ()


def test_a_wait_that_was_asked_for_goes_before_that_of_the_evaluation() -> None:
    assert fit(wait=5.0).wait == 5.0
    assert fit().wait == 600.0


def test_models_to_compare_with_are_those_of_the_evaluation_in_its_order() -> None:
    known = (CARD, OTHER, THIRD)
    assert fit(BOTH, known).against == ("enhanced", "t2-dwi")
    assert fit(BOTH, known, against=("t2-dwi", "enhanced")).against == ("enhanced", "t2-dwi")
    with pytest.raises(RefusedError, match="--against differs from the evaluation"):
        fit(BOTH, known, against=("t2-dwi",))
    assert fit(models=known).against == ()
    with pytest.raises(RefusedError, match="--against differs"):
        fit(models=known, against=("t2-dwi",))


@pytest.mark.parametrize("name", ["t2-dwi", "cd" * 32], ids=["id", "digest"])
def test_an_endpoint_may_name_a_compared_model_by_id_or_digest(name: str) -> None:
    text = promise(more=BOTH) + f'[[endpoints]]\nagainst = "{name}"\nmargin = 0.05\n'
    made = fitting(Asked(model="m", evaluation=text), CARD, [OTHER, THIRD])
    assert made.against == ("enhanced", "t2-dwi")


def test_an_endpoint_against_a_reader_needs_no_model() -> None:
    text = promise() + (
        '[[endpoints]]\nfigure = "sensitivity"\nagainst = "reader_a"\nmargin = 0.05\n'
        '[[endpoints]]\nfigure = "ppv"\nat_least = 0.5\n'
    )
    assert fitting(Asked(model="m", evaluation=text), CARD).against == ()


def test_an_endpoint_against_a_model_that_is_known_but_not_compared_is_refused() -> None:
    text = promise() + '[[endpoints]]\nagainst = "t2-dwi"\nmargin = 0.05\n'
    with pytest.raises(RefusedError, match="compares with t2-dwi, which is not part of this"):
        fitting(Asked(model="m", evaluation=text), CARD, [OTHER])


def endpoints(*lines: str) -> str:
    return promise() + "".join(f"[[endpoints]]\n{line}\n" for line in lines)


SENSITIVITY = 'figure = "sensitivity"\nagainst = "reader_a"\nmargin = 0.15'
SPECIFICITY = 'figure = "specificity"\nagainst = "reader_b"\nmargin = {}'


def test_the_margin_against_readers_is_asked_where_there_is_one_alone() -> None:
    asked = questions(evaluation_from(endpoints(SENSITIVITY)), CARD)
    assert (asked.margin, asked.model_margins) == (0.15, {})
    asked = questions(evaluation_from(endpoints(SENSITIVITY, SPECIFICITY.format(0.15))), CARD)
    assert asked.margin == 0.15
    asked = questions(evaluation_from(endpoints(SENSITIVITY, SPECIFICITY.format(0.1))), CARD)
    assert asked.margin is None
    assert questions(evaluation_from(endpoints()), CARD).margin is None


def test_margins_against_models_are_by_id_unit_and_task() -> None:
    text = endpoints(
        f'against = "{"cd" * 32}"\nmargin = 0.05',
        'against = "enhanced"\nunit = "lesion"\ntask = "benign_vs_rest"\nmargin = 0.1',
        'at_least = 0.5\nfigure = "ppv"',
    )
    asked = questions(evaluation_from(text), CARD, [OTHER])
    assert asked.model_margins == {
        ("t2-dwi", "patient", "malignant_vs_benign"): 0.05,
        ("enhanced", "lesion", "benign_vs_rest"): 0.1,
    }
    assert asked.margin is None


def test_a_prevalence_that_was_promised_is_asked_and_none_otherwise() -> None:
    assert questions(evaluation_from(promise(more="prevalence = 0.3\n")), CARD).prevalences == (
        0.3,
    )
    assert questions(evaluation_from(promise()), CARD).prevalences == ()


def test_the_tuning_scores_of_the_card_are_the_reference_with_or_without_a_promise() -> None:
    kept = TuningScores(edges=(0, 30000, 34000, 65536), positives=(2, 5, 9), negatives=(8, 4, 1))
    card = replace(CARD, tuning_scores=kept)
    wanted = intervals_of(
        Cells(edges=kept.edges, positives=kept.positives, negatives=kept.negatives)
    )
    for promised in (None, evaluation_from(promise())):
        (found,) = questions(promised, card).reference.values()
        assert found.low.tolist() == wanted.low.tolist()
        assert found.positives.tolist() == [2, 5, 9]
        assert found.negatives.tolist() == [8, 4, 1]
        assert questions(promised, CARD).reference == {}


def test_without_a_promise_nothing_is_asked_but_the_drift() -> None:
    asked = questions(None, CARD, [OTHER])
    assert (asked.margin, asked.model_margins, asked.prevalences) == (None, {}, ())
