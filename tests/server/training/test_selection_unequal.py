"""The choice among rounds where sites are unequal, and figures are missing."""

import math
from functools import partial
from pathlib import Path

import pytest
from hepafed.common.contract.figures import TuningFigures
from hepafed.server.training.checkpoints import TrainingState
from hepafed.server.training.selection import forget, judge

from .answering import LAYOUT, Answering, training
from .answering import tuning as tuning_of

tuning = partial(tuning_of, patients=10**8)
"""Figures of so many patients that the stated error is the larger one."""


def judged(home: Path, *rounds: dict[str, TuningFigures]) -> TrainingState:
    live = training(home, Answering({}))
    state = TrainingState(LAYOUT, home / "w")
    for number, figures in enumerate(rounds, 1):
        state.round = number
        judge(live, state, figures)
    return state


def test_the_mean_is_by_lesions_and_only_of_sites_that_can_be_used(tmp_path: Path) -> None:
    figures = {
        "a": tuning(0.9, 30),
        "b": tuning(0.6, 10),
        "no auc": tuning(None, 1000),
        "no lesions": tuning(0.1, 0),
        "above one": tuning(1.01, 500),
        "below nought": tuning(-0.01, 500),
    }
    assert judged(tmp_path, figures).scores == {1: pytest.approx((27 + 6) / 40)}


@pytest.mark.parametrize("auc", [0.0, 1.0])
def test_an_auc_of_nought_or_one_can_be(tmp_path: Path, auc: float) -> None:
    assert judged(tmp_path, {"a": tuning(auc)}).scores == {1: auc}


def test_no_figure_no_choice_and_none_before_the_first_round(tmp_path: Path) -> None:
    state = judged(tmp_path, {"a": tuning(None)})
    assert (state.best, state.scores) == (-1, {})
    live = training(tmp_path / "other", Answering({}))
    state = TrainingState(LAYOUT, tmp_path / "w")
    judge(live, state, {"a": tuning(0.9)})
    assert (state.best, state.scores) == (-1, {})


@pytest.mark.parametrize(("second", "best"), [(0.8782, 2), (0.878, 1)])
def test_the_error_is_by_lesions_too(tmp_path: Path, second: float, best: int) -> None:
    """√((90·0.01)² + (30·0.09)² + (30·0.03)²) / 150 is 0.0199…; sites counted alike give 0.032."""
    wide = {"b": tuning(0.898, 30, 0.09), "c": tuning(0.898, 30, 0.03)}
    first = {"a": tuning(0.898, 90, 0.01)} | wide
    later = {"a": tuning(second, 90, 0.01)} | {
        "b": tuning(second, 30, 0.09),
        "c": tuning(second, 30, 0.03),
    }
    assert judged(tmp_path, first, later).best == best


def expected(auc: float, m: int, n: int) -> float:
    """Give Newcombe's (2006) standard error of an AUC with half a pair won and half a pair lost."""
    q = (m * n * auc + 0.5) / (m * n + 1)
    more = ((m + n) / 2 - 1) * ((1 - q) / (2 - q) + q / (1 + q))
    return math.sqrt(q * (1 - q) / (m * n) * (1 + more))


@pytest.mark.parametrize("se", [0.51, -0.01, None, 0.0, 0.001])
@pytest.mark.parametrize(("below", "best"), [(0.999, 2), (1.001, 1)])
def test_an_error_that_cannot_be_or_is_too_small_counts_as_the_one_of_so_many_patients(
    tmp_path: Path, se: float | None, below: float, best: int
) -> None:
    second = 0.9
    for _ in range(60):  # the error is that of the later round
        second = 0.9 - below * expected(second, 15, 15)
    rounds = [{"a": tuning_of(x, 40, se, patients=30)} for x in (0.9, second)]
    assert judged(tmp_path, *rounds).best == best


def test_an_auc_of_1_in_a_few_patients_does_not_decide(tmp_path: Path) -> None:
    """Five patients are parted from five by chance: DeLong's error is 0, and 0.92 is no worse."""
    rounds = [{"a": tuning_of(x, 10, se)} for x, se in ((1.0, 0.0), (0.92, 0.09), (0.5, 0.2))]
    assert judged(tmp_path, *rounds).best == 2


def test_an_error_of_one_half_can_be(tmp_path: Path) -> None:
    rounds = [{"a": tuning(0.9, 50, 0.5)}, {"a": tuning(0.41, 50, 0.5)}]
    assert judged(tmp_path, *rounds).best == 2


def test_figures_of_the_best_round_are_kept(tmp_path: Path) -> None:
    state = judged(tmp_path, {"a": tuning(0.9, 7)}, {"a": tuning(0.5, 8)})
    assert state.best == 1
    assert [f["lesions"] for f in state.figures[1].values()] == [7]


def test_a_site_of_one_lesion_counts_as_one(tmp_path: Path) -> None:
    figures = {"a": tuning(0.9, 1), "b": tuning(0.5, 3)}
    assert judged(tmp_path, figures).scores == {1: pytest.approx(0.6)}


@pytest.mark.parametrize(("second", "best"), [(0.8901, 2), (0.8899, 1)])
def test_an_error_of_nought_narrows_the_mean(tmp_path: Path, second: float, best: int) -> None:
    """√((50·0.02)² + 0²) / 100 is 0.01; without the second site it is 0.02."""
    rounds = [{"a": tuning(x, 50, 0.02), "b": tuning(x, 50, 0.0)} for x in (0.9, second)]
    assert judged(tmp_path, *rounds).best == best


@pytest.mark.parametrize(("second", "best"), [(0.8751, 2), (0.8749, 1)])
def test_the_error_of_a_single_lesion_weighs_one(tmp_path: Path, second: float, best: int) -> None:
    """√((1·0.05)² + (1·0)²) / 2 is 0.025; a site without lesions adds nothing."""
    rounds = [
        {"a": tuning(x, 1, 0.05), "b": tuning(x, 1, 0.0), "c": tuning(x, 0, 0.4)}
        for x in (0.9, second)
    ]
    assert judged(tmp_path, *rounds).best == best


def test_sites_without_lesions_alone_give_neither_a_mean_nor_an_error(tmp_path: Path) -> None:
    assert judged(tmp_path / "1", {"a": tuning(0.9, 0)}).scores == {}
    state = judged(tmp_path / "2", {"a": tuning(0.9, 50, None), "b": tuning(0.1, 0, 0.4)})
    assert (state.scores, state.best) == ({1: 0.9}, 1)


@pytest.mark.parametrize(("second", "best"), [(0.881, 2), (0.879, 1)])
def test_the_error_is_that_of_the_first_task_alone(
    tmp_path: Path, second: float, best: int
) -> None:
    """0.02; a second task of no error at all would halve it by √2."""

    def two(auc: float) -> TuningFigures:
        tasks = (*tuning(auc, 50, 0.02).tasks, *tuning(auc, 50, 0.0).tasks)
        return TuningFigures(lesions=50, macro_auc=auc, tasks=tasks)

    assert judged(tmp_path, {"a": two(0.9)}, {"a": two(second)}).best == best


def test_no_site_has_more_than_its_share_of_the_mean(tmp_path: Path) -> None:
    """Beside 40 lesions at most 60 count: (0.9 × 60 + 0.6 × 40) / 100; the errors likewise."""
    live = training(tmp_path, Answering({}), max_share=0.6)
    state = TrainingState(LAYOUT, tmp_path / "w", round=1)
    judge(live, state, {"a": tuning(0.9, 10**8), "b": tuning(0.6, 30), "c": tuning(0.6, 10)})
    assert state.scores == {1: pytest.approx(0.78)}
    state.round = 2
    judge(live, state, {"a": tuning(0.9, 10**8), "b": tuning(0.5901, 40, 0.0)})
    assert state.best == 2  # √((60 × 0.01)² + 0²) / 100 is 0.006
    state.round = 3
    judge(live, state, {"a": tuning(0.9, 10**8), "b": tuning(0.58, 40, 0.0)})
    assert state.best == 2


def test_what_a_site_said_that_is_no_member_any_more_decides_nothing(tmp_path: Path) -> None:
    rounds = [
        {"a": tuning(0.7, 30), "evil": tuning(1.0, 50)},
        {"a": tuning(0.9, 30), "evil": tuning(0.0, 50)},
        {"evil": tuning(0.4, 50)},
    ]
    live = training(tmp_path, Answering({}))
    state = TrainingState(LAYOUT, tmp_path / "w")
    for number, figures in enumerate(rounds, 1):
        state.round = number
        judge(live, state, figures)
    assert state.best == 1
    forget(live, state, ["a", "evil", "other"])
    assert state.best == 1
    forget(live, state, ["a"])
    assert (state.best, state.scores) == (2, {1: 0.7, 2: 0.9})
    assert [list(rows) for rows in state.figures.values()] == [["a"], ["a"]]
    (line,) = [e for e in live.stores.runs.events(live.run.id) if e["event"] == "forgotten"]
    assert (line["sites"], line["best"]) == (["evil"], 2)
    forget(live, state, [])
    assert (state.best, state.scores, state.judged, state.figures) == (-1, {}, {}, {})


def test_only_weights_that_are_kept_are_chosen_anew(tmp_path: Path) -> None:
    live = training(tmp_path, Answering({}))
    state = TrainingState(LAYOUT, tmp_path / "w")
    for number, auc in enumerate((0.95, 0.9, 0.7), 1):
        state.round = number
        judge(live, state, {"a": tuning(auc), "evil": tuning(0.5 + number / 10)})
    del state.figures[1]
    forget(live, state, ["a"])
    assert (state.best, max(state.scores, key=state.scores.__getitem__)) == (-1, 1)
