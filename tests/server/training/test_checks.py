"""What a training site states is held to what can be, at each limit and just beside it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hepafed.common.contract.figures import Cells, Figure, TuningFigures
from hepafed.common.contract.messages import TrainReply
from hepafed.common.errors import PayloadError
from hepafed.common.releases import RELEASE
from hepafed.server.training.checks import capped, check_figures, check_training, most_beside
from hypothesis import given
from hypothesis import strategies as st

from .answering import tuning

GOOD = TrainReply(
    run="r",
    round=1,
    release=RELEASE,
    update="0" * 64,
    examples=7,
    loss=1.0,
    seconds=3.0,
    tuning=tuning(0.8),
)
Change = Callable[[TuningFigures], TuningFigures]
CELLS = Cells(edges=(0, 1 << 16), positives=(25,), negatives=(25,))


def masked(**values: object) -> TuningFigures:
    """Give what a site says beside a masked sum."""
    said = tuning(None, 50, None)
    return replace(said, form="masked", **values)  # type: ignore[arg-type]


def with_task(**values: object) -> Change:
    return lambda f: replace(f, tasks=(replace(f.tasks[0], **values),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [
        {"examples": 1}, {"examples": 10**9}, {"loss": 0.0}, {"loss": 1e6}, {"loss": None},
        {"seconds": 0.0}, {"seconds": 2592000.0},
    ],
)  # fmt: skip
def test_a_number_at_its_limit_can_be(values: dict[str, object]) -> None:
    check_training(replace(GOOD, **values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"examples": 0}, "examples"), ({"examples": -1}, "examples"),
        ({"examples": 10**9 + 1}, "examples"), ({"loss": -1e-9}, "loss"),
        ({"loss": 1.1e6}, "loss"), ({"seconds": -0.1}, "time"), ({"seconds": 2.6e6}, "time"),
    ],
)  # fmt: skip
def test_a_number_beyond_its_limit_is_named(values: dict[str, object], what: str) -> None:
    with pytest.raises(PayloadError, match=f"impossible .*{what}"):
        check_training(replace(GOOD, **values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        lambda f: replace(f, lesions=10**8),
        lambda f: replace(f, lesions=0, macro_auc=None, tasks=()),
        lambda f: replace(f, macro_auc=0.0),
        lambda f: replace(f, macro_auc=1.0),
        lambda f: replace(f, macro_auc=None),
        with_task(auc=Figure(value=1.0, low=0.0, high=1.0, se=1.0)),
        with_task(auc=Figure(value=0.5, low=0.5, high=0.5, se=0.0)),
        with_task(true_positives=25, true_negatives=0),
        lambda f: masked(),
        lambda f: masked(group=("a", "b-2")),
        lambda f: masked(group=tuple(f"s{n:03d}" for n in range(1000))),
        lambda f: masked(group=("a", "b" * 40)),
        lambda f: masked(lesions=0, tasks=()),
    ],
)
def test_figures_at_their_limits_can_be(change: Change) -> None:
    check_figures(change(GOOD.tuning))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda f: replace(f, lesions=-1, tasks=()), "number of lesions"),
        (lambda f: replace(f, lesions=10**8 + 1), "number of lesions"),
        (lambda f: replace(f, lesions=10**400), "number of lesions"),
        (lambda f: replace(f, macro_auc=-0.001), "AUC outside"),
        (lambda f: replace(f, macro_auc=1.001), "AUC outside"),
        (lambda f: TuningFigures(lesions=0, macro_auc=0.5), "one of no lesions"),
        (with_task(unit="lesion"), "another task"),
        (with_task(task="benign"), "another task"),
        (with_task(auc=Figure(value=1.001)), "outside 0"),
        (with_task(auc=Figure(value=-0.001)), "outside 0"),
        (with_task(auc=Figure(low=-0.1)), "outside 0"),
        (with_task(auc=Figure(high=1.1)), "outside 0"),
        (with_task(auc=Figure(se=1.1)), "outside 0"),
        (with_task(auc=Figure(low=0.6, high=0.5)), "before it begins"),
        (with_task(true_positives=26), "right calls"),
        (with_task(true_positives=-1), "right calls"),
        (with_task(true_negatives=26), "right calls"),
        (with_task(true_negatives=-1), "right calls"),
        (with_task(positives=26), "more patients than lesions"),
        (lambda f: replace(f, tasks=f.tasks * 2), "more than one task"),
        (lambda f: replace(f, form="plain"), "unknown form"),
        (lambda f: replace(f, group=("a", "b")), "impossible group"),
        (lambda f: masked(group=("b", "a")), "impossible group"),
        (lambda f: masked(group=("a", "a")), "impossible group"),
        (lambda f: masked(group=("a", "")), "impossible group"),
        (lambda f: masked(group=("a b",)), "impossible group"),
        (lambda f: masked(group=("a", "b" * 41)), "impossible group"),
        (lambda f: masked(group=tuple(f"s{n:04d}" for n in range(1001))), "impossible group"),
        (lambda f: masked(macro_auc=0.5), "more than numbers"),
        (lambda f: replace(f, form="masked"), "more than numbers"),
        (lambda f: with_task(auc=Figure(value=0.5))(masked()), "more than numbers"),
        (lambda f: with_task(figures={"slope": Figure(value=1.0)})(masked()), "more than numbers"),
        (lambda f: with_task(cells=CELLS)(masked()), "more than numbers"),
        (lambda f: with_task(true_positives=3)(masked()), "more than numbers"),
        (lambda f: with_task(true_negatives=3)(masked()), "more than numbers"),
        (lambda f: masked(tasks=()), "of how many patients"),
        (lambda f: with_task(positives=26)(masked()), "more patients than lesions"),
    ],
)
def test_figures_that_cannot_be_are_named(change: Change, what: str) -> None:
    with pytest.raises(PayloadError, match=what):
        check_figures(change(GOOD.tuning))
    with pytest.raises(PayloadError, match=what):
        check_training(replace(GOOD, tuning=change(GOOD.tuning)))


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 10**9), max_size=5),
    st.floats(0.51, 0.999),
)
def test_no_site_has_more_than_its_share_and_the_others_keep_theirs(
    counts: dict[str, int], share: float
) -> None:
    made = capped(counts, share)
    cut = [s for s in counts if made[s] != counts[s]]
    assert len(cut) <= 1
    assert all(0 <= made[s] < counts[s] for s in cut)
    total = sum(made.values())
    if len(counts) > 1:
        assert max(made.values()) <= share * total * (1 + 1e-5)
        for site in cut:  # and not by more than is needed
            assert made[site] + 1 > share * (total + 1) * (1 - 1e-5)
    else:
        assert made == counts
    assert capped(counts, 1.0) == counts


def test_beside_others_the_largest_weight_is_whole() -> None:
    assert [most_beside(n, 0.6) for n in (2, 3, 10)] == [3, 4, 15]
    assert most_beside(1, 0.75) == 3


@pytest.mark.parametrize(("stated", "words"), [("", "no known release"), ("99.0", "release 99.0")])
def test_a_site_of_another_release_is_refused_with_what_to_install(stated: str, words: str) -> None:
    with pytest.raises(PayloadError, match=words) as refused:
        check_training(replace(GOOD, release=stated))
    assert refused.value.message.endswith(f"install release {RELEASE} there")
