"""What every connection to a PACS can do, whichever protocol it speaks."""

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from hepafed.client.pacs.config import PacsConfig
from hepafed.client.pacs.request_list import Wanted
from hepafed.common.errors import FederationError, PayloadError, UnreachableError
from pydicom.uid import (
    EnhancedMRImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    RTStructureSetStorage,
    SegmentationStorage,
)

CLASSES: dict[str, tuple[str, ...]] = {
    "MR": (MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage),
    "SEG": (SegmentationStorage,),
    "RTSTRUCT": (RTStructureSetStorage,),
}
"""What is fetched, by modality; whatever else a series holds stays in the PACS."""
MOST_ANSWERS = 100_000
"""Most studies, series or instances that one question may have as its answer."""
UID = re.compile(r"[0-9.]{1,64}")
T = TypeVar("T")
NOISY = ("dicomweb_client", "pynetdicom", "pydicom", "urllib3", "requests")


class PacsError(FederationError):
    """The PACS refuses, or does not keep to the protocol; trying again does not help."""


class NothingThereError(PacsError):
    """The PACS says that there is nothing at an address: no such patient, or no such service."""


class BrokenConnectionError(FederationError):
    """The connection failed or broke; trying again may help."""


class StoppedError(FederationError):
    """The fetch was stopped from elsewhere: by the person, or by another connection's error."""


@dataclass(frozen=True)
class PacsStudy:
    """One study that the PACS lists, and how much it says that the study holds."""

    uid: str
    """StudyInstanceUID."""
    series: int | None = None
    """NumberOfStudyRelatedSeries; None: the PACS does not say."""
    instances: int | None = None
    """NumberOfStudyRelatedInstances."""

    def check(self, listed: "Sequence[PacsSeries]") -> None:
        """Check that the series which the PACS lists are all of the study's.

        Raises
        ------
        PayloadError
            It says itself that the study holds more series, or more instances, than these.
        """
        count = len({s.uid for s in listed})
        if self.series is not None and count < self.series:
            raise PayloadError(f"the PACS lists {count} of the {self.series} series of a study")
        held = [s.instances for s in listed]
        known = sum(n for n in held if n is not None)
        if self.instances is not None and None not in held and known < self.instances:
            raise PayloadError(
                f"the series that the PACS lists hold {known} of the {self.instances} instances "
                "of a study"
            )


@dataclass(frozen=True)
class PacsSeries:
    """One series that the PACS lists. UIDs stay in memory and are never printed."""

    wanted: Wanted
    """Entry of the list that asked for it."""
    study: str
    """StudyInstanceUID."""
    uid: str
    """SeriesInstanceUID."""
    modality: str
    """As the PACS says; empty: it does not say."""
    instances: int | None = None
    """NumberOfSeriesRelatedInstances; None: the PACS does not say."""

    def check(self, listed: "Sequence[Instance]") -> None:
        """Check that the instances which the PACS lists are all of the series'.

        Raises
        ------
        PayloadError
            It says itself that the series holds more.
        """
        count = len({i.uid for i in listed})
        if self.instances is not None and count < self.instances:
            raise PayloadError(f"the PACS lists {count} of the {self.instances} instances")


@dataclass(frozen=True)
class Instance:
    """One instance that the PACS lists; `sop_class` is empty where it does not say."""

    uid: str
    sop_class: str


class Connection(Protocol):
    """A connection to a PACS, used by one thread; it can ask and read, not write.

    Every method raises BrokenConnectionError, PacsError, PayloadError or StoppedError.
    """

    def studies(self, wanted: Wanted) -> list[PacsStudy]:
        """Return the studies of one accession number or patient."""

    def series(self, wanted: Wanted, study: str) -> list[PacsSeries]:
        """Return every series of a study."""

    def instances(self, series: PacsSeries) -> list[Instance]:
        """Return the instances of a series."""

    def fetch(
        self, series: PacsSeries, instances: Sequence[str], take: Callable[[bytes], None]
    ) -> None:
        """Read instances and hand each, whole, as a DICOM file to `take`."""

    def close(self) -> None:
        """End the connection politely."""


@dataclass
class Pace:
    """Lets at most `per_second` requests happen, over all threads; ends at once when stopped."""

    per_second: float
    stopped: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Wait for the next turn; StoppedError when the fetch is being stopped."""
        with self._lock:
            turn = max(self.clock(), self._next)
            self._next = turn + 1 / self.per_second
        self.pause(turn - self.clock())

    def pause(self, seconds: float) -> None:
        """Sleep; StoppedError when the fetch is being stopped."""
        if self.stopped.wait(max(0.0, seconds)):
            raise StoppedError("the fetch was stopped", "run the same command again to go on")


Connect = Callable[[PacsConfig, Pace], Connection]


ASKING, READING = "rows asked of", "series read from"


@dataclass(frozen=True)
class FetchProgress:
    """Says how far a fetch is."""

    what: str
    """`ASKING` or `READING`."""
    done: int
    """Rows or series that are finished."""
    total: int
    """Rows or series there are."""
    bytes: int = 0
    """Bytes read so far."""


def patiently(config: PacsConfig, pace: Pace, do: Callable[[], T]) -> T:
    """Return what `do` returns; do it again after 1, 2, 4 … seconds while the connection breaks.

    Raises
    ------
    UnreachableError
        It broke at every attempt.
    """
    for attempt in range(config.retries + 1):
        try:
            return do()
        except BrokenConnectionError as e:
            if attempt == config.retries:
                raise UnreachableError(e.message, e.hint) from None
            pace.pause(2.0**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def valid_uid(value: object) -> str:
    """Return a UID that a PACS sent, checked: it goes into addresses and questions.

    Digits and dots, at most 64 (DICOM PS3.5 9.1); what else the standard forbids is common.
    """
    text = str(value or "").strip("\0 ")
    if not UID.fullmatch(text):
        raise PayloadError("the PACS sent a value that is not a UID")
    return text


def valid_count(value: object) -> int | None:
    """Return a number of related instances or series (VR IS); None where there is none."""
    text = str(value if value is not None else "").strip("\0 ")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,9}", text):
        raise PayloadError("the PACS sent a count that is not a number")
    return int(text)


def is_asked_for(wanted: Wanted, value: object) -> bool:
    """Return whether an answer's identity is the one that was asked for (padding apart)."""
    return str(value or "").strip("\0 ") == wanted.value


def quiet() -> None:
    """Keep the libraries' own logs, which quote identifiers and addresses, off the screen."""
    for name in NOISY:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
