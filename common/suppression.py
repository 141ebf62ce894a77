"""Withhold small counts of a table, and enough others that no total gives one of them away.

The rows of a table exclude each other, and every column adds up to a total that is known. A row
with a count from 1 to `minimum` − 1 is hidden. What is hidden is known as a sum, the total less
the rest; so more rows are hidden until there are two at least and each of their columns adds up
to nothing or to `minimum` at least (complementary suppression: Willenborg and de Waal, Elements of
Statistical Disclosure Control, 2001, chapter 6). The next row is always the smallest.
"""

from collections.abc import Mapping, Sequence


def hide(
    table: Mapping[str, Sequence[int]], minimum: int, also: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Choose the rows of a table (name → counts) to withhold; `also` are withheld already.

    An empty row hides nothing beside it, and stays. Where no row is left to add, all that hold
    anything are hidden: then their sums are the totals, which are known anyway.
    """
    hidden = {k for k, row in table.items() if any(0 < n < minimum for n in row)} | also
    others = sorted((sum(row), k) for k, row in table.items() if any(row) and k not in hidden)
    while hidden and others and not _covered([table[k] for k in hidden], minimum):
        hidden.add(others.pop(0)[1])
    return frozenset(hidden)


def _covered(rows: Sequence[Sequence[int]], minimum: int) -> bool:
    """Say whether hidden rows hide each other."""
    return len(rows) > 1 and all(
        total == 0 or total >= minimum for total in map(sum, zip(*rows, strict=True))
    )


def withheld(counts: Mapping[str, int], minimum: int) -> dict[str, int | None]:
    """Give a table of one column with None for what is hidden."""
    hidden = hide({k: (n,) for k, n in counts.items()}, minimum)
    return {k: None if k in hidden else n for k, n in counts.items()}
