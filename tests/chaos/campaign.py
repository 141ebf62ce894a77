"""`make chaos`: many cases over a small federation; none may end wrongly, or hang.

The exit status is 1 where one did. It goes on where it was interrupted; `--case` plays one again.
"""

import argparse
import json
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.chaos.cases import UNDISTURBED, Case, draw
from tests.chaos.prepared import SITES, Prepared, prepared, read_events, use_small_network
from tests.chaos.scene import play
from tests.chaos.verdict import BAD, SAME, VERDICTS, Verdict

BUILD = Path("build/chaos")


class Campaign:
    """The cases of a seed over the homes in a folder; what was found is kept there."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed = folder, seed
        self._prepared: Prepared = prepared(folder / "homes")
        self._kept = folder / f"seed-{seed}.jsonl"
        self._lines = self._undisturbed()

    def _undisturbed(self) -> int:
        """Return how many lines a run adds without a fault, which must end in the same digest."""
        known = self._folder / "lines"
        if known.exists():
            return int(known.read_text())
        found = play(Case(number=-1, fault=UNDISTURBED), self._prepared, self._folder / "case")
        if found.kind != SAME:
            raise RuntimeError(f"without a fault: {found.kind}: {found.words}")
        run = self._folder / "case/server/runs" / self._prepared.run
        lines = len(read_events(run / "events.jsonl")) - self._prepared.events
        known.write_text(str(lines))
        return lines

    def case(self, number: int) -> Case:
        """Return a case by its number."""
        return draw(self._seed, number, self._prepared.folder, tuple(SITES), self._lines)

    def play(self, number: int) -> Verdict:
        """Play a case, whatever was found before; the homes of a bad one are kept."""
        made, started = self.case(number), time.monotonic()
        found = play(made, self._prepared, self._folder / "case")
        kept = self._folder / f"bad-{self._seed}-{number}"
        shutil.rmtree(kept, ignore_errors=True)
        if found.kind in BAD:
            (self._folder / "case").rename(kept)
        line = {
            "number": number, "fault": made.fault, "case": made.words(), "verdict": found.kind,
            "words": found.words, "seconds": round(time.monotonic() - started, 1),
        }  # fmt: skip
        with self._kept.open("a") as f:
            f.write(json.dumps(line) + "\n")
        print(f"{number:4d} {line['seconds']:5.0f} s {found.kind:12} {made.words()}", flush=True)
        if found.kind in BAD:
            print(f"     {found.words}", flush=True)
        return found

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
    use_small_network()
    campaign = Campaign(BUILD.absolute(), options.seed)
    for number in options.case or range(options.cases):
        if options.case or number not in campaign.known():
            campaign.play(number)
    found = campaign.known()
    print("\n".join(table(found)))
    return int(any(line["verdict"] in BAD for line in found.values()))


if __name__ == "__main__":
    sys.exit(main())
