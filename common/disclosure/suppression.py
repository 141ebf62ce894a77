"""Withhold small counts of a table, and enough others that no total gives one of them away.

The rows of a table exclude each other, and every column adds up to a total that is known. A row
with a count from 1 to m − 1 is hidden (m: the site's minimum). The sum of what is hidden is known
as well: the total less the rest. So more rows are hidden (complementary suppression: Willenborg
and de Waal, Elements of Statistical Disclosure Control, 2001, chapter 6) until

- there are two at least;
- each column of theirs adds up to nothing, or to 2 m − 1 at least: whatever one of them holds that
  is small, the others hold m or more;
- all of theirs is m at least beyond one case a row: that each row holds somebody may be known.

The rows are taken in the table's order, the last first, whatever their counts: an order by size
would tell of the sizes. Who knows this rule cannot infer a small count either, for a minimum from
3 on (tests/common/disclosure/test_suppression.py goes through all small tables). With a minimum of
2 a small count is 1.
"""

from collections.abc import Mapping, Sequence

POOLED_ONLY = "not released: with masked sums only the total over all sites is known"
"""Why a site's own figure is not there in the form `masked`."""
FEW_OF_A_CLASS = "withheld: fewer cases of a class than the site's minimum count"


def enough_of(minimum: int, *cases: int) -> bool:
    """Return whether a figure may leave that is of so many cases of each class.

    A class without a case hides nobody.
    """
    return all(n == 0 or n >= minimum for n in cases)


def hide(
    table: Mapping[str, Sequence[int]], minimum: int, also: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Return the rows of a table (name → counts) to withhold; `also` are withheld already.

    An empty row hides nothing beside it, and stays. Where no row is left to add, all that hold
    anything are hidden: then their sums are the totals, which are known anyway.
    """
    hidden = {k for k, row in table.items() if any(0 < n < minimum for n in row)} | also
    others = [k for k, row in table.items() if any(row) and k not in hidden]
    while hidden and others and not _covered([table[k] for k in hidden], minimum):
        hidden.add(others.pop())
    return frozenset(hidden)


def _covered(rows: Sequence[Sequence[int]], minimum: int) -> bool:
    """Return whether hidden rows hide each other."""
    sums = [sum(column) for column in zip(*rows, strict=True)]
    return (
        len(rows) > 1
        and all(s == 0 or s >= 2 * minimum - 1 for s in sums)
        and sum(sums) >= minimum + len(rows) - 1
    )


def withheld(counts: Mapping[str, int], minimum: int) -> dict[str, int | None]:
    """Return a table of one column with None for what is hidden."""
    hidden = hide({k: (n,) for k, n in counts.items()}, minimum)
    return {k: None if k in hidden else n for k, n in counts.items()}
