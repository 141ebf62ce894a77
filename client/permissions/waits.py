"""The file waits.json of a site: questions that wait for a person and come again and again.

The first question and the first answer are entries of the ledger. Each later one, the same byte
for byte, is counted here before it is answered. When the wait ends, one entry says how many came.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from hepafed.client.release import Ledger
from hepafed.common.contract.messages import Stamp
from hepafed.common.json_file import JsonFile
from hepafed.common.locks import wait_for_lock

KIND = "waited"
"""The kind of the ledger entry of counted answers."""
MOST_COUNTED = 1000
"""Questions that one entry counts: the ids of their stamps are in it."""
MOST_OPEN = 100
"""Questions that are counted at a time; the oldest make room."""


@dataclass(frozen=True, kw_only=True)
class OpenWait:
    """A question that waits for a person, and how often it came again."""

    question: str
    """SHA-256 of the question's text."""
    answer: str
    """SHA-256 of the answer's text."""
    size: int
    """Bytes of the answer's text."""
    kind: str
    """`plan` or `model`."""
    digests: tuple[str, ...]
    """SHA-256 of the plan, or of each model that waits."""
    why: str
    """Why no permission covers it, as the site found."""
    run: str
    requester: str
    study: str
    since: str
    """When it came first, UTC, ISO 8601."""
    last: str
    """When it came last."""
    expires: str
    """Until when the last question is valid."""
    first: str = ""
    """When the first of those came that are counted; "" for none."""
    stamps: dict[str, str] = field(default_factory=dict)
    """Until when each counted question is valid, by the id of its stamp."""
    told: int = 0
    """Number of those that an entry of the ledger has counted already."""

    @property
    def times(self) -> int:
        """How often it came."""
        return 1 + self.told + len(self.stamps)

    @property
    def keys(self) -> set[tuple[str, str, str]]:
        """What of it is listed: digest, requester and study of each (`Waiting.key`)."""
        return {(d, self.requester, self.study) for d in self.digests}

    def is_same(self, other: "OpenWait") -> bool:
        """Tell whether another wait is of the same question, from the same person and study."""
        return (self.question, self.requester, self.study) == (
            other.question,
            other.requester,
            other.study,
        )


@dataclass(frozen=True, kw_only=True)
class KeptWaits:
    """What the file holds."""

    waits: tuple[OpenWait, ...] = ()


class WaitBook:
    """Reads and changes waits.json under a lock.

    Every method raises ConfigError where the file is damaged.
    """

    def __init__(self, home: Path, ledger: Ledger) -> None:
        self._lock = home / ".waits.lock"
        self._ledger = ledger
        self._file = JsonFile(
            path=home / "waits.json",
            record=KeptWaits,
            hint="move it away: questions that wait are then written into the ledger anew",
        )

    def all(self) -> tuple[OpenWait, ...]:
        """Return every question that waits, oldest first."""
        return self._file.read(missing=KeptWaits()).waits

    def find(self, question: str, stamp: Stamp) -> OpenWait | None:
        """Return the wait of a question (SHA-256) of the same person and study, or None."""
        wanted = (question, stamp.requester, stamp.study)
        found = (w for w in self.all() if (w.question, w.requester, w.study) == wanted)
        return next(found, None)

    def begin(self, wait: OpenWait) -> None:
        """Have a question counted from now on; its entries are in the ledger."""
        with self._locked():
            kept = [w for w in self.all() if not w.is_same(wait)]
            self._write([*kept, wait])

    def count(self, wait: OpenWait, stamp: Stamp, now: datetime) -> None:
        """Count a question, which comes again and is about to get the same answer."""
        at = now.isoformat(timespec="seconds")
        with self._locked():
            held = [w for w in self.all() if w.is_same(wait)]
            known = held[0] if held else wait
            made = replace(
                known,
                last=at,
                expires=max(known.expires, stamp.expires),
                first=known.first or at,
                stamps={**known.stamps, stamp.id: stamp.expires},
            )
            self._write([made if w in held else w for w in self.all()] + [made] * (not held))

    def end(self, wait: OpenWait) -> None:
        """Write down how often a question came that waits no longer, and forget it."""
        with self._locked():
            held = [w for w in self.all() if w.is_same(wait)]
            for w in held:
                self._tell(w)
            self._file.write(KeptWaits(waits=tuple(w for w in self.all() if w not in held)))

    def end_expired(self, now: datetime) -> tuple[OpenWait, ...]:
        """End the waits whose last question is not valid any more; return those that are left."""
        waits = self.all()
        for wait in waits:
            if now > datetime.fromisoformat(wait.expires):
                self.end(wait)
        return self.all() if waits else ()

    def _write(self, waits: list[OpenWait]) -> None:
        """Replace the file; what is counted long enough, or has no room, goes into the ledger."""
        made = []
        for w in waits[:-MOST_OPEN]:
            self._tell(w)
        for w in waits[-MOST_OPEN:]:
            full = len(w.stamps) >= MOST_COUNTED
            if full:
                self._tell(w)
            told = w.told + len(w.stamps)
            made.append(replace(w, told=told, first="", stamps={}) if full else w)
        self._file.write(KeptWaits(waits=tuple(made)))

    def _tell(self, wait: OpenWait) -> None:
        """Write the counted answers into the ledger; not anew what a crash left told."""
        known = self._ledger.stamps()
        new = {s: at for s, at in wait.stamps.items() if s not in known}
        if not new:
            return
        self._ledger.record_again(
            KIND,
            wait.run,
            wait.answer,
            size=wait.size,
            requester=wait.requester,
            study=wait.study,
            question=wait.question,
            first=wait.first,
            last=wait.last,
            stamps=new,
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock.open("w") as file:
            wait_for_lock(file)
            yield
