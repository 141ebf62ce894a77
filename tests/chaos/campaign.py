"""`make chaos`: many cases over a small federation; none may end wrongly, or hang.

The exit status is 1 where one did. It goes on where it was interrupted; `--case` plays one again.
"""

import argparse
import json
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.chaos.cases import Case, draw
from tests.chaos.chain import Found, play
from tests.chaos.prepared import SITES, Prepared, prepared
from tests.chaos.verdict import BAD, VERDICTS

BUILD = Path("build/chaos")
CHAIN = 10
"""Cases of one training; those that it ends before begin the next."""


class Campaign:
    """The cases of a seed over the homes in a folder; what was found is kept there."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed = folder, seed
        self._prepared: Prepared = prepared(folder / "homes")
        self._kept = folder / f"seed-{seed}.jsonl"

    def case(self, number: int) -> Case:
        """Return a case by its number."""
        return draw(self._seed, number, tuple(SITES))

    def play(self, numbers: Sequence[int]) -> list[Found]:
        """Play cases, whatever was found before; the homes of a chain with a bad one are kept."""
        left, made = [self.case(n) for n in numbers], list[Found]()
        while left:
            found = play(left[:CHAIN], self._prepared, self._folder / "chain")
            if not found:
                raise RuntimeError("the training ended before the first fault")
            if any(f.verdict.kind in BAD for f in found):
                kept = self._folder / f"bad-{self._seed}-{found[-1].case.number}"
                shutil.rmtree(kept, ignore_errors=True)
                (self._folder / "chain").rename(kept)
            for one in found:
                self._keep(one)
            made += found
            left = left[len(found) :]
        return made

    def _keep(self, found: Found) -> None:
        case, verdict = found.case, found.verdict
        line = {
            "number": case.number, "fault": case.fault, "case": case.words(found.file),
            "verdict": verdict.kind, "words": verdict.words, "seconds": round(found.seconds, 1),
        }  # fmt: skip
        with self._kept.open("a") as f:
            f.write(json.dumps(line) + "\n")
        print(
            f"{case.number:4d} {found.seconds:5.0f} s {verdict.kind:12} {line['case']}", flush=True
        )
        if verdict.kind in BAD:
            print(f"     {verdict.words}", flush=True)

    def known(self) -> dict[int, Mapping[str, str]]:
        """Return what was found so far, by number; the last time counts."""
        lines = self._kept.read_text().splitlines() if self._kept.exists() else []
        return {line["number"]: line for line in map(json.loads, lines)}


def table(found: Mapping[int, Mapping[str, str]]) -> Iterator[str]:
    """Give the lines of a table: for each fault how many cases ended how."""
    counts = Counter((line["fault"], line["verdict"]) for line in found.values())
    yield f"{'fault':20}" + "".join(f"{v:>14}" for v in VERDICTS)
    for fault in sorted({fault for fault, _ in counts}):
        yield f"{fault:20}" + "".join(f"{counts[fault, v]:14d}" for v in VERDICTS)


def _interrupt(*_: object) -> None:
    """End the case under way, and with it every program that it started."""
    raise KeyboardInterrupt


def main() -> int:
    """Play the cases that were not played yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, action="append", help="play only this one, again")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    campaign = Campaign(BUILD.absolute(), options.seed)
    if options.case:
        campaign.play(options.case)
    for first in range(0, options.cases, CHAIN):
        wanted = range(first, min(first + CHAIN, options.cases))
        campaign.play([n for n in wanted if n not in campaign.known() and not options.case])
    found = campaign.known()
    print("\n".join(table(found)))
    return int(any(line["verdict"] in BAD for line in found.values()))


if __name__ == "__main__":
    sys.exit(main())
