"""Which subgroups a summary has: asked for, shared by policy, known here and of enough patients."""

from dataclasses import replace

import numpy as np
import pytest
from hepafed.client.release.summary import make_summary
from hepafed.common.contract import CohortFacts, CohortOrigin
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.messages import SiteSummary
from hepafed.common.errors import PayloadError

from .releasing import REQUEST, table_of

TABLE = replace(
    table_of("a", 3, 40),
    groups={"sex": np.array(["f", "m"] * 20), "scanner": np.array(["x"] * 33 + ["y"] * 7)},
)


def summary(
    *subgroups: str, share: tuple[str, ...], minimum: int = 5, form: str = "masked"
) -> SiteSummary:
    policy = SiteConfig(
        site="a", role="validate", address="localhost:1", share_subgroups=share,
        minimum_count=minimum,
    )  # fmt: skip
    return make_summary(policy, replace(REQUEST, subgroups=subgroups), TABLE, form)


@pytest.mark.parametrize("wrong", [("sex", "sex"), ("",), tuple(f"v{n}" for n in range(100))])
def test_subgroups_that_are_no_names_are_refused(wrong: tuple[str, ...]) -> None:
    with pytest.raises(PayloadError, match="the subgroups asked for are not names, or too many"):
        summary(*wrong, share=("sex",))


def test_only_what_was_asked_for_and_is_shared_leaves() -> None:
    assert summary(share=("sex", "scanner")).subgroups == ()
    made = summary("scanner", "sex", "age", share=("sex", "age"))
    assert {g.variable for g in made.subgroups} == {"sex"}
    gone = [s for s in made.suppressed if s.startswith("subgroup")]
    assert gone == [
        "subgroup scanner: not shared by this site's policy",
        "subgroup age: not known at this site",
    ]


def test_a_subgroup_is_shown_from_the_policy_s_minimum_on() -> None:
    shown = summary("sex", share=("sex",), minimum=2, form="cells").subgroups
    assert {g.level for g in shown if g.auc.value is not None} == {"f", "m"}
    withheld = summary("sex", share=("sex",), minimum=21).subgroups
    assert [(g.level, g.auc.value) for g in withheld] == [("every level", None)]


def test_beside_a_masked_sum_a_subgroup_is_its_totals() -> None:
    own = summary("sex", share=("sex",), minimum=2, form="cells").subgroups
    for g, whole in zip(summary("sex", share=("sex",), minimum=2).subgroups, own, strict=True):
        assert (g.positives, g.negatives) == (whole.positives, whole.negatives)
        assert whole.true_positives is not None
        assert (g.true_positives, g.true_negatives, g.auc.value) == (None, None, None)


def test_a_summary_is_of_its_request_and_policy() -> None:
    made = summary(share=(), minimum=6)
    assert (made.run, made.model, made.weights) == ("validate-1", "m", REQUEST.weights)
    assert (made.form, made.minimum_count, made.patients) == ("masked", 6, 40)


@pytest.mark.parametrize("form", ["masked", "cells", "plain"])
def test_counts_of_what_was_left_out_leave_only_with_the_cohort_summary(form: str) -> None:
    facts = CohortFacts(sources=("dicom",), left_out={"excluded": (9, 12)})
    policy = SiteConfig(site="a", role="validate", address="localhost:1")
    assert make_summary(policy, REQUEST, TABLE, form).origin is None
    silent = make_summary(policy, REQUEST, TABLE, form, facts).origin
    assert silent == CohortOrigin(sources=("dicom",))
    sharing = replace(policy, share_cohort_summary=True)
    shared = make_summary(sharing, REQUEST, TABLE, form, facts).origin
    assert shared is not None
    assert [(p.reason, p.patients, p.lesions) for p in shared.left_out or ()] == [
        ("unreadable", 0, 0), ("excluded", 9, 12), ("no_sequence", 0, 0),
    ]  # fmt: skip
