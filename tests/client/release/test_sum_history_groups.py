"""A new group forgets with whom and how; it opens nothing that was closed."""

import pytest
from hepafed.client.release.sum_history import SumHistory
from hepafed.common.errors import RefusedError

from .releasing import WEIGHTS, Site, exchange, terms_of

OTHER = "b" * 64


def sealed(pair: list[Site]) -> SumHistory:
    """Have both sites mask their counts for an attempt that nobody opens."""
    terms = terms_of("a", "b")
    offers = [s.key(terms) for s in pair]
    for site in pair:
        site.mask(terms, offers)
    return SumHistory(pair[0].home)


def test_a_vector_sealed_before_a_new_group_stays_closed(pair: list[Site]) -> None:
    sealed(pair).new_group()
    with pytest.raises(RefusedError, match="no masked counts of this exchange"):
        pair[0].open(terms_of("a", "b"))


def test_a_new_group_leaves_a_replay_refused(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    history = SumHistory(pair[0].home)
    history.new_group()
    assert history.form_of(WEIGHTS, "external") == ""
    with pytest.raises(RefusedError, match="a replay"):
        history.begin(terms_of("a", "b"))
    with pytest.raises(RefusedError, match="attempt 1 of this run was used"):
        history.begin(terms_of("a", "b", number=9))
    with pytest.raises(RefusedError, match="opened already"):
        history.begin(terms_of("a", "b", number=9, attempt=2))


def test_another_exchange_or_run_opens_nothing(pair: list[Site]) -> None:
    history = sealed(pair)
    for run, exchange_ in (("validate-2", f"{1:032x}"), ("validate-1", f"{2:032x}")):
        with pytest.raises(RefusedError, match="no masked counts"):
            history.open(run, exchange_)
    assert len(history.open("validate-1", f"{1:032x}").seed) == 64


def test_attempts_only_count_up(pair: list[Site]) -> None:
    history = SumHistory(pair[0].home)
    history.begin(terms_of("a", "b", attempt=3))
    for attempt in (1, 2, 3):
        with pytest.raises(RefusedError, match=f"attempt {attempt} of this run was used"):
            history.begin(terms_of("a", "b", number=10 + attempt, attempt=attempt))
    history.begin(terms_of("a", "b", number=20, attempt=4))
    history.begin(terms_of("a", "b", number=21, run="validate-2"))


def test_scores_of_a_compared_model_that_left_in_cells_are_in_no_masked_sum(
    pair: list[Site],
) -> None:
    history = SumHistory(pair[0].home)
    history.releasing(OTHER, "external", "cells")
    with pytest.raises(RefusedError, match="released cells before, not masked"):
        history.begin(terms_of("a", "b", against=(OTHER,)))
    history.begin(terms_of("a", "b", against=("c" * 64,)))


def test_an_opened_sum_marks_every_model_in_it(pair: list[Site]) -> None:
    history = SumHistory(pair[0].home)
    terms = terms_of("a", "b", against=(OTHER,))
    history.begin(terms)
    history.seal(terms, b"s" * 32)
    assert history.form_of(OTHER, "external") == ""
    assert history.open("validate-1", terms.exchange).seed == (b"s" * 32).hex()
    assert history.form_of(WEIGHTS, "external") == "masked"
    assert history.form_of(OTHER, "external") == "masked"
    assert history.form_of(OTHER, "test") == ""
    with pytest.raises(RefusedError, match="released masked before, not cells"):
        history.releasing(OTHER, "external", "cells")


def test_thresholds_are_held_for_all_models_or_none(pair: list[Site]) -> None:
    history = SumHistory(pair[0].home)
    history.hold_thresholds({WEIGHTS: 0.5}, "external")
    with pytest.raises(RefusedError, match="another operating point"):
        history.hold_thresholds({OTHER: 0.4, WEIGHTS: 0.5001}, "external")
    history.hold_thresholds({OTHER: 0.3, WEIGHTS: 0.5}, "external")
    history.hold_thresholds({WEIGHTS: 0.7}, "test")
