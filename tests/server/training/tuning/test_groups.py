"""Among which sites tuning counts are summed, and what is said of the others."""

import pytest
from hepafed.common.contract.figures import TuningFigures
from hepafed.server.training.tuning.groups import group_of

from tests.server.training.answering import tuning

Said = dict[str, tuple[int, str]]
"""By site: its lesions, and the group that it names (`abc`)."""


def figures(said: Said) -> dict[str, TuningFigures]:
    return {
        s: TuningFigures(lesions=n, macro_auc=None, form="masked", group=tuple(g))
        for s, (n, g) in said.items()
    }


@pytest.mark.parametrize(
    ("said", "group"),
    [
        ({"b": (9, ""), "a": (5, "")}, "ab"),
        ({"a": (5, "")}, ""),
        ({"a": (5, ""), "b": (0, "")}, ""),
        ({"a": (5, "abc"), "b": (5, "abc"), "c": (1, "abc")}, "abc"),
        ({"a": (5, "abc"), "b": (5, "abc")}, ""),
        ({"a": (5, "abc"), "b": (5, "abc"), "c": (0, "abc")}, ""),
        # c was lost when the sum of all three was opened, or its person has reset the group
        ({"a": (5, "abc"), "b": (5, "abc"), "c": (1, "")}, "abc"),
        ({"a": (5, "ab"), "b": (5, "")}, "ab"),
        # newcomers stay outside; of their own they can be a group
        ({"a": (5, "ab"), "b": (5, "ab"), "c": (99, "")}, "ab"),
        ({"a": (5, "ab"), "b": (5, "ab"), "c": (1, ""), "d": (1, "")}, "ab"),
        ({"a": (5, "ab"), "b": (5, "ab"), "c": (9, ""), "d": (9, "")}, "cd"),
        ({"a": (5, "ab"), "b": (5, "ab"), "c": (1, ""), "d": (1, ""), "e": (1, "")}, "cde"),
        # one that lies about its group divides no others
        ({"a": (5, ""), "b": (5, ""), "c": (5, ""), "e": (10**8, "ae")}, "abc"),
        ({"a": (5, ""), "b": (5, ""), "c": (5, ""), "e": (10**8, "abe")}, "abc"),
        ({"a": (5, ""), "b": (5, ""), "e": (10**8, "ae")}, "ab"),
        ({"a": (5, "ab"), "b": (5, "ab"), "e": (10**8, "abe")}, "ab"),
        ({"a": (5, "ab"), "b": (5, "ab"), "e": (10**8, "e")}, "ab"),
        ({"a": (5, "abc"), "b": (5, "ab"), "c": (5, "abc")}, ""),
    ],
)
def test_the_group_is_the_largest_on_which_its_sites_agree(said: Said, group: str) -> None:
    found, outside = group_of(figures(said))
    assert found == tuple(group)
    assert sorted(outside) == sorted(set(said) - set(group))


def test_sites_with_figures_of_their_own_are_in_no_group_and_not_outside() -> None:
    mixed = {**figures({"a": (5, ""), "c": (5, "")}), "b": tuning(0.8)}
    assert group_of(mixed) == (("a", "c"), {})


def test_each_site_outside_hears_why() -> None:
    said = figures({"a": (5, "ab"), "b": (5, "ab"), "c": (1, ""), "d": (0, ""), "e": (1, "efg")})
    said["f"] = TuningFigures(lesions=0, macro_auc=None, form="masked", reason="no such sequence")
    reset = "client peers --new-group at each of these sites lets them sum with others"
    assert group_of(said)[1] == {
        "c": f"its tuning counts are outside of the masked sum of a, b; {reset}",
        "d": "no tuning counts: no tuning patient",
        "e": "its tuning counts are summed only with e, f, g, and f, g gave none in this round; "
        + reset,
        "f": "no tuning counts: no such sequence",
    }
    assert group_of(figures({"a": (5, "")}))[1] == {
        "a": "no other site sums its tuning counts under masks with this one"
    }
