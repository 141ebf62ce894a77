"""Releases work together where that is declared, and with themselves."""

import pytest
from hepafed.common.errors import OtherReleaseError
from hepafed.common.releases import (
    RELEASE,
    TOGETHER,
    may_work_together,
    must_work_with,
    release_stated,
)

GROUPS = ({"1.0.0", "1.0.1"}, {"1.0.1", "1.1.0"})


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        ("2.0.0", "2.0.0", True),
        ("1.0.0", "1.0.1", True),
        ("1.0.1", "1.1.0", True),
        ("1.0.0", "1.1.0", False),
        ("1.0.0", "2.0.0", False),
        ("", "", False),
        ("", "1.0.0", False),
        ("1.0", "1.0.0", False),
    ],
)
def test_releases_of_one_group_work_together_and_each_with_itself(
    one: str, other: str, may: bool
) -> None:
    assert may_work_together(one, other, GROUPS) is may
    assert may_work_together(other, one, GROUPS) is may


def test_each_declared_group_has_two_releases_and_names_ones_that_can_be_stated() -> None:
    assert all(len(group) > 1 for group in TOGETHER)
    assert all(release_stated(r) == r for group in TOGETHER for r in group)
    assert release_stated(RELEASE) == RELEASE


@pytest.mark.parametrize(
    "text", ["", "v1", "1.0 ", "1\n", "1.0;x", "1" * 41, "\uff11.0", "-1", ".", "1.0\x1b[2J"]
)
def test_what_is_no_release_counts_as_not_stated(text: str) -> None:
    assert release_stated(text) == ""
    with pytest.raises(OtherReleaseError, match="no known release") as refused:
        must_work_with(text)
    assert refused.value.hint == f"install release {RELEASE} there"


def test_another_release_is_refused_with_both_names() -> None:
    must_work_with(RELEASE)
    with pytest.raises(OtherReleaseError, match=rf"release 99\.1 .* with release {RELEASE}"):
        must_work_with("99.1")
    must_work_with("99.1", ({"99.1", RELEASE},))
