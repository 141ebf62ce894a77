"""`make cohorts`: many random exports, and the smallest export of each that is misread.

The exit status is 1 where a channel was chosen wrongly.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

from tests.client.ingest.cohorts.draws import draw, smallest


class Tally:
    """What the draws amount to."""

    def __init__(self) -> None:
        self.draws, self.misread = 0, 0
        self.there, self.right = Counter[str](), Counter[str]()
        self.wrong = Counter[str]()

    def add(self, seed: int, number: int) -> None:
        """Read one draw; shrink it where it is misread."""
        drawn = draw(seed, number)
        verdict = drawn.verdict()
        self.draws += 1
        self.misread += bool(verdict.wrong)
        self.there.update(verdict.there)
        self.right.update(verdict.right)
        for channel in verdict.wrong:
            small = smallest(drawn, channel)
            taken = small.verdict().wrong[channel]
            self.wrong[f"{channel} is {taken}: {small.text()} (draw {number})"] += 1

    def lines(self) -> Iterator[str]:
        """Say what was found."""
        yield f"{self.draws} draws, {self.misread} misread"
        yield from (f"{n:6d} {text}" for text, n in self.wrong.most_common())
        yield from (f"{c}: right in {self.right[c]} of {n}" for c, n in sorted(self.there.items()))


def main() -> int:
    """Read the draws of a seed and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally = Tally()
    for number in range(options.draws):
        tally.add(options.seed, number)
    print("\n".join(tally.lines()))  # noqa: T201
    return int(bool(tally.wrong))


if __name__ == "__main__":
    sys.exit(main())
