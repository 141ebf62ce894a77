"""`make cohorts`: many random exports, and the smallest export of each kind that is misread.

The exit status is 1 where a channel was chosen wrongly in an export of no known kind.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

from tests.client.ingest.cohorts.draws import draw, smallest
from tests.client.ingest.cohorts.known import known_of


class Tally:
    """What the draws amount to."""

    def __init__(self) -> None:
        self.draws, self.known, self.misread = 0, 0, 0
        self.there, self.right = Counter[str](), Counter[str]()
        self.kinds, self.fresh = Counter[str](), Counter[str]()

    def add(self, seed: int, number: int) -> None:
        """Read one draw; shrink it where it is misread and of no known kind."""
        drawn = draw(seed, number)
        kinds, verdict = known_of(drawn), drawn.verdict()
        self.draws += 1
        self.known += bool(kinds)
        self.misread += bool(verdict.wrong)
        self.there.update(verdict.there)
        self.right.update(verdict.right)
        if verdict.wrong and kinds:
            self.kinds.update(k.why for k in kinds)
        elif verdict.wrong:
            for channel in verdict.wrong:
                small = smallest(drawn, channel)
                taken = small.verdict().wrong[channel]
                self.fresh[f"{channel} is {taken}: {small.text()} (draw {number})"] += 1

    def lines(self) -> Iterator[str]:
        """Say what was found."""
        yield f"{self.draws} draws, {self.misread} misread; {self.known} are of known kinds"
        yield from (f"{n:6d} misread of kind: {why}" for why, n in self.kinds.most_common())
        yield from (f"{n:6d} NOT KNOWN: {text}" for text, n in self.fresh.most_common())
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
    return int(bool(tally.fresh))


if __name__ == "__main__":
    sys.exit(main())
