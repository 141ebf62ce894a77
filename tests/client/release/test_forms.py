"""In which form counts leave: by policy, by what left before, and by what is asked."""

from dataclasses import replace
from pathlib import Path

import pytest
from hepafed.client.release.forms import in_form, paired_form, summary_form
from hepafed.client.release.sum_history import SumHistory
from hepafed.common.contract import Figure
from hepafed.common.contract.config import SiteConfig
from hepafed.common.disclosure import POOLED_ONLY
from hepafed.common.errors import RefusedError

from .releasing import REQUEST, WEIGHTS, Site, exchange, table_of, terms_of

OTHER = "b" * 64


def policy(release: str, fallback: str = "cells") -> SiteConfig:
    return SiteConfig(
        site="a", role="validate", address="localhost:1", release=release, fallback=fallback
    )


def past(home: Path, **forms: str) -> SumHistory:
    """Give the memory of a site whose scores of WEIGHTS (or OTHER) left in a form before."""
    made = SumHistory(home)
    for name, form in forms.items():
        made.releasing({"first": WEIGHTS, "other": OTHER}[name], "external", form)
    return made


@pytest.mark.parametrize("release", ["plain", "cells"])
@pytest.mark.parametrize("before", ["", "cells"])
@pytest.mark.parametrize("fallback", [False, True])
def test_a_policy_of_plain_or_cells_is_the_form(
    tmp_path: Path, release: str, before: str, fallback: bool
) -> None:
    known = past(tmp_path, **({"first": before} if before else {}))
    request = replace(REQUEST, fallback=fallback)
    assert summary_form(policy(release), known, request) == release


@pytest.mark.parametrize(
    ("before", "asked", "form"),
    [
        ("", False, "masked"),
        ("", True, "cells"),
        ("cells", False, "cells"),
        ("cells", True, "cells"),
    ],
)
def test_a_masked_policy_falls_back_when_asked_or_when_cells_left_before(
    tmp_path: Path, before: str, asked: bool, form: str
) -> None:
    known = past(tmp_path, **({"first": before} if before else {}))
    request = replace(REQUEST, fallback=asked)
    known.expect(REQUEST.run)
    assert summary_form(policy("masked"), known, request) == form
    if form == "cells":
        with pytest.raises(RefusedError, match="masked or not at all"):
            summary_form(policy("masked", "none"), known, request)


def test_after_a_masked_sum_there_are_no_cells_of_the_same_scores(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    known = SumHistory(pair[0].home)
    assert summary_form(policy("masked"), known, REQUEST) == "masked"
    with pytest.raises(RefusedError, match="masked before"):
        summary_form(policy("masked"), known, replace(REQUEST, fallback=True))
    other = replace(REQUEST, run="validate-2", fallback=True, split="test")
    known.expect(other.run)
    assert summary_form(policy("masked"), known, other) == "cells"


@pytest.mark.parametrize(
    ("release", "before", "form"),
    [
        ("masked", {}, "masked"),
        ("plain", {}, "plain"),
        ("cells", {}, "figures"),
        ("plain", {"first": "plain"}, "plain"),
        ("plain", {"other": "plain"}, "plain"),
        ("plain", {"first": "cells"}, "figures"),
        ("plain", {"other": "cells"}, "figures"),
        ("masked", {"first": "cells"}, "figures"),
        ("masked", {"other": "cells"}, "figures"),
        ("masked", {"other": "plain"}, "figures"),
        ("masked", {"first": "plain", "other": "plain"}, "figures"),
    ],
)
def test_paired_counts_leave_only_in_the_form_of_every_model_s_own(
    tmp_path: Path, release: str, before: dict[str, str], form: str
) -> None:
    known = past(tmp_path, **before)
    assert paired_form(policy(release), known, (WEIGHTS, OTHER), "external") == form


def test_a_form_takes_out_what_it_does_not_allow(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="cells", minimum_count=2)
    site.table = table_of("a", 5, patients=2000)
    made = replace(site.score(), suppressed=("patient x: cells", "decision", "something else"))
    assert made.sections
    cells, plain, masked = (in_form(made, f) for f in ("cells", "plain", "masked"))
    assert [m.form for m in (cells, plain, masked)] == ["cells", "plain", "masked"]
    assert cells == replace(made, form="cells")
    assert all(t.cells is None for m in (plain, masked) for t in m.tasks)
    assert (plain.sections, masked.sections) == (made.sections, {})
    assert plain.suppressed == ("decision", "something else")
    assert masked.suppressed == ()
    assert (masked.confusion, masked.figures) == (None, {})
    assert (masked.by_class, masked.patients) == (made.by_class, made.patients)
    for task, before in zip(masked.tasks, made.tasks, strict=True):
        assert before.auc.value is not None
        assert task.auc == Figure(reason=POOLED_ONLY)
        assert (task.true_positives, task.true_negatives, task.figures) == (None, None, {})
    exact = in_form(made, "masked", exact=True)
    assert [t.auc for t in exact.tasks] == [t.auc for t in made.tasks]
    assert all(t.figures == {} for t in exact.tasks)
