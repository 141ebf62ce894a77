"""What an earlier answer forbids is refused with what a person can do about it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hepafed.client.release.forms import summary_form
from hepafed.client.release.lesion_history import MOST_SETS, LesionHistory
from hepafed.client.release.sum_history import RESET, SumHistory
from hepafed.common.contract.config import SiteConfig
from hepafed.common.errors import ConfigError, RefusedError

from .releasing import REQUEST, WEIGHTS, table_of, terms_of

SPLIT = "external"
MASKED = SiteConfig(site="a", role="validate", address="localhost:1")


def _sealed(home: Path) -> SumHistory:
    past = SumHistory(home)
    past.begin(terms_of("a", "b"))
    past.seal(terms_of("a", "b"), b"s" * 32)
    return past


def _opened(home: Path) -> SumHistory:
    past = _sealed(home)
    past.open("validate-1", terms_of("a", "b").exchange)
    return past


def _cells_after_a_sum(home: Path) -> None:
    summary_form(MASKED, _opened(home), REQUEST_WITH_FALLBACK)


def _plain_after_a_sum(home: Path) -> None:
    _opened(home).releasing(WEIGHTS, SPLIT, "plain")


def _a_sum_after_cells(home: Path) -> None:
    SumHistory(home).releasing(WEIGHTS, SPLIT, "cells")
    SumHistory(home).begin(terms_of("a", "b"))


def _opening_after_cells(home: Path) -> None:
    _sealed(home).releasing(WEIGHTS, SPLIT, "cells")
    SumHistory(home).open("validate-1", terms_of("a", "b").exchange)


def _another_group(home: Path) -> None:
    _opened(home).begin(terms_of("a", "c", run="validate-2", number=2, weights="b" * 64))


def _hold(home: Path, *patients: int, summed: bool = False) -> None:
    for count in patients:
        tables = {WEIGHTS: table_of("a", 1, count)}
        LesionHistory(home).hold(tables, SPLIT, 3, summed=summed)


REQUEST_WITH_FALLBACK = type(REQUEST)(
    run="validate-2", model="m", plan=REQUEST.plan, weights=WEIGHTS, threshold=0.5, split=SPLIT,
    fallback=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("again", "why"),
    [
        (_cells_after_a_sum, "these scores were released masked before"),
        (_plain_after_a_sum, "these scores were released masked before, not plain"),
        (_a_sum_after_cells, "these scores were released cells before, not masked"),
        (_opening_after_cells, "these scores were released cells before, not masked"),
        (_another_group, "this cohort takes part only in masked sums of a, b"),
        (lambda home: _hold(home, 10, 20, summed=True), "in a masked sum over other lesions"),
        (lambda home: _hold(home, 10, 12), "differ in a few patients only"),
        (lambda home: _hold(home, *range(10, 11 + 3 * MOST_SETS, 3)), "sets of lesions before"),
    ],
)
def test_what_a_new_group_would_allow_is_refused_with_that_word(
    tmp_path: Path, again: Callable[[Path], None], why: str
) -> None:
    with pytest.raises(RefusedError, match=why) as found:
        again(tmp_path)
    assert found.value.hint == RESET


def test_another_operating_point_is_refused_with_where_it_is_locked(tmp_path: Path) -> None:
    past = SumHistory(tmp_path)
    past.hold_thresholds({WEIGHTS: 0.5}, SPLIT)
    with pytest.raises(RefusedError) as found:
        past.hold_thresholds({WEIGHTS: 0.6}, SPLIT)
    assert found.value.hint == "a model's operating point is locked in its card"


def test_a_damaged_memory_of_sums_is_restored_and_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "exchanges.json").write_text("{")
    with pytest.raises(ConfigError, match=r"exchanges.json is damaged") as found:
        SumHistory(tmp_path).form_of(WEIGHTS, SPLIT)
    assert found.value.hint.startswith("restore a copy")


def test_a_damaged_memory_of_lesions_names_the_reset(tmp_path: Path) -> None:
    (tmp_path / "released.json").write_text("{")
    with pytest.raises(ConfigError, match=r"released.json is damaged") as found:
        _hold(tmp_path, 10)
    assert found.value.hint == RESET


def test_of_a_large_group_four_hundred_letters_are_named(tmp_path: Path) -> None:
    names = tuple(f"hospital-{n:03}" for n in range(60))
    past = SumHistory(tmp_path)
    first = terms_of(*names)
    past.begin(first)
    past.seal(first, b"s" * 32)
    past.open("validate-1", first.exchange)
    with pytest.raises(RefusedError) as found:
        past.begin(terms_of("a", "b", run="validate-2", number=2))
    assert found.value.message.endswith(f"only in masked sums of {', '.join(names)[:400]}")
